"""The counts of a micro-batch, and their transfer from the workers to the driver."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Counts:
    """Counts of parsed files.

    Attributes:
        files: Number of files.
        bytes: Total size of the files as delivered.
        records: Number of records.
        entries: Number of quarantine entries.
        lines: Number of lines that the quarantine entries cover.
        oldest: Modification time of the oldest file, in seconds since 1970; None if there are no files.
    """

    files: int = 0
    bytes: int = 0
    records: int = 0
    entries: int = 0
    lines: int = 0
    oldest: float | None = None

    def __add__(self, other: Counts) -> Counts:
        times = [time for time in (self.oldest, other.oldest) if time is not None]
        return Counts(
            files=self.files + other.files,
            bytes=self.bytes + other.bytes,
            records=self.records + other.records,
            entries=self.entries + other.entries,
            lines=self.lines + other.lines,
            oldest=min(times) if times else None,
        )


def summary(first_file: str, counts: Counts) -> str:
    """Return the counts of a task as a string for the driver.

    Two tasks of a batch never read the same first file, and a task that runs twice returns the same text. The *set* of
    a batch's summaries therefore contains each task once, no matter how often Spark ran it.
    """
    return json.dumps({"first_file": first_file, **asdict(counts)}, sort_keys=True)


def total(summaries: Iterable[str]) -> Counts:
    """Return the sum of the distinct summaries.

    >>> text = summary("a.log", Counts(files=1, records=5))
    >>> total([text, text, summary("b.log", Counts(files=1, records=2))]).records
    7
    """
    result = Counts()
    for text in set(summaries):
        values = json.loads(text)
        del values["first_file"]
        result += Counts(**values)
    return result
