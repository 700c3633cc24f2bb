"""The durable list of the files that a stream has found. Auto Loader keeps it in RocksDB in the checkpoint."""

from __future__ import annotations

import fcntl
import json
import os
import time
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType

from local.cloud_files.discovery import FoundFile
from local.cloud_files.error import CloudFilesError

NAME = "files.jsonl"


class FileLog:
    """An append-only log with one JSON line per file. Entries are numbered from 0 and never change.

    The first line holds the number of entries that the stream skips (``includeExistingFiles=false``).
    Entries are on disk when `append` returns. A killed process leaves complete entries and at most one partial line,
    which the next `FileLog` drops. The folder is locked while the log is open, so only one process can use it.

    Args:
        folder: the folder of the log; created if it does not exist.
        patience: seconds to wait until an earlier process releases the folder.

    Raises:
        CloudFilesError: the log is damaged, or another stream uses it.
    """

    def __init__(self, folder: Path, *, patience: float = 30) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / NAME
        self._lock = _lock(folder, patience)
        self._file = -1
        self._starts = array("q")
        self._end = 0
        self.first = 0
        self.known: set[str] = set()
        if self.path.exists():
            self._load()

    @property
    def is_new(self) -> bool:
        """True if the stream has never started."""
        return self._file < 0

    def __len__(self) -> int:
        return len(self._starts)

    def start(self, skipped: Sequence[FoundFile] = ()) -> None:
        """Create the log, with files that are known but never read."""
        head = json.dumps({"version": 1, "skipped": len(skipped)}) + "\n"
        # Atomic, because a partial list of skipped files would cause the others to be loaded.
        replace(self.path, head.encode() + _lines(skipped))
        self._load()

    def append(self, files: Sequence[FoundFile]) -> None:
        """Append entries; they are on disk when this returns."""
        if not files:
            return
        block = _lines(files)
        view = memoryview(block)
        while view:
            view = view[os.write(self._file, view) :]
        os.fsync(self._file)
        self._take(block, files)

    def read(self, start: int, end: int) -> Iterator[FoundFile]:
        """Yield the entries from ``start`` (inclusive) to ``end`` (exclusive)."""
        with open(self.path, "rb") as file:
            if start < end:
                file.seek(self._starts[start])
            for _ in range(start, end):
                yield FoundFile(*json.loads(file.readline()))

    def close(self) -> None:
        """Close the log and release the folder."""
        for descriptor in (self._file, self._lock):
            if descriptor >= 0:
                os.close(descriptor)
        self._file = self._lock = -1

    def __enter__(self) -> FileLog:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _load(self) -> None:
        self._file = os.open(self.path, os.O_RDWR | os.O_APPEND)
        with open(self.path, "rb") as file:
            try:
                head = file.readline()
                self.first = int(json.loads(head)["skipped"])
                self._end = len(head)
                for line in file:
                    if not line.endswith(b"\n"):
                        os.ftruncate(self._file, self._end)
                        break
                    self._take(line, [FoundFile(*json.loads(line))])
            except (ValueError, KeyError, TypeError) as error:
                raise CloudFilesError(
                    f"{self.path}, after entry {len(self)}: the list of found files is damaged ({error});"
                    " restore it together with its checkpoint, or use a new checkpoint and a new table"
                ) from None

    def _take(self, block: bytes, files: Sequence[FoundFile]) -> None:
        for line in block.splitlines(keepends=True):
            self._starts.append(self._end)
            self._end += len(line)
        self.known.update(file.path for file in files)


def _lines(files: Sequence[FoundFile]) -> bytes:
    # ASCII, so that no character of a path is mistaken for the end of a line.
    return "".join(json.dumps(file, separators=(",", ":")) + "\n" for file in files).encode("ascii")


def _lock(folder: Path, patience: float) -> int:
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        except OSError:
            if time.monotonic() > deadline:
                os.close(descriptor)
                raise CloudFilesError(
                    f"{folder} is in use by another running stream; stop it, or give each stream its own checkpoint"
                ) from None
            time.sleep(0.1)


def replace(path: Path, content: bytes) -> None:
    """Write a file atomically; it is on disk when this returns."""
    temporary = path.with_suffix(".tmp")
    with open(temporary, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
