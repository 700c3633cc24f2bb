"""A file that is open for reading, on disk or in a bucket."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from local.cloud_files.error import CloudFilesError


class FileGoneError(CloudFilesError):
    """A discovered file no longer exists."""


class Opened(NamedTuple):
    """An open file.

    Attributes:
        length: bytes.
        modified: microseconds since 1970, UTC, truncated to milliseconds as in Spark.
        read: returns all bytes.
    """

    length: int
    modified: int
    read: Callable[[], bytes | bytearray]


def file_gone(path: str) -> FileGoneError:
    """Return the error for a discovered file that no longer exists, worded as in Spark's file sources."""
    return FileGoneError(
        f"[FAILED_READ_FILE.FILE_NOT_EXIST] Encountered error while reading file {path}. File does not exist. It is"
        " possible the underlying files have been updated."
    )
