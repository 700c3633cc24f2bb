"""What could not be read, kept: the entries of the quarantine table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

LONGEST_SHOWN = 4096
"""Characters of a line that an entry keeps."""

SCHEMA = pa.schema(
    [
        ("source_file", pa.string()),
        ("line_number", pa.int64()),
        ("lines", pa.int64()),
        ("line", pa.string()),
        ("reason", pa.string()),
    ]
)
"""Arrow schema of the entries (``ingested_at`` is added by the task)."""


@dataclass(frozen=True)
class Entry:
    """``lines`` lines of a file that are no records: where they begin (1 = first line), the first of them, and why.

    ``line`` is None where there is nothing to show, such as damage between two lines.
    """

    source_file: str
    line_number: int
    lines: int
    line: str | None
    reason: str


def shown(line: bytes) -> str | None:
    r"""A line as an entry shows it: bytes that are not UTF-8 as ``\x..``, cut to `LONGEST_SHOWN` characters."""
    if not line:
        return None
    return line[: 4 * LONGEST_SHOWN].decode("utf-8", "backslashreplace")[:LONGEST_SHOWN]


def to_batch(entries: Sequence[Entry]) -> pa.RecordBatch:
    """The entries as one Arrow batch of `SCHEMA`."""
    columns = [pa.array([getattr(entry, field.name) for entry in entries], field.type) for field in SCHEMA]
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)
