"""A result as JSON: one array with one object per row."""

from __future__ import annotations

import json
from typing import TextIO

from local.answers.result import Result


def write(result: Result, stream: TextIO) -> None:
    """Write a result, one line per row. Text has only ASCII characters; the others are escaped."""
    names = [column.name for column in result.columns]
    rows = (json.dumps(dict(zip(names, row, strict=True)), allow_nan=False) for row in result.rows)
    stream.write("[" + ",".join(f"\n  {row}" for row in rows) + ("\n]\n" if result.rows else "]\n"))
