"""Restrict a session as in a workspace with Unity Catalog, where Hadoop's file systems have no credentials.

Code that requests Java's file system for a path in ``/Volumes``, or in an external location, gets the error of a
Databricks cluster. Spark's own readers and ``dbutils.fs`` work.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pyspark.sql import SparkSession

MESSAGE = "No Unity API token found in Unity Scope"

_HADOOP = ("org", "apache", "hadoop", "fs")


class NoUnityScope(Exception):
    """The error of a blocked file system, as py4j passes it to Python."""


def restrict(spark: SparkSession, *, external_locations: Iterable[str] = ()) -> None:
    """Replace the session's gateway to Java with one that blocks Hadoop's file systems for governed paths.

    Args:
        spark: the session.
        external_locations: URLs of the workspace's external locations.
    """
    governed = ("/Volumes/", "dbfs:/Volumes/", *(f"{url.rstrip('/')}/" for url in external_locations))
    guarded = _Package(spark._jvm, (), governed)
    spark._jvm = guarded
    # Only on this object, so that Spark's own code keeps the original gateway.
    spark.sparkContext._jvm = guarded  # type: ignore[misc]


class _Package:
    """A Java package. It passes everything on, except the packages of Hadoop's file systems."""

    def __init__(self, java: Any, name: tuple[str, ...], governed: tuple[str, ...]) -> None:
        self._java, self._name, self._governed = java, name, governed

    def __getattr__(self, part: str) -> Any:
        member, name = getattr(self._java, part), (*self._name, part)
        if name == (*_HADOOP, "Path"):
            return lambda *arguments: _Path(member(*arguments), self._governed)
        if name == _HADOOP[: len(name)]:
            return _Package(member, name, self._governed)
        return member


class _Path:
    """A Hadoop path that blocks its file system if the path is governed."""

    def __init__(self, java: Any, governed: tuple[str, ...]) -> None:
        self._java, self._governed = java, governed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._java, name)

    def getFileSystem(self, configuration: Any) -> Any:
        path = f"{self._java.toString().rstrip('/')}/"
        if path.startswith(self._governed):
            raise NoUnityScope(MESSAGE)
        return self._java.getFileSystem(configuration)
