"""The Delta Lake jars that ``make setup`` keeps in the venv, so that a Spark session needs no network for them."""

from __future__ import annotations

import sys
from pathlib import Path


class JarsError(RuntimeError):
    """The Delta jars are not there; the message says what to do."""


def jar_folder() -> Path:
    """Return the folder of the Delta jars of the running venv; it need not exist."""
    return Path(sys.prefix) / "delta-jars"


def class_path() -> str:
    """Return the value for ``spark.driver.extraClassPath`` that brings Delta Lake into a local session.

    Raises:
        JarsError: when set-up has not fetched the jars for this venv.

    Example:
        >>> SparkSession.builder.config("spark.driver.extraClassPath", class_path())
    """
    folder = jar_folder()
    if not any(folder.glob("*.jar")):
        raise JarsError(
            f"no Delta Lake jars in {folder}: start Python from the venv that `make setup` makes (.venv/bin/python);"
            " if it was that one, something has emptied it: make clean setup"
        )
    return f"{folder}/*"
