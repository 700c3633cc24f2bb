"""Results as medians, ratios and a Markdown page."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.data import Load

_MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Measured:
    """The seconds of each round with one load, by contender."""

    load: Load
    seconds: Mapping[str, Sequence[float]]

    def ratio(self, slower: str, faster: str) -> float:
        """Return the ratio of two contenders' times, as the median of the rounds' ratios."""
        return median(a / b for a, b in zip(self.seconds[slower], self.seconds[faster], strict=True))


def page(measured: Sequence[Measured], *, worker_bytes: int, big_file_bytes: int) -> str:
    """Return the text of `RESULTS.md`."""
    lines = [
        "# Results of `make bench`",
        "",
        (
            f"{machine()} Contenders take turns; the first round of each is not counted. "
            "Compare the ratios, because absolute times vary from machine to machine."
        ),
        "",
        "| files | contender | median (s) | all rounds (s) | records/s |",
        "|---|---|---|---|---|",
    ]
    for result in measured:
        for name, seconds in result.seconds.items():
            middle = median(seconds)
            rounds = ", ".join(f"{value:.1f}" for value in seconds)
            files = f"{result.load.files:,} gz x {result.load.records_of_a_file:,} records"
            lines.append(f"| {files} | {name} | {middle:.1f} | {rounds} | {result.load.records / middle:,.0f} |")
    lines += ["", "| files | time of the guide / job | time of the job / DuckDB |", "|---|---|---|"]
    for result in measured:
        files = f"{result.load.files:,} gz x {result.load.records_of_a_file:,} records"
        lines.append(f"| {files} | {result.ratio('guide', 'job'):.2f} | {result.ratio('job', 'duckdb'):.2f} |")
    lines += [
        "",
        (
            f"Memory: the largest Python worker used {worker_bytes / _MEGABYTE:,.0f} MB while loading one gzip file "
            f"of {big_file_bytes / _MEGABYTE:,.0f} MB."
        ),
        "",
    ]
    return "\n".join(lines)


def machine() -> str:
    """Return the sentence about this machine."""
    return (
        f"Machine: {os.cpu_count()} cores, {_memory_gib():.0f} GiB, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}."
    )


def _memory_gib() -> float:
    """Return the memory of this machine; 0 if it is unknown."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) / 1024**2
    return 0.0
