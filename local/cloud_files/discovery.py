"""The interface for finding new files, by listing or by the messages of a queue."""

from __future__ import annotations

from collections.abc import Container
from typing import NamedTuple, Protocol

REST = 0.5
"""Minimum seconds between listings. Spark polls an idle stream a hundred times a second."""


class FoundFile(NamedTuple):
    """A file that discovery found.

    Attributes:
        path: the path in the form of Spark's ``binaryFile``: ``file:/folder/file`` or ``s3://bucket/key``.
        modified: milliseconds since 1970, UTC.
        length: bytes.
    """

    path: str
    modified: int
    length: int


class Discovery(Protocol):
    """Source of new files. Offsets count the files in the durable log."""

    @property
    def drained(self) -> bool:
        """True if `new_files` returned all waiting files; if false, call it again."""

    def existing(self) -> list[FoundFile]:
        """Return the files that exist when a stream starts for the first time."""

    def new_files(self, known: Container[str], *, patient: bool = False) -> list[FoundFile]:
        """Return files not in ``known``, each once, sorted by modification time and path.

        If there are none, a call with ``patient`` may wait for one, for at most a second.
        """

    def logged(self, offset: int) -> None:
        """Record that all files found so far are in the durable log, up to this offset."""

    def committed(self, offset: int) -> None:
        """Record that the micro-batches up to this offset are done; a queue can now delete their messages."""

    def rest(self, took: float) -> float:
        """Return the seconds to wait before the next call of `new_files`, which took ``took`` seconds."""


class Listing:
    """Discovery that lists everything each time, so it has nothing to record."""

    drained = True

    def new_files(self, known: Container[str], *, patient: bool = False) -> list[FoundFile]:
        """See `Discovery.new_files`."""
        raise NotImplementedError

    def existing(self) -> list[FoundFile]:
        """See `Discovery.existing`; raises the errors of `new_files`."""
        return self.new_files(frozenset())

    def logged(self, offset: int) -> None:
        """Do nothing: a listing finds all files again."""

    def committed(self, offset: int) -> None:
        """Do nothing, as in `logged`."""

    def rest(self, took: float) -> float:
        """Return the seconds to rest, so that listing takes at most a fifth of the time."""
        return max(REST, 4 * took)


def by_time(files: list[FoundFile]) -> list[FoundFile]:
    """Sort by modification time and path."""
    return sorted(files, key=lambda file: (file.modified, file.path))
