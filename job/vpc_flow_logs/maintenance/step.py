"""The outcome of a maintenance step for one table."""

from __future__ import annotations

from dataclasses import dataclass

NOTHING = "nothing to do"
"""Text of `Outcome.did` for a step that changes nothing."""


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
        did: The result as text, such as ``added 24 hours, 3,120 rows``.
        before: Size of the table before the step; None if the step does not change it.
        after: Size of the table after the step.
    """

    step: str
    table: str
    did: str
    before: Size | None = None
    after: Size | None = None
