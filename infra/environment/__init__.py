"""The environment file: its keys, their types and rules, and the names derived from them. Pure functions only."""
