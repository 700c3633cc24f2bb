"""``dbutils.fs`` in a run, as in the module ``pyspark.dbutils`` of the Databricks Runtime.

Source: https://docs.databricks.com/aws/en/dev-tools/databricks-utils
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from pyspark.sql import SparkSession


@dataclass(frozen=True)
class FileInfo:
    """An entry of a folder; the name of a folder ends with ``/``."""

    path: str
    name: str
    size: int


class Fs:
    """The functions that the job uses. Each raises py4j's error with Java's message if the storage denies access."""

    def __init__(self, spark: SparkSession, java: Any) -> None:
        self._java = java
        self._conf = spark._jsparkSession.sessionState().newHadoopConf()

    def ls(self, path: str) -> list[FileInfo]:
        files, hadoop = self._of(path)
        return [
            FileInfo(
                path=str(status.getPath().toString()),
                name=f"{status.getPath().getName()}{'/' if status.isDirectory() else ''}",
                size=int(status.getLen()),
            )
            for status in files.listStatus(hadoop)
        ]

    def head(self, file: str, max_bytes: int = 65_536) -> str:
        files, hadoop = self._of(file)
        stream = files.open(hadoop)
        try:
            return bytes(stream.readNBytes(max_bytes)).decode(errors="replace")
        finally:
            stream.close()

    def put(self, file: str, contents: str, overwrite: bool = False) -> bool:
        files, hadoop = self._of(file)
        stream = files.create(hadoop, overwrite)
        try:
            stream.write(bytearray(contents, "utf-8"))
        finally:
            stream.close()
        return True

    def rm(self, path: str, recurse: bool = False) -> bool:
        files, hadoop = self._of(path)
        return bool(files.delete(hadoop, recurse))

    def _of(self, path: str) -> tuple[Any, Any]:
        hadoop = self._java.org.apache.hadoop.fs.Path(path)
        return hadoop.getFileSystem(self._conf), hadoop


def provide(spark: SparkSession) -> None:
    """Make ``from pyspark.dbutils import DBUtils`` work. Call it before the session's gateway is restricted."""
    fs = Fs(spark, spark._jvm)

    class DBUtils:
        """The class that a run imports."""

        def __init__(self, session: SparkSession | None = None) -> None:
            self.fs = fs

    module = ModuleType("pyspark.dbutils")
    module.DBUtils = DBUtils  # type: ignore[attr-defined]
    sys.modules["pyspark.dbutils"] = module
