"""The outcome of a maintenance step for one table."""

from __future__ import annotations

from dataclasses import dataclass

NOTHING = "nothing to do"
"""Text of `Outcome.result` for a step that changes nothing."""


@dataclass(frozen=True)
class Size:
    """The size of a table.

    Attributes:
        rows: Number of rows; None if the metadata does not contain it.
        files: Number of data files.
    """

    rows: int | None
    files: int


@dataclass(frozen=True)
class Outcome:
    """The outcome of a step for one table.

    Attributes:
        step: Name of the step: ``roll-up``, ``expiry``, ``purge``, ``compact`` or ``vacuum``.
        table: Name of the table.
        result: The result as text, such as ``added 24 hours, 3,120 rows``.
        before: Size of the table before the step; None if the step does not change it.
        after: Size of the table after the step.
    """

    step: str
    table: str
    result: str
    before: Size | None = None
    after: Size | None = None


def line(outcome: Outcome, *, seconds: float) -> str:
    """Return the line for an outcome.

    >>> line(Outcome("compact", "flows", "rewrote 12 files as 1 file", Size(9, 12), Size(9, 1)), seconds=2.12)
    'compact flows: rewrote 12 files as 1 file; rows 9 -> 9, files 12 -> 1; 2.1 s'
    >>> line(Outcome("purge", "flows", "nothing to do"), seconds=0.3)
    'purge flows: nothing to do; 0.3 s'
    """
    parts = [f"{outcome.step} {outcome.table}: {outcome.result}"]
    if outcome.before is not None and outcome.after is not None:
        before, after = outcome.before, outcome.after
        files = f"files {before.files:,} -> {after.files:,}"
        known = before.rows is not None and after.rows is not None
        parts.append(f"rows {before.rows:,} -> {after.rows:,}, {files}" if known else files)
    return "; ".join([*parts, f"{seconds:.1f} s"])
