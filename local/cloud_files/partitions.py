"""How the files of a micro-batch are shared out among Spark's tasks."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from local.cloud_files.discovery import Found

BIG = 16 * 1024 * 1024
"""A file of this length is shared out by itself, and not in the order of the log."""

TASK = 128 * 1024 * 1024
"""Bytes of files in one task, when there are more of them than the cores can share."""

OPENING = 64 * 1024
"""What opening a file costs, in bytes that could be read meanwhile."""


def pack(files: Sequence[Found], *, cores: int) -> list[list[Found]]:
    """Share files out: small ones in order, so that a task's are of one time; and both kinds evenly over the cores.

    Args:
        files: in the order of the log.
        cores: how many tasks run at the same time.

    Returns:
        The files of each task; no task without files.
    """
    big = [file for file in files if file.length >= BIG]
    small = [file for file in files if file.length < BIG]
    return [packed for packed in _evenly(big, cores) + _in_order(small, cores) if packed]


def _evenly(files: Sequence[Found], cores: int) -> list[list[Found]]:
    """The longest first, each to the task that has least so far."""
    bins: list[list[Found]] = [[] for _ in range(_tasks(files, cores))]
    filled = [0] * len(bins)
    for file in sorted(files, key=lambda file: -file.length):
        least = filled.index(min(filled))
        bins[least].append(file)
        filled[least] += file.length
    return bins


def _in_order(files: Sequence[Found], cores: int) -> list[list[Found]]:
    bins: list[list[Found]] = [[] for _ in range(_tasks(files, cores))]
    total = sum(file.length + OPENING for file in files)
    filled = 0
    for file in files:
        bins[filled * len(bins) // total].append(file)
        filled += OPENING + file.length
    return bins


def _tasks(files: Sequence[Found], cores: int) -> int:
    """So many that every core has as many as the others."""
    return cores * max(1, ceil(sum(file.length for file in files) / (TASK * cores)))
