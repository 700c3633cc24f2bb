"""Numbers and tables for a terminal."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from vpc_flow_logs.terminal import printable

_UNITS = ("B", "kB", "MB", "GB", "TB")


def aligned(head: Sequence[str], rows: Sequence[Sequence[str | int]]) -> str:
    """Format rows as an indented table: text is left-aligned, numbers are right-aligned.

    >>> print(aligned(("port", "flows"), [("22", 1200), ("3389", 7)]))
      port  flows
      22    1,200
      3389      7
    """
    numeric = [bool(rows) and all(isinstance(row[place], int) for row in rows) for place in range(len(head))]
    lines = [list(head), *([f"{cell:,}" if isinstance(cell, int) else printable(cell) for cell in row] for row in rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(head))]
    return "\n".join(
        "  " + "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, numeric, strict=True)
        ).rstrip()
        for line in lines
    )  # fmt: skip


def in_bytes(count: int) -> str:
    """Format bytes in a readable unit.

    >>> in_bytes(1_234_567)
    '1.2 MB'
    """
    value, unit = float(count), 0
    while value >= 1000 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{count} B" if unit == 0 else f"{value:.1f} {_UNITS[unit]}"


def in_seconds(seconds: float) -> str:
    """Format a duration.

    >>> in_seconds(0.42), in_seconds(7.31), in_seconds(75)
    ('0.4 s', '7.3 s', '1 min 15 s')
    """
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    return f"{whole // 60} min {whole % 60:02} s"


def shown(path: Path) -> str:
    """Return a path relative to the current folder if it is inside, else as it is."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative
