"""The ``[[flow_logs]]`` tables of an environment file: their schema and their rules."""
