"""Keep a deployment's memory in a small file next to the wheel: what it granted, verified, and left in AWS.

It is written before the thing it remembers is done: a deployment that is cut off forgets nothing of its own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from databricks.sdk import WorkspaceClient

from infra.workspace.errors import DeploymentError
from infra.workspace.explain import saying
from infra.workspace.spec import Logs
from infra.workspace.wheel import files

NAME = "deployment.json"
"""Name of the file."""


@dataclass(frozen=True)
class Verification:
    """A verify run that has not passed yet.

    Attributes:
        key: hash of what was verified.
        token: what the run is submitted with.
        run_id: of the run; None before it is submitted.
    """

    key: str
    token: str
    run_id: int | None = None


@dataclass(frozen=True)
class Remembered:
    """The file's content.

    Attributes:
        granted: our grants by profile (``group network-engineers``).
        verification: the verify run that is under way, if any.
        passed: keys of the verifications that passed, the newest last.
        streams: what the job reads or has read.
    """

    granted: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    verification: Verification | None = None
    passed: tuple[str, ...] = ()
    streams: tuple[Logs, ...] = ()

    def with_grants(self, profile: str, names: tuple[str, ...] | None) -> Remembered:
        """With the grants for a profile replaced; None forgets the profile."""
        others = {arn: granted for arn, granted in self.granted.items() if arn != profile}
        return replace(self, granted=others if names is None else {**others, profile: tuple(sorted(names))})


def read(client: WorkspaceClient, folder: str) -> Remembered:
    """Return the memory in a folder's file; an empty one if there is none.

    Raises:
        DeploymentError: the file cannot be read.
    """
    path = f"{folder}/{NAME}"
    with saying(f"Reading {path}"):
        text = files.read(client, path)
    if text is None:
        return Remembered()
    try:
        raw = json.loads(text)
        verification = raw["verification"]
        return Remembered(
            granted={arn: tuple(names) for arn, names in raw["granted"].items()},
            verification=Verification(**verification) if verification else None,
            passed=tuple(raw["passed"]),
            streams=tuple(Logs(**stream) for stream in raw["streams"]),
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise DeploymentError(
            f"{path} was changed and cannot be read",
            words=repr(error),
            advice="Delete it and deploy again: the grants it recorded then count as made by others, and stay when "
            "their principal is removed from the environment file",
        ) from error


def write(client: WorkspaceClient, folder: str, *, old: Remembered, new: Remembered) -> Remembered:
    """Write the file, and make its folder, if there is anything new in it; return the new content."""
    if new != old:
        with saying(f"Writing {folder}/{NAME}"):
            if old == Remembered():
                client.workspace.mkdirs(folder)
            files.write(client, f"{folder}/{NAME}", _text(new).encode())
    return new


def _text(remembered: Remembered) -> str:
    raw: dict[str, Any] = asdict(remembered)
    return json.dumps(raw, indent=2, sort_keys=True) + "\n"
