"""Discovery by listing a local folder."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Container, Iterator
from typing import NamedTuple

from local.cloud_files.discovery import FoundFile, Listing, by_time
from local.cloud_files.error import CloudFilesError
from local.cloud_files.pattern import is_hidden
from local.cloud_files.selection import Selection


class FolderListing(Listing):
    """Discovery that lists a folder recursively, at a cost that grows only with the size of the folder.

    The listing includes incomplete files. Write a file under a name that starts with ``_`` or ``.`` and rename it when
    it is complete: files and folders with such names are skipped.

    Args:
        selection: selects the files.
    """

    def __init__(self, selection: Selection) -> None:
        self._selection = selection

    @property
    def is_empty(self) -> bool:
        """True if there are no files; raises the errors of `new_files`."""
        return next(self._entries(), None) is None

    def new_files(self, known: Container[str], *, patient: bool = False) -> list[FoundFile]:
        """See `Discovery.new_files`.

        Raises:
            CloudFilesError: the folder does not exist, or is not readable.
        """
        files = [file for entry in self._entries() if f"file:{entry.path}" not in known and (file := _file_of(entry))]
        return by_time(files)

    def _entries(self) -> Iterator[os.DirEntry[str]]:
        pattern, root = self._selection.pattern, self._selection.pattern.root
        if not pattern.is_glob and os.path.isfile(root):
            with os.scandir(os.path.dirname(root)) as entries:
                yield from (entry for entry in entries if entry.path == root)
            return
        folders = [_Folder(root, os.path.realpath(root))]
        top = folders[0].real
        while folders:
            folder = folders.pop()
            for entry in _scan(folder.path, required=folder.path == root):
                if is_hidden(entry.name) and not (folder.path == root and pattern.asks_for_hidden):
                    continue
                if not _is(entry.is_dir):
                    if pattern.matches(entry.path) and self._selection.takes_name(entry.name):
                        yield entry
                elif pattern.may_hold(entry.path):
                    below = folder.below(entry)
                    if not below.is_loop and not (entry.is_symlink() and self._lists_anyway(below.real, top)):
                        folders.append(below)

    def _lists_anyway(self, folder: str, top: str) -> bool:
        """Return whether the walk reaches a link's target at its real path, so that the link must be skipped."""
        # With a glob, a file may match only by its path through the link.
        if self._selection.pattern.is_glob or not folder.startswith(top.rstrip("/") + "/"):
            return False
        return not any(map(is_hidden, folder[len(top) :].strip("/").split("/")))


class _Folder(NamedTuple):
    """A folder of the walk.

    Attributes:
        path: its path in the walk.
        real: its real path.
        through: the real paths of the folders above it in the walk.
    """

    path: str
    real: str
    through: frozenset[str] = frozenset()

    def below(self, entry: os.DirEntry[str]) -> _Folder:
        real = os.path.realpath(entry.path) if entry.is_symlink() else os.path.join(self.real, entry.name)
        return _Folder(entry.path, real, self.through | {self.real})

    @property
    def is_loop(self) -> bool:
        """True if the folder contains one of the folders above it in the walk, which would then never end."""
        return any(real == self.real or real.startswith(self.real.rstrip("/") + "/") for real in self.through)


def _scan(folder: str, *, required: bool) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError):
        if required:
            raise CloudFilesError(
                f"{folder}: the folder does not exist; check the load path, or create the folder"
            ) from None
        return []  # gone since its parent was listed
    except PermissionError:
        raise CloudFilesError(
            f"{folder}: permission denied; give the current user read and execute permission on the folder"
        ) from None


def _is(kind: Callable[[], bool]) -> bool:
    """Check the kind of an entry; a link to itself counts as neither kind, like a dangling link."""
    try:
        return kind()
    except OSError as error:
        if error.errno == errno.ELOOP:
            return False
        raise


def _file_of(entry: os.DirEntry[str]) -> FoundFile | None:
    try:
        if not _is(entry.is_file):
            return None
        status = entry.stat()
    except FileNotFoundError:
        return None  # gone since its folder was listed
    return FoundFile(path=f"file:{entry.path}", modified=status.st_mtime_ns // 1_000_000, length=status.st_size)
