"""Benchmarks of the job against the approach of the 2020 guide and DuckDB, in one run."""
