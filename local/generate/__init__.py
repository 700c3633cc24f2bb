"""``python -m local.generate``: a generator of flow log files."""
