"""What a task's process is told: a small file between :mod:`local.runs.process` and :mod:`local.runs.driver`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Task:
    """What the process is to run, and where.

    Attributes:
        package: name of the wheel.
        entry_point: of the wheel.
        arguments: the command line.
        site: the folder with the unpacked wheels.
        storage: the folder of the workspace's storage.
        scratch: a folder for what is of no use afterwards.
        failure: where it writes what it failed with, as JSON with ``message`` and ``trace``.
        external_locations: URLs of the external locations of the workspace.
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
        """Write it into a file."""
        file.write_text(json.dumps(asdict(self)))

    @classmethod
    def read(cls, file: Path) -> Task:
        """Read it from a file."""
        return cls(**json.loads(file.read_text()))
