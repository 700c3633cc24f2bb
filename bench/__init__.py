"""Measurements: the job against the guide's way and against DuckDB, side by side in one run."""
