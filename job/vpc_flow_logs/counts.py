"""What the parse of a micro-batch counted, brought from the workers to the driver."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.accumulators import AccumulatorParam


@dataclass(frozen=True)
class Counts:
    """Files, their bytes, records, entries of the quarantine and the lines those stand for.

    ``oldest`` is when the file that has waited longest was modified, in seconds since 1970.
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


class CountsParam(AccumulatorParam[Counts]):
    """How Spark adds up `Counts` of several tasks."""

    def zero(self, value: Counts) -> Counts:
        return Counts()

    def addInPlace(self, value1: Counts, value2: Counts) -> Counts:
        return value1 + value2
