"""Access to folders, used before the job creates anything: `dbutils.fs` on a cluster, plain Python on a laptop.

For everything else, the job uses Spark and Delta. It does not use Hadoop's file systems: in a workspace with Unity
Catalog they have no credentials for ``/Volumes`` and external locations.
Source: https://docs.databricks.com/aws/en/dev-tools/databricks-utils
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any, Protocol

from pyspark.sql import SparkSession

from vpc_flow_logs.failures import headline
from vpc_flow_logs.paths import parts, scheme_of

_MISSING = ("FileNotFoundException", "No such file or directory", "does not exist", "NoSuchKey")


class StorageError(Exception):
    """The folder cannot be accessed from here; the text gives the reason. The folder itself may still be usable."""


class NotAFolder(Exception):
    """The path is a file, not a folder."""


class Folders(Protocol):
    """The storage operations that the job needs. Every method raises `StorageError` if the storage denies access."""

    def names(self, path: str) -> list[str] | None:
        """Return the names in a folder; None if the folder does not exist.

        Raises:
            NotAFolder: The path is a file.
        """
        ...

    def head(self, path: str, size: int = 65_536) -> str | None:
        """Return at most the first ``size`` bytes of a text file; None if the file does not exist."""
        ...

    def write(self, path: str, text: str) -> None:
        """Write a small text file, and create its parent folders."""
        ...

    def remove(self, path: str) -> None:
        """Remove a file, or a folder with all its contents."""
        ...


def of(spark: SparkSession) -> Folders:
    """Return the access to folders for the environment of the session: a cluster or a laptop."""
    try:
        from pyspark.dbutils import DBUtils  # type: ignore[import-not-found, unused-ignore]  # noqa: PLC0415
    except ImportError:  # available only in Databricks Runtime
        return LocalFolders()
    return DbutilsFolders(DBUtils(spark).fs)


class DbutilsFolders:
    """Access to folders through the `dbutils.fs` of a cluster, which uses the same credentials as Spark."""

    def __init__(self, fs: Any) -> None:
        self._fs = fs

    def names(self, path: str) -> list[str] | None:
        try:
            entries = self._fs.ls(path)
        except Exception as error:
            if _is_missing(error):
                return None
            raise StorageError(headline(error)) from error
        names = [entry.name.rstrip("/") for entry in entries]
        # For a file, ls returns the file itself.
        if len(entries) == 1 and parts(entries[0].path) == parts(path):
            raise NotAFolder(path)
        return names

    def head(self, path: str, size: int = 65_536) -> str | None:
        try:
            return str(self._fs.head(path, size))
        except Exception as error:
            if _is_missing(error):
                return None
            raise StorageError(headline(error)) from error

    def write(self, path: str, text: str) -> None:
        self._ask("put", path, text, True)

    def remove(self, path: str) -> None:
        self._ask("rm", path, True)

    def _ask(self, name: str, *arguments: object) -> object:
        try:
            return getattr(self._fs, name)(*arguments)
        except Exception as error:
            raise StorageError(headline(error)) from error


class LocalFolders:
    """Access to folders of this machine: paths that start with ``/`` or ``file:``."""

    def names(self, path: str) -> list[str] | None:
        folder = _local(path)
        try:
            with os.scandir(folder) as entries:
                return sorted(entry.name for entry in entries)
        except NotADirectoryError as error:
            if folder.is_file():
                raise NotAFolder(path) from error
            raise StorageError(f"{error.strerror}: {folder}") from error
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StorageError(f"{error.strerror}: {folder}") from error

    def head(self, path: str, size: int = 65_536) -> str | None:
        try:
            with _local(path).open("rb") as file:
                return file.read(size).decode(errors="replace")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StorageError(f"{error.strerror}: {path}") from error

    def write(self, path: str, text: str) -> None:
        file = _local(path)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        except OSError as error:
            raise StorageError(f"{error.strerror}: {path}") from error

    def remove(self, path: str) -> None:
        file = _local(path)
        try:
            shutil.rmtree(file) if file.is_dir() else file.unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(f"{error.strerror}: {path}") from error


def _local(path: str) -> Path:
    if scheme_of(path) not in ("", "file"):
        raise StorageError(f"{path!r} is not on this machine")
    return Path("/", *parts(path))


def _is_missing(error: Exception) -> bool:
    text = str(error)
    return any(sign in text for sign in _MISSING) and "bucket does not exist" not in text
