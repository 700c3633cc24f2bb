"""The text of `ANSWERS.md`."""

from __future__ import annotations
from bench.answers_asked import Asked
def line(r: Asked) -> str:
    d = f"DuckDB {r.duckdb:.2f} s" if r.duckdb is not None else r.problem
    return f"{r.dataset}, {r.window}: {r.rows:,} rows, {r.files:,} files, {r.spark:.2f} s, {d}"
def page(asked, sizes, *, fields):
    return f"{fields} {sizes}\n" + "\n".join(map(line, asked)) + "\n"
