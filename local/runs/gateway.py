"""A run's session as a workspace with Unity Catalog has it: Hadoop's file systems have no credentials there.

Code that asks Java for the file system of a path in ``/Volumes``, or below an external location, is refused with the
words of a Databricks cluster; Spark's own readers and ``dbutils.fs`` are not.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pyspark.sql import SparkSession

MESSAGE = "No Unity API token found in Unity Scope"

_HADOOP = ("org", "apache", "hadoop", "fs")


class NoUnityScope(Exception):
    """The refusal, as py4j hands it to Python."""


def refuse(spark: SparkSession, *, external_locations: Iterable[str] = ()) -> None:
    """Replace the session's way into Java by one that refuses Hadoop's file systems where Unity Catalog governs.

    Args:
        spark: The session.
        external_locations: URLs of the external locations that are registered in the workspace.
    """
    governed = ("/Volumes/", "dbfs:/Volumes/", *(f"{url.rstrip('/')}/" for url in external_locations))
    guarded = _Package(spark._jvm, (), governed)
    spark._jvm = guarded
    # Of this object alone: Spark's own code below it keeps its way.
    spark.sparkContext._jvm = guarded  # type: ignore[misc]


class _Package:
    """A Java package: itself, but on the way to Hadoop's file systems."""

    def __init__(self, java: Any, name: tuple[str, ...], governed: tuple[str, ...]) -> None:
        self._java, self._name, self._governed = java, name, governed

    def __getattr__(self, part: str) -> Any:
        found, name = getattr(self._java, part), (*self._name, part)
        if name == (*_HADOOP, "Path"):
            return lambda *arguments: _Path(found(*arguments), self._governed)
        if name == _HADOOP[: len(name)]:
            return _Package(found, name, self._governed)
        return found


class _Path:
    """A Hadoop path whose file system may be refused."""

    def __init__(self, java: Any, governed: tuple[str, ...]) -> None:
        self._java, self._governed = java, governed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._java, name)

    def getFileSystem(self, configuration: Any) -> Any:
        path = f"{self._java.toString().rstrip('/')}/"
        if path.startswith(self._governed):
            raise NoUnityScope(MESSAGE)
        return self._java.getFileSystem(configuration)
