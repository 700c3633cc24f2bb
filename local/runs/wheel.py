"""The wheel of a task: unpacked for its process, and the function that an entry point of it names."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any


class NoEntryPointError(Exception):
    """The wheel, or its entry point, is not there; the message is what Databricks says."""


def unpack(wheel: Path, folder: Path) -> None:
    """Put the modules of a wheel and its metadata into a folder, as pip does with a wheel of Python alone.

    Raises:
        zipfile.BadZipFile: it is no wheel.
    """
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)


def entry_point(folder: Path, *, package: str, name: str) -> Callable[[], Any]:
    """Return the function that a wheel in a folder calls by a name.

    Raises:
        NoEntryPointError: there is no such wheel, or no such entry point in it.
    """
    wanted = package.replace("-", "_").lower()
    for found in metadata.distributions(path=[str(folder)]):
        if found.metadata["Name"].replace("-", "_").lower() != wanted:
            continue
        for point in found.entry_points:
            if point.name == name:
                function: Callable[[], Any] = point.load()
                return function
        known = ", ".join(sorted(point.name for point in found.entry_points))
        raise NoEntryPointError(
            f"Python wheel with name {package} has no entry point {name}. It has: {known or 'none'}"
        )
    raise NoEntryPointError(
        f"Python wheel with name {package} could not be found. Please check the driver logs for more details"
    )
