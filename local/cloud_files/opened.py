"""A file that is open to be read, wherever it lies."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from local.cloud_files.error import CloudFilesError


class Gone(CloudFilesError):
    """A file that was found is no longer there."""


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


def gone(path: str) -> Gone:
    """Return the error of a file that was found, and is no longer there, in the words of Spark's file sources."""
    return Gone(
        f"[FAILED_READ_FILE.FILE_NOT_EXIST] Encountered error while reading file {path}. File does not exist. It is"
        " possible the underlying files have been updated."
    )
