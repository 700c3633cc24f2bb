"""How the files of a micro-batch are shared out among Spark's tasks."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from local.cloud_files.discovery import Found

BIG = 16 * 1024 * 1024
"""A file of this length has a task of its own."""

TASK = 128 * 1024 * 1024
"""Bytes of small files in one task, when there are more of them than the cores can share."""

OPENING = 64 * 1024
"""What opening a file costs, in bytes that could be read meanwhile."""


def pack(files: Sequence[Found], *, cores: int) -> list[list[Found]]:
    """Share files out: big ones apart, small ones in order and evenly over the cores.

    Args:
        files: in the order of the log.
        cores: how many tasks run at the same time.

    Returns:
        The files of each task; no task without files.
    """
    small = [file for file in files if file.length < BIG]
    length = sum(file.length for file in small)
    bins: list[list[Found]] = [[] for _ in range(max(cores, ceil(length / TASK)))]
    total = length + OPENING * len(small)
    filled = 0
    for file in small:
        bins[filled * len(bins) // total].append(file)
        filled += OPENING + file.length
    return [[file] for file in files if file.length >= BIG] + [packed for packed in bins if packed]
