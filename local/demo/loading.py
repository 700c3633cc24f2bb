"""The contents of the tables per file and the time of their commits, from the Delta log while the job writes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from local.delivery import Delivered
from local.demo.commits import Commits


@dataclass(frozen=True)
class Wait:
    """The time from the upload of a file to readable rows; both ends in Unix seconds."""

    put: float
    readable: float

    @property
    def seconds(self) -> float:
        return max(0.0, self.readable - self.put)


def across_restarts(waits: Sequence[Wait], runs: Sequence[tuple[float, float]]) -> tuple[list[Wait], list[Wait]]:
    """Return the waits during a run of the job, and those that overlap a restart.

    ``runs`` are the start and end of each run, in order. A restart lasts from the end of a run to the first rows of the
    next one.
    """
    pauses = []
    for (_, end), (start, _) in pairwise(runs):
        pauses.append((end, min((wait.readable for wait in waits if wait.readable > start), default=end)))
    across = [wait for wait in waits if any(wait.put <= last and begin <= wait.readable for begin, last in pauses)]
    return [wait for wait in waits if wait not in across], across


class Loading:
    """Follows the table and its quarantine table.

    Attributes:
        rows: the number of rows by file name.
        quarantined: the number of lines in quarantine by file name.
        readable: the time of the latest commit by file name, in Unix seconds.
        first: the time of the first rows; None before that.
    """

    def __init__(self, warehouse: Path, table: str) -> None:
        self._records = Commits(warehouse / table)
        self._quarantine = Commits(warehouse / f"{table}_quarantine", weight="lines")
        self.rows: Counter[str] = Counter()
        self.quarantined: Counter[str] = Counter()
        self.readable: dict[str, float] = {}
        self.first: float | None = None

    def update(self) -> None:
        """Read the commits since the last call."""
        for commits, counts in ((self._records, self.rows), (self._quarantine, self.quarantined)):
            for commit in commits.new():
                counts.update(commit.rows)
                for name in commit.rows:
                    self.readable[name] = max(commit.at, self.readable.get(name, 0.0))
                if commit.rows and self.first is None:
                    self.first = commit.at

    @property
    def lines(self) -> int:
        """The number of lines in the tables: rows, and lines in quarantine."""
        return sum(self.rows.values()) + sum(self.quarantined.values())

    def pause(self, files: Iterable[Delivered], *, now: float) -> float:
        """Return the seconds since the latest rows; 0 if all files are loaded, or none."""
        names = (put.file.key.rpartition("/")[2] for put in files if put.error is None)
        if not self.readable or all(name in self.readable for name in names):
            return 0.0
        return max(0.0, now - max(self.readable.values()))

    def waits(self, files: Iterable[Delivered]) -> list[Wait]:
        """Return the waits of the files that arrived after the first rows and are loaded completely."""
        if self.first is None:
            return []
        waits = []
        for put in files:
            name = put.file.key.rpartition("/")[2]
            if put.at > self.first and name in self.readable and self.rows[name] == put.file.rows:
                waits.append(Wait(put.at, self.readable[name]))
        return waits
