"""The folder of a stage that is started by hand: empty at first, gone in the end, and no other stage's meanwhile."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_MARK = ".made-by-local-stage"


class FolderError(Exception):
    """The folder cannot be used; the message says why and what to do."""


@contextmanager
def own_folder(path: Path) -> Iterator[Path]:
    """Make the folder, or empty what an earlier stage has left in it; remove it when the block ends.

    Raises:
        FolderError: when there is something that is no stage's, or another stage is at work in it.
    """
    mark = path / _MARK
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise FolderError(f"{path} is not a folder: remove it, or name another with --folder")
    if path.is_dir() and any(path.iterdir()) and not mark.is_file():
        raise FolderError(f"{path} is not empty, and no stage made it: name another folder with --folder")
    path.mkdir(parents=True, exist_ok=True)
    with mark.open("a") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FolderError(f"another stage runs in {path}: end it, or name another folder with --folder") from None
        for content in path.iterdir():
            if content != mark:
                shutil.rmtree(content) if content.is_dir() and not content.is_symlink() else content.unlink()
        try:
            yield path
        finally:
            # What still writes there is being ended.
            shutil.rmtree(path, ignore_errors=True)
