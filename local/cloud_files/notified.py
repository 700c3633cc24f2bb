"""Discovery by a queue's messages, and by listing where messages cannot be relied on."""

from __future__ import annotations

import time
from collections.abc import Callable, Container
from typing import Protocol

from local.cloud_files.discovery import Discovery, Found, by_time
from local.cloud_files.error import CloudFilesError
from local.cloud_files.events import Created
from local.cloud_files.queue import Queue, QueueGoneError
from local.cloud_files.selection import Selection
from local.cloud_files.stream_state import StateFile


class Source(Protocol):
    """Where the queue comes from."""

    def open(self) -> Queue:
        """Return the queue, with all that leads to it.

        Before it makes anything it calls `StateFile.forget`.
        """

    def gone(self) -> CloudFilesError | None:
        """What to say when the queue is gone; None: `open` makes it again."""


class Notified:
    """The files that a queue tells of, and those that a listing finds: at the start, and at every interval.

    A listing is needed whenever this queue has not told of every file: at the first start, after another way of
    finding files or another queue, and after a part of the way to the queue was made (again).

    Args:
        source: the queue's.
        listing: of the same files.
        selection: which files of the bucket are meant.
        bucket: the bucket's name.
        state: what the stream remembers.
        interval: seconds between listings; None: only when needed.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        source: Source,
        listing: Discovery,
        *,
        selection: Selection,
        bucket: str,
        state: StateFile,
        interval: float | None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._source = source
        self._listing = listing
        self._selection = selection
        self._bucket = bucket
        self._state = state
        self._interval = interval
        self._clock = clock
        self._queue = source.open()
        self._listed_at: float | None = None

    @property
    def drained(self) -> bool:
        """See `Discovery.drained`."""
        return self._queue.drained

    def existing(self) -> list[Found]:
        """See `Discovery.existing`."""
        self._listed_at = self._clock()
        return self._listing.existing()

    def new_files(self, known: Container[str], *, patient: bool = False) -> list[Found]:
        """See `Discovery.new_files`.

        Raises:
            CloudFilesError: when bucket or queue cannot be read, or made.
        """
        found = {file.path: file for file in self._list(known)}
        try:
            told = self._queue.take(patient=patient and not found)
        except QueueGoneError:
            refusal = self._source.gone()
            if refusal is not None:
                raise refusal from None
            self._queue = self._source.open()
            found |= {file.path: file for file in self._list(known)}
            told = self._queue.take(patient=False)
        for file in filter(self._is_meant, told):
            path = f"s3://{file.bucket}/{file.key}"
            if path not in known:
                found.setdefault(path, Found(path, file.time, file.size))
        return by_time(list(found.values()))

    def logged(self, offset: int) -> None:
        """See `Discovery.logged`."""
        self._queue.logged(offset)
        if self._listed_at is not None:
            self._state.listed(queue=self._queue.arn, at=self._listed_at)
            self._listed_at = None

    def committed(self, offset: int) -> None:
        """See `Discovery.committed`."""
        self._queue.committed(offset)

    def rest(self, took: float) -> float:
        """See `Discovery.rest`: the queue waits by itself."""
        return 0

    def _list(self, known: Container[str]) -> list[Found]:
        state, now = self._state.state, self._clock()
        told = state.queue == self._queue.arn
        # A clock that was put back makes no stream wait for years.
        due = self._interval is not None and not state.listed <= now < state.listed + self._interval
        if told and not due:
            return []
        if told:
            # Events are missing if a part of the way to the queue was removed: it is made again.
            self._source.open()
        self._listed_at = now
        return self._listing.new_files(known)

    def _is_meant(self, file: Created) -> bool:
        at_place = file.bucket == self._bucket and not file.key.endswith("/")
        return at_place and self._selection.takes(f"/{file.bucket}/{file.key}")
