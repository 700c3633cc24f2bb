"""The wheel of a task: its installation, and the functions of its entry points."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any


class NoEntryPointError(Exception):
    """The wheel or its entry point does not exist; the message is the one that Databricks shows."""


def unpack(wheel: Path, folder: Path) -> None:
    """Unpack a wheel's modules and metadata into a folder, as pip does with a pure Python wheel.

    Raises:
        zipfile.BadZipFile: the file is not a valid wheel.
    """
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)


def entry_point(folder: Path, *, package: str, name: str) -> Callable[[], Any]:
    """Return the function of an entry point of a wheel in a folder.

    Raises:
        NoEntryPointError: the wheel or the entry point does not exist.
    """
    normalized = package.replace("-", "_").lower()
    for distribution in metadata.distributions(path=[str(folder)]):
        if distribution.metadata["Name"].replace("-", "_").lower() != normalized:
            continue
        for point in distribution.entry_points:
            if point.name == name:
                function: Callable[[], Any] = point.load()
                return function
        known = ", ".join(sorted(point.name for point in distribution.entry_points))
        raise NoEntryPointError(
            f"Python wheel with name {package} has no entry point {name}. It has: {known or 'none'}"
        )
    raise NoEntryPointError(
        f"Python wheel with name {package} could not be found. Please check the driver logs for more details"
    )
