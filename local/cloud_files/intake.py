"""The intake of a stream: a durable log of files, filled by discovery and read in micro-batches."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path

from local.cloud_files.behavior import Behavior
from local.cloud_files.discovery import Discovery, FoundFile
from local.cloud_files.error import CloudFilesError
from local.cloud_files.folder import FolderListing
from local.cloud_files.log import FileLog
from local.cloud_files.options import Options
from local.cloud_files.pattern import Pattern
from local.cloud_files.selection import Selection
from vpc_flow_logs.progress import counted

_USUAL = Behavior()


class Intake:
    """The files of one stream, numbered in order of discovery. An offset is the number of files that are done.

    Args:
        log: the files found so far.
        discovery: finds new files.
        options: the limits of a micro-batch.
        clock: a monotonic clock, in seconds.
    """

    def __init__(
        self, log: FileLog, discovery: Discovery, *, options: Options, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._log = log
        self._discovery = discovery
        self._options = options
        self._clock = clock
        self._rests_until = float("-inf")
        self._target: int | None = None
        self._done = log.first
        if log.is_new:
            log.start(() if options.include_existing else discovery.existing())
            if not options.include_existing:
                discovery.logged(len(log))

    @classmethod
    def open(cls, options: Options, *, state: Path, behavior: Behavior = _USUAL) -> Intake:
        """Open the intake of the stream that keeps its state in the folder ``state``."""
        log = FileLog(state)
        try:
            return cls(log, _discovery(options, state, behavior, is_new=log.is_new), options=options)
        except BaseException:
            log.close()
            raise

    @property
    def first(self) -> int:
        """The offset that a new stream starts from."""
        return self._log.first

    def discover(self, *, patient: bool = True) -> None:
        """Find new files and append them to the log. They are on disk before any offset includes them.

        Args:
            patient: whether to wait briefly if there are none.
        """
        began = self._clock()
        self._log.append(self._discovery.new_files(self._log.known, patient=patient))
        self._discovery.logged(len(self._log))
        ended = self._clock()
        self._rests_until = ended + self._discovery.rest(ended - began)

    def committed(self, offset: int) -> None:
        """Record that the micro-batches up to the offset are committed."""
        self._done = max(self._done, offset)
        self._discovery.committed(offset)

    def freeze(self) -> None:
        """Find new files for the last time; the stream ends after it has read them."""
        self.discover()
        while not self._discovery.drained:
            self.discover()
        self._target = len(self._log)

    def latest(self, start: int | None = None) -> int:
        """Return the end offset of the micro-batch that begins at ``start``.

        Args:
            start: None for a micro-batch without limits.

        Raises:
            CloudFilesError: the log has fewer files than the checkpoint has read, or `discover` fails.
        """
        self._check(start or 0)
        if start is not None:
            # Spark continues from an offset once everything before it is in its commit log.
            self.committed(start)
        waiting = len(self._log) - (self._done if start is None else start)
        hungry = start is None or waiting < self._options.max_files
        if self._target is None and hungry and self._clock() >= self._rests_until:
            self.discover(patient=not waiting)
        end = len(self._log) if self._target is None else self._target
        return end if start is None else self._limited(start, end)

    def files(self, start: int, end: int) -> list[FoundFile]:
        """Return the files from offset ``start`` to ``end``.

        Raises:
            CloudFilesError: the log has fewer files than the checkpoint has read.
        """
        self._check(max(start, end))
        return list(self._log.read(start, end))

    def _limited(self, start: int, end: int) -> int:
        end = min(end, start + self._options.max_files)
        if self._options.max_bytes is None:
            return end
        # A soft maximum, as in Auto Loader: the file that exceeds it still belongs to the batch.
        sums = accumulate(file.length for file in self._log.read(start, end))
        return min(end, start + 1 + sum(1 for total in sums if total < self._options.max_bytes))

    def _check(self, offset: int) -> None:
        if offset > len(self._log):
            read = counted(offset, "file")
            raise CloudFilesError(
                f"the checkpoint has read {read}, but {self._log.path} lists only {len(self._log)}: the list"
                " was deleted or belongs to another checkpoint; restore both, or use a new checkpoint and a new table"
            )


def _discovery(options: Options, state: Path, behavior: Behavior, *, is_new: bool) -> Discovery:
    if options.bucket is None:
        pattern = Pattern.of_folder(options.path, strict=options.strict_globber)
        return FolderListing(Selection(pattern, glob_filter=options.glob_filter))
    # Imported here, so that folders can be streamed without boto3.
    from local.cloud_files.stream import discovery_of  # noqa: PLC0415

    return discovery_of(options, state=state, behavior=behavior, is_new=is_new)
