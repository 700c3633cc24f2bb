"""Folders and small files of any storage that Spark knows, with the cluster's own credentials."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyspark.sql import SparkSession


class Folder:
    """A folder that may or may not exist.

    Its methods raise py4j's error with the storage's own words when the storage refuses.
    """

    def __init__(self, spark: SparkSession, path: str) -> None:
        self.path = path
        jvm: Any = spark._jvm
        self._jvm = jvm
        # Hadoop's file systems, as Spark itself uses them.
        self._path = self._jvm.org.apache.hadoop.fs.Path(path)
        self._files = self._path.getFileSystem(spark._jsparkSession.sessionState().newHadoopConf())

    def holds(self, wanted: Callable[[str], bool] = lambda name: True) -> bool:
        """Whether the folder exists and has such a name in it.

        It looks no further than the first: in the folders of an old table there are very many.
        """
        if not self._files.exists(self._path):
            return False
        found = self._files.listStatusIterator(self._path)
        while found.hasNext():
            if wanted(found.next().getPath().getName()):
                return True
        return False

    def is_file(self) -> bool:
        """Whether there is a file where the folder should be."""
        return bool(self._files.exists(self._path)) and not self._files.getFileStatus(self._path).isDirectory()

    def read(self, name: str) -> str | None:
        """The text of a small file in the folder, None when it does not exist."""
        path = self._jvm.org.apache.hadoop.fs.Path(self._path, name)
        if not self._files.exists(path):
            return None
        stream = self._files.open(path)
        try:
            return str(bytes(stream.readAllBytes()), "utf-8")
        finally:
            stream.close()

    def write(self, name: str, text: str) -> None:
        """Write a small file in the folder, whole or not at all; the folder is made if need be."""
        path = self._jvm.org.apache.hadoop.fs.Path(self._path, name)
        half = self._jvm.org.apache.hadoop.fs.Path(self._path, f".{name}.half")
        stream = self._files.create(half, True)
        try:
            stream.write(bytearray(text, "utf-8"))
        finally:
            stream.close()
        self._files.rename(half, path)
