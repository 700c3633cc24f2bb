"""Discovery by listing a local folder."""

from __future__ import annotations

import os
from collections.abc import Container, Iterator

from local.cloud_files.discovery import Found, by_time, rest_after_listing
from local.cloud_files.error import CloudFilesError
from local.cloud_files.pattern import is_hidden
from local.cloud_files.selection import Selection


class FolderListing:
    """The files of a folder, recursively, at a cost that grows with the folder only.

    A file is taken as it is when it is listed. Write it under a name that starts with ``_`` or ``.`` and rename it when
    it is whole: names and folders like these are skipped.

    Args:
        selection: which files are meant.
    """

    drained = True

    def __init__(self, selection: Selection) -> None:
        self._selection = selection

    @property
    def is_empty(self) -> bool:
        """Whether no file is there; raises as `new_files`."""
        return next(self._entries(), None) is None

    def new_files(self, known: Container[str], *, patient: bool = False) -> list[Found]:
        """See `Discovery.new_files`.

        Raises:
            CloudFilesError: when the folder is not there or may not be read.
        """
        found = [file for entry in self._entries() if f"file:{entry.path}" not in known and (file := _found(entry))]
        return by_time(found)

    def existing(self) -> list[Found]:
        """See `Discovery.existing`; raises as `new_files`."""
        return self.new_files(frozenset())

    def logged(self, offset: int) -> None:
        """Nothing to do: the folder itself remembers its files."""

    def committed(self, offset: int) -> None:
        """Nothing to do, as in `logged`."""

    def rest(self, took: float) -> float:
        """See `Discovery.rest`."""
        return rest_after_listing(took)

    def _entries(self) -> Iterator[os.DirEntry[str]]:
        pattern, root = self._selection.pattern, self._selection.pattern.root
        if not pattern.is_glob and os.path.isfile(root):
            with os.scandir(os.path.dirname(root)) as entries:
                yield from (entry for entry in entries if entry.path == root)
            return
        folders = [root]
        while folders:
            folder = folders.pop()
            for entry in _scan(folder, required=folder == root):
                if is_hidden(entry.name) and not (folder == root and pattern.asks_for_hidden):
                    continue
                if entry.is_dir():
                    if pattern.may_hold(entry.path) and not _is_loop(entry, folder):
                        folders.append(entry.path)
                elif pattern.matches(entry.path) and self._selection.takes_name(entry.name):
                    yield entry


def _scan(folder: str, *, required: bool) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError):
        if required:
            raise CloudFilesError(f"{folder}: no such folder; check the load path, or create the folder") from None
        return []  # gone since its parent was listed
    except PermissionError:
        raise CloudFilesError(f"{folder}: this user may not list the folder; grant read and execute on it") from None


def _is_loop(entry: os.DirEntry[str], folder: str) -> bool:
    """Whether the entry is a link to a folder it lies in, below which the walk would never end."""
    if not entry.is_symlink():
        return False
    target, here = os.path.realpath(entry.path), os.path.realpath(folder)
    return here == target or here.startswith(target.rstrip("/") + "/")


def _found(entry: os.DirEntry[str]) -> Found | None:
    try:
        if not entry.is_file():
            return None
        status = entry.stat()
    except FileNotFoundError:
        return None  # gone since its folder was listed
    try:
        entry.path.encode()
    except UnicodeEncodeError:
        raise CloudFilesError(f"{entry.path!r}: the name is not UTF-8; rename the file") from None
    return Found(path=f"file:{entry.path}", modified=status.st_mtime_ns // 1_000_000, length=status.st_size)
