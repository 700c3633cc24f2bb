"""The folder of the demo and the files in it."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_MARK = ".made-by-local-demo"


class FolderError(Exception):
    """The folder cannot be used; the message gives the reason and the next step."""


@dataclass(frozen=True)
class Folder:
    """The files in the demo's folder."""

    path: Path

    @property
    def stage(self) -> Path:
        """The files of the two clouds."""
        return self.path / "stage"

    @property
    def tables(self) -> Path:
        """A link to the workspace's tables, one folder per table."""
        return self.path / "tables"

    @property
    def report(self) -> Path:
        return self.path / "report.html"

    @property
    def log(self) -> Path:
        """The output of the CDK command line."""
        return self.path / "cdk.log"

    @contextmanager
    def emptied(self) -> Iterator[None]:
        """Create the folder, or empty it if the demo created it, and lock out other demos until the block ends.

        Raises:
            FolderError: the folder holds other files, or another demo is running in it.
        """
        mark = self.path / _MARK
        if self.path.is_symlink() or (self.path.exists() and not self.path.is_dir()):
            raise FolderError(f"{self.path} is not a folder: remove it, or select another one with --folder")
        if self.path.is_dir() and any(self.path.iterdir()) and not mark.is_file():
            raise FolderError(
                f"{self.path} is not empty, and the demo did not create it: select another folder with --folder"
            )
        self.path.mkdir(parents=True, exist_ok=True)
        with mark.open("a", encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise FolderError(
                    f"another demo is running in {self.path}: wait until it ends, or select another one with --folder"
                ) from None
            for content in self.path.iterdir():
                if content == mark:
                    continue
                if content.is_dir() and not content.is_symlink():
                    shutil.rmtree(content)
                else:
                    content.unlink()
            yield
