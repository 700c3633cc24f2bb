"""The jars that ``make setup`` stores in the venv, so that a Spark session needs no network access."""

from __future__ import annotations

import sys
from pathlib import Path


class JarsError(RuntimeError):
    """The jars are missing; the message has the next step."""


def jar_folder() -> Path:
    """Return the folder of the Delta jars in the active venv; it may not exist."""
    return Path(sys.prefix) / "delta-jars"


def s3_jar_folder() -> Path:
    """Return the folder of the jars that Hadoop and Spark need for S3; it may not exist."""
    return Path(sys.prefix) / "s3-jars"


def class_path() -> str:
    """Return the value of ``spark.driver.extraClassPath`` that adds Delta Lake to a local session.

    Raises:
        JarsError: setup has not downloaded the jars for this venv.

    Example::

        SparkSession.builder.config("spark.driver.extraClassPath", class_path())
    """
    entries = [_all_of(jar_folder(), "Delta Lake jars")]
    # All sessions use the same class path, because Java's class archive is for one class path.
    return ":".join([*entries, s3_class_path()] if s3_jar_folder().exists() else entries)


def s3_class_path() -> str:
    """Return the part of ``class_path()`` that a session needs for S3.

    Raises:
        JarsError: setup has not downloaded the jars for this venv.
    """
    return _all_of(s3_jar_folder(), "jars for S3")


def _all_of(folder: Path, what: str) -> str:
    if not any(folder.glob("*.jar")):
        raise JarsError(
            f"There are no {what} in {folder}. Use the Python of the venv that `make setup` creates (.venv/bin/python)."
            " If you already use it, recreate the venv: make clean setup"
        )
    return f"{folder}/*"
