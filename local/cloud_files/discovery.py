"""How new files are found: by listing, or by the messages of a queue."""

from __future__ import annotations

from collections.abc import Container
from typing import NamedTuple, Protocol

REST = 0.5
"""Seconds between two listings at least: Spark asks an idle stream a hundred times a second."""


class Found(NamedTuple):
    """A file as discovery saw it.

    Attributes:
        path: as Spark's ``binaryFile`` names it, ``file:/folder/file`` or ``s3://bucket/key``.
        modified: milliseconds since 1970, UTC.
        length: bytes.
    """

    path: str
    modified: int
    length: int


class Discovery(Protocol):
    """Where new files come from. Offsets are numbers of files in the durable log."""

    @property
    def drained(self) -> bool:
        """Whether `new_files` has returned all that there was; if not, it is to be asked again."""

    def existing(self) -> list[Found]:
        """Return the files that are there when a stream starts for the first time."""

    def new_files(self, known: Container[str], *, patient: bool = False) -> list[Found]:
        """Return files not in ``known``, each once, sorted by modification time and path.

        When there are none, a patient caller may be kept waiting for one, for a second at most.
        """

    def logged(self, offset: int) -> None:
        """Take note that what was found until now is in the durable log, up to this offset."""

    def committed(self, offset: int) -> None:
        """Take note that the micro-batches up to this offset are done: a queue may forget their messages now."""

    def rest(self, took: float) -> float:
        """How many seconds not to ask again, after `new_files` took so many."""


class Listing:
    """Discovery that lists everything each time. What is listed remembers its files, so it takes no notes."""

    drained = True

    def new_files(self, known: Container[str], *, patient: bool = False) -> list[Found]:
        """See `Discovery.new_files`."""
        raise NotImplementedError

    def existing(self) -> list[Found]:
        """See `Discovery.existing`; raises as `new_files`."""
        return self.new_files(frozenset())

    def logged(self, offset: int) -> None:
        """See `Discovery.logged`."""

    def committed(self, offset: int) -> None:
        """See `Discovery.committed`."""

    def rest(self, took: float) -> float:
        """See `Discovery.rest`: listing takes a fifth of the time at most."""
        return max(REST, 4 * took)


def by_time(files: list[Found]) -> list[Found]:
    """Sort by modification time and path."""
    return sorted(files, key=lambda file: (file.modified, file.path))
