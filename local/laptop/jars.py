"""The jars that ``make setup`` keeps in the venv, so that a Spark session needs no network for them."""

from __future__ import annotations

import sys
from pathlib import Path


class JarsError(RuntimeError):
    """The jars are not there; the message says what to do."""


def jar_folder() -> Path:
    """Return the folder of the Delta jars of the running venv; it need not exist."""
    return Path(sys.prefix) / "delta-jars"


def s3_jar_folder() -> Path:
    """Return the folder of the jars by which Hadoop, and so Spark, reads and writes S3; it need not exist."""
    return Path(sys.prefix) / "s3-jars"


def class_path() -> str:
    """Return the value for ``spark.driver.extraClassPath`` that brings Delta Lake into a local session.

    Raises:
        JarsError: when set-up has not fetched the jars for this venv.

    Example:
        >>> SparkSession.builder.config("spark.driver.extraClassPath", class_path())
    """
    found = [_all_of(jar_folder(), "Delta Lake jars")]
    # One class path for all sessions: Java's archive of classes is for one.
    return ":".join([*found, s3_class_path()] if s3_jar_folder().exists() else found)


def s3_class_path() -> str:
    """Return the part of ``class_path()`` by which a session reads S3.

    Raises:
        JarsError: when set-up has not fetched the jars for this venv.
    """
    return _all_of(s3_jar_folder(), "jars for S3")


def _all_of(folder: Path, what: str) -> str:
    if not any(folder.glob("*.jar")):
        raise JarsError(
            f"no {what} in {folder}: start Python from the venv that `make setup` makes (.venv/bin/python);"
            " if it was that one, something has emptied it: make clean setup"
        )
    return f"{folder}/*"
