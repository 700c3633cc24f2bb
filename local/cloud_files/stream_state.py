"""What a stream remembers of itself, beside the list of its files: who it is, and who has told it of files."""

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
        stream: the stream's id, which names what it makes in AWS.
        queue: ARN of the queue that has told of every file since `listed`; None: nobody has.
        listed: when a listing last began, in seconds since 1970.
    """

    stream: str
    queue: str | None = None
    listed: float = 0


class StateFile:
    """The state on disk; each change is on disk when it returns.

    Args:
        folder: where the list of files is too.

    Raises:
        CloudFilesError: when the file is damaged.
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
        """Take note that events may have been lost: only a listing tells what there is."""
        if self.state.queue is not None:
            self.state = replace(self.state, queue=None)
            self._save()

    def listed(self, *, queue: str, at: float) -> None:
        """Take note that all files found by a listing are in the list, and that a queue tells of the others."""
        self.state = replace(self.state, queue=queue, listed=at)
        self._save()

    def _load(self) -> StreamState:
        try:
            return StreamState(**json.loads(self._path.read_text()))
        except (ValueError, TypeError) as error:
            raise CloudFilesError(
                f"{self._path}: the state of the stream is damaged ({error}); restore it together with its checkpoint,"
                " or delete this file: the stream then makes a queue of its own again, and lists"
            ) from None

    def _save(self) -> None:
        log.replace(self._path, json.dumps(asdict(self.state)).encode())
