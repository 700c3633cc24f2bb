"""The one folder that the demo keeps everything in, and where in it everything is."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_MARK = ".made-by-local-demo"


class FolderError(Exception):
    """The folder cannot be used; the message says why and what to do."""


@dataclass(frozen=True)
class Folder:
    """The places in the demo's folder."""

    path: Path

    @property
    def stage(self) -> Path:
        """Everything of the two clouds."""
        return self.path / "stage"

    @property
    def tables(self) -> Path:
        """The workspace's tables, each a folder; a shorter way to where the workspace keeps them."""
        return self.path / "tables"

    @property
    def report(self) -> Path:
        return self.path / "report.html"

    @property
    def log(self) -> Path:
        """What the CDK command line said."""
        return self.path / "cdk.log"

    @contextmanager
    def emptied(self) -> Iterator[None]:
        """Make the folder, or empty it when it is the demo's own, and keep other demos out meanwhile.

        Raises:
            FolderError: when there is something that is not the demo's, or another demo is at work in it.
        """
        mark = self.path / _MARK
        if self.path.is_symlink() or (self.path.exists() and not self.path.is_dir()):
            raise FolderError(f"{self.path} is not a folder: remove it, or name another with --folder")
        if self.path.is_dir() and any(self.path.iterdir()) and not mark.is_file():
            raise FolderError(
                f"{self.path} is not empty, and the demo did not make it: name another folder with --folder"
            )
        self.path.mkdir(parents=True, exist_ok=True)
        with mark.open("a", encoding="utf-8") as held:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise FolderError(
                    f"another demo is at work in {self.path}: wait for it, or name another folder"
                ) from None
            for content in self.path.iterdir():
                if content == mark:
                    continue
                if content.is_dir() and not content.is_symlink():
                    shutil.rmtree(content)
                else:
                    content.unlink()
            yield
