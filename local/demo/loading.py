"""What is in the tables so far, file by file, and since when: read from Delta's log while the job writes."""

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
    """A file's time from its put to its rows being readable; both in Unix seconds."""

    put: float
    readable: float

    @property
    def seconds(self) -> float:
        return max(0.0, self.readable - self.put)


def across_restarts(waits: Sequence[Wait], runs: Sequence[tuple[float, float]]) -> tuple[list[Wait], list[Wait]]:
    """The waits while the job was running, and those in which it was not.

    ``runs`` are the starts and ends of the job's runs, in order. From the end of one until the first rows of the next
    nothing can be read.
    """
    pauses = []
    for (_, end), (start, _) in pairwise(runs):
        pauses.append((end, min((wait.readable for wait in waits if wait.readable > start), default=end)))
    across = [wait for wait in waits if any(wait.put <= last and begin <= wait.readable for begin, last in pauses)]
    return [wait for wait in waits if wait not in across], across


class Loading:
    """Follows the table and its quarantine table.

    Attributes:
        rows: of each file, by its name.
        quarantined: lines of each file that are in quarantine.
        readable: since when (Unix seconds) what the tables hold of a file can be read.
        first: when the first rows came; None before that.
    """

    def __init__(self, warehouse: Path, table: str) -> None:
        self._records = Commits(warehouse / table)
        self._quarantine = Commits(warehouse / f"{table}_quarantine", weight="lines")
        self.rows: Counter[str] = Counter()
        self.quarantined: Counter[str] = Counter()
        self.readable: dict[str, float] = {}
        self.first: float | None = None

    def look(self) -> None:
        """Take note of what was committed since the last look."""
        for commits, counts in ((self._records, self.rows), (self._quarantine, self.quarantined)):
            for commit in commits.new():
                counts.update(commit.rows)
                for name in commit.rows:
                    self.readable[name] = max(commit.at, self.readable.get(name, 0.0))
                if commit.rows and self.first is None:
                    self.first = commit.at

    @property
    def lines(self) -> int:
        """Lines that are accounted for: rows, and lines in quarantine."""
        return sum(self.rows.values()) + sum(self.quarantined.values())

    def waits(self, files: Iterable[Delivered]) -> list[Wait]:
        """Of the files that came after the first rows and are there in full."""
        if self.first is None:
            return []
        found = []
        for one in files:
            name = one.file.key.rpartition("/")[2]
            if one.at > self.first and name in self.readable and self.rows[name] == one.file.rows:
                found.append(Wait(one.at, self.readable[name]))
        return found
