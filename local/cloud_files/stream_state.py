"""The stored state of a stream, next to the list of its files: its ID, its queue, and the time of its last listing."""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from local.cloud_files import log
from local.cloud_files.error import CloudFilesError

NAME = "stream.json"


@dataclass(frozen=True)
class StreamState:
    """The state of a stream.

    Attributes:
        stream: the stream's ID, part of the names of its AWS resources.
        queue: ARN of the queue that has reported every file since `listed`; None if events may be missing.
        listed: the start of the last listing, in seconds since 1970.
    """

    stream: str
    queue: str | None = None
    listed: float = 0


class StateFile:
    """The state on disk. Each method returns after its change is on disk.

    Args:
        folder: the folder that also holds the list of files.

    Raises:
        CloudFilesError: the file is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        folder.mkdir(parents=True, exist_ok=True)
        if self._path.exists():
            self.state = self._load()
        else:
            self.state = StreamState(stream=str(uuid.uuid4()))
            self._save()

    def forget(self) -> None:
        """Record that events may have been lost, so that a listing is needed."""
        if self.state.queue is not None:
            self.state = replace(self.state, queue=None)
            self._save()

    def listed(self, *, queue: str, at: float) -> None:
        """Record that all files of a listing are in the list, and that the queue reports all later files."""
        self.state = replace(self.state, queue=queue, listed=at)
        self._save()

    def _load(self) -> StreamState:
        try:
            return StreamState(**json.loads(self._path.read_text()))
        except (ValueError, TypeError) as error:
            raise CloudFilesError(
                f"{self._path}: the state of the stream is damaged ({error}); restore it together with its checkpoint,"
                " or delete this file: the stream then lists all files, and creates a new queue if it needs its own"
            ) from None

    def _save(self) -> None:
        log.replace(self._path, json.dumps(asdict(self.state)).encode())
