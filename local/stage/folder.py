"""The folder of a stage that is started by hand: empty at the start, locked while in use, removed at the end."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_MARK = ".made-by-local-stage"


class FolderError(Exception):
    """The folder cannot be used; the message has the reason and the next step."""


@contextmanager
def own_folder(path: Path) -> Iterator[Path]:
    """Create the folder, or empty it if an earlier stage used it; remove it at the end of the block.

    Raises:
        FolderError: the folder holds files that no stage created, or another stage is using it.
    """
    mark = path / _MARK
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise FolderError(f"{path} is not a folder. Remove it, or name another folder with --folder")
    if path.is_dir() and any(path.iterdir()) and not mark.is_file():
        raise FolderError(f"{path} has files that no stage created. Name another folder with --folder")
    path.mkdir(parents=True, exist_ok=True)
    with mark.open("a") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FolderError(f"Another stage uses {path}. Stop it, or name another folder with --folder") from None
        for content in path.iterdir():
            if content != mark:
                shutil.rmtree(content) if content.is_dir() and not content.is_symlink() else content.unlink()
        try:
            yield path
        finally:
            # Processes that still write there are being stopped.
            shutil.rmtree(path, ignore_errors=True)
