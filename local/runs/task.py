"""The description of a task, a file that :mod:`local.runs.process` writes and :mod:`local.runs.driver` reads."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Task:
    """The function to run, its arguments, and its folders.

    Attributes:
        package: the name of the wheel's package.
        entry_point: the name of the entry point.
        arguments: the command line.
        site: the folder with the unpacked wheels.
        storage: the folder of the workspace's storage.
        scratch: a folder for temporary files.
        failure: the file for a failure, as JSON with ``message`` and ``trace``.
        external_locations: URLs of the workspace's external locations.
    """

    package: str
    entry_point: str
    arguments: list[str]
    site: str
    storage: str
    scratch: str
    failure: str
    external_locations: list[str] = field(default_factory=list)

    def write(self, file: Path) -> None:
        """Write the task to a file."""
        file.write_text(json.dumps(asdict(self)))

    @classmethod
    def read(cls, file: Path) -> Task:
        """Read a task from a file."""
        return cls(**json.loads(file.read_text()))
