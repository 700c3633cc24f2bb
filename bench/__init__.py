"""Benchmarks of the job against the 2020 guide's approach and DuckDB, in one run."""
