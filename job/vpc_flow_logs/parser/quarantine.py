"""The entries of the quarantine table, which keep the lines that are not records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

LONGEST_SHOWN = 4096
"""Maximum number of characters of a line in an entry."""

SCHEMA = pa.schema(
    [
        ("source_file", pa.string()),
        ("line_number", pa.int64()),
        ("lines", pa.int64()),
        ("line", pa.string()),
        ("reason", pa.string()),
    ]
)
"""Arrow schema of the entries, without ``ingested_at``, which the task adds."""


@dataclass(frozen=True)
class Entry:
    """Lines of a file that are not records.

    Attributes:
        source_file: Path of the file.
        line_number: Number of the first line, starting at 1; in Parquet, of the row.
        lines: Number of lines that the entry covers.
        line: The first line; None if there is nothing to show, such as for damage between two lines.
        reason: The reason that the lines are not records.
    """

    source_file: str
    line_number: int
    lines: int
    line: str | None
    reason: str


def shown(line: bytes) -> str | None:
    r"""Return a line as text for an entry: at most `LONGEST_SHOWN` characters, invalid UTF-8 as ``\x..``."""
    if not line:
        return None
    return line[: 4 * LONGEST_SHOWN].decode("utf-8", "backslashreplace")[:LONGEST_SHOWN]


def to_batch(entries: Sequence[Entry]) -> pa.RecordBatch:
    """Return the entries as one Arrow batch of `SCHEMA`."""
    columns = [pa.array([getattr(entry, field.name) for entry in entries], field.type) for field in SCHEMA]
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)
