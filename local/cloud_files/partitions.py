"""Distribute a micro-batch's files over Spark tasks."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from local.cloud_files.discovery import FoundFile

BIG = 16 * 1024 * 1024
"""Files of at least this length are distributed by size instead of in the order of the log."""

TASK = 128 * 1024 * 1024
"""Maximum bytes per task, approximately: a larger micro-batch has several tasks per core."""

OPENING = 64 * 1024
"""The cost of opening a file, in bytes that could be read in the same time."""


def pack(files: Sequence[FoundFile], *, cores: int) -> list[list[FoundFile]]:
    """Distribute files evenly over the cores. Small files stay in order, so that a task's files have similar times.

    Args:
        files: the files, in the order of the log.
        cores: the number of tasks that run in parallel.

    Returns:
        The files of each task. No task is empty.
    """
    big = [file for file in files if file.length >= BIG]
    small = [file for file in files if file.length < BIG]
    return [packed for packed in _evenly(big, cores) + _in_order(small, cores) if packed]


def _evenly(files: Sequence[FoundFile], cores: int) -> list[list[FoundFile]]:
    """Assign the files, longest first, to the task with the fewest bytes."""
    bins: list[list[FoundFile]] = [[] for _ in range(_tasks(files, cores))]
    filled = [0] * len(bins)
    for file in sorted(files, key=lambda file: -file.length):
        least = filled.index(min(filled))
        bins[least].append(file)
        filled[least] += file.length
    return bins


def _in_order(files: Sequence[FoundFile], cores: int) -> list[list[FoundFile]]:
    bins: list[list[FoundFile]] = [[] for _ in range(_tasks(files, cores))]
    total = sum(file.length + OPENING for file in files)
    filled = 0
    for file in files:
        bins[filled * len(bins) // total].append(file)
        filled += OPENING + file.length
    return bins


def _tasks(files: Sequence[FoundFile], cores: int) -> int:
    """Return the number of tasks, a multiple of the number of cores."""
    return cores * max(1, ceil(sum(file.length for file in files) / (TASK * cores)))
