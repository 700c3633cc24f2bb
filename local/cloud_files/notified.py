"""Discovery by a queue's messages, and by listing when messages may be missing."""

from __future__ import annotations

import time
from collections.abc import Callable, Container
from typing import Protocol

from local.cloud_files.discovery import Discovery, FoundFile, by_time
from local.cloud_files.error import CloudFilesError
from local.cloud_files.events import CreatedObject
from local.cloud_files.queue import Queue, QueueGoneError
from local.cloud_files.selection import Selection
from local.cloud_files.stream_state import StateFile


class Source(Protocol):
    """Source of the queue."""

    def open(self) -> Queue:
        """Return the queue, and create what is missing on the path from the bucket to it.

        It calls `StateFile.forget` before it creates anything.
        """

    def gone(self) -> CloudFilesError | None:
        """Return the error for a deleted queue; None if `open` creates it again."""


class Notified:
    """Discovery of the files that a queue reports, and of those that a listing finds at the start and periodically.

    A listing is needed whenever this queue may not have reported every file: at the first start, after the stream used
    listing or another queue, and after a part of the path to the queue was created (again).

    Args:
        source: provides the queue.
        listing: lists the same files.
        selection: selects the files of the bucket.
        bucket: the bucket's name.
        state: the stream's state.
        interval: seconds between listings; None lists only when needed.
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

    def existing(self) -> list[FoundFile]:
        """See `Discovery.existing`."""
        self._listed_at = self._clock()
        return self._listing.existing()

    def new_files(self, known: Container[str], *, patient: bool = False) -> list[FoundFile]:
        """See `Discovery.new_files`.

        Raises:
            CloudFilesError: the bucket or the queue cannot be read, or the queue cannot be created.
        """
        files = {file.path: file for file in self._list(known)}
        try:
            created = self._queue.take(patient=patient and not files)
        except QueueGoneError:
            error = self._source.gone()
            if error is not None:
                raise error from None
            self._queue = self._source.open()
            files |= {file.path: file for file in self._list(known)}
            created = self._queue.take(patient=False)
        for file in filter(self._is_selected, created):
            path = f"s3://{file.bucket}/{file.key}"
            if path not in known:
                files.setdefault(path, FoundFile(path, file.time, file.size))
        return by_time(list(files.values()))

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
        """See `Discovery.rest`; no rest is needed, because the queue waits for messages."""
        return 0

    def _list(self, known: Container[str]) -> list[FoundFile]:
        state, now = self._state.state, self._clock()
        complete = state.queue == self._queue.arn
        # List if the clock was set back: otherwise the stream would not list for a long time.
        due = self._interval is not None and not state.listed <= now < state.listed + self._interval
        if complete and not due:
            return []
        if complete:
            # Create missing parts of the path to the queue again: without them, events are lost.
            self._source.open()
        self._listed_at = now
        return self._listing.new_files(known)

    def _is_selected(self, file: CreatedObject) -> bool:
        is_file = file.bucket == self._bucket and not file.key.endswith("/")
        return is_file and self._selection.takes(f"/{file.bucket}/{file.key}")
