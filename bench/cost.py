"""The cost of a piece of work in Spark, as elapsed time and as CPU time."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from pyspark.sql import SparkSession

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cost:
    """Cost of a piece of work.

    Attributes:
        elapsed: Seconds on the clock.
        cpu: CPU seconds of Spark's Java process in all threads. Other processes hardly change them.
    """

    elapsed: float
    cpu: float


class Meter:
    """Measures work in a session (Linux only)."""

    def __init__(self, spark: SparkSession) -> None:
        java = spark.sparkContext._jvm
        assert java is not None
        self._stat = Path(f"/proc/{java.java.lang.ProcessHandle.current().pid()}/stat")

    def of(self, work: Callable[[], object]) -> Cost:
        """Do the work, and return its cost."""
        started, cpu = time.perf_counter(), self._cpu()
        work()
        return Cost(elapsed=time.perf_counter() - started, cpu=self._cpu() - cpu)

    def _cpu(self) -> float:
        # The name of the process, in parentheses, may contain spaces. User and system time are fields 14 and 15.
        fields = self._stat.read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS


def middle(costs: Sequence[Cost]) -> Cost:
    """Return the medians of costs."""
    return Cost(elapsed=median(cost.elapsed for cost in costs), cpu=median(cost.cpu for cost in costs))
