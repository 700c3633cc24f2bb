"""A file that is open to be read, wherever it lies."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from local.cloud_files.error import CloudFilesError


class Opened(NamedTuple):
    """An open file.

    Attributes:
        length: bytes.
        modified: microseconds since 1970, UTC, in whole milliseconds as Spark gives them.
        read: returns all bytes.
    """

    length: int
    modified: int
    read: Callable[[], bytes | bytearray]


def gone(path: str) -> CloudFilesError:
    """The error of a file that was found, and is no longer there."""
    return CloudFilesError(
        f"{path}: found by an earlier listing, but gone before it was read; put it back, for the stream cannot"
        " leave it out (files must stay until they are read)"
    )
