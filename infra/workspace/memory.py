"""Keep a deployment's memory in a small file next to the wheel: its grants, verifications and Auto Loader streams.

An entry is written before the action that it records, so an interrupted deployment leaves nothing unrecorded.
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
        key: hash of the settings under verification.
        token: idempotency token of the submit request.
        run_id: ID of the run; None before it is submitted.
    """

    key: str
    token: str
    run_id: int | None = None


@dataclass(frozen=True)
class Remembered:
    """The content of the memory file.

    Attributes:
        granted: principals to which this deployment granted a profile (``group network-engineers``), by profile ARN.
        verification: the active verify run, if any.
        passed: keys of the verifications that passed, the newest last.
        streams: Auto Loader streams that the job reads or has read.
    """

    granted: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    verification: Verification | None = None
    passed: tuple[str, ...] = ()
    streams: tuple[Logs, ...] = ()

    def with_grants(self, profile: str, names: tuple[str, ...] | None) -> Remembered:
        """Return a copy with the grants of a profile replaced; None removes the profile."""
        others = {arn: granted for arn, granted in self.granted.items() if arn != profile}
        return replace(self, granted=others if names is None else {**others, profile: tuple(sorted(names))})


def read(client: WorkspaceClient, folder: str) -> Remembered:
    """Return the memory from a folder's file; an empty one if the file does not exist.

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
            advice="Delete it and deploy again. The grants it recorded are then treated as made by others: they stay "
            "when their principal is removed from the environment file",
        ) from error


def write(client: WorkspaceClient, folder: str, *, old: Remembered, new: Remembered) -> Remembered:
    """Write the file, and create its folder, if the content has changed; return the new content."""
    if new != old:
        with saying(f"Writing {folder}/{NAME}"):
            if old == Remembered():
                client.workspace.mkdirs(folder)
            files.write(client, f"{folder}/{NAME}", _text(new).encode())
    return new


def _text(remembered: Remembered) -> str:
    raw: dict[str, Any] = asdict(remembered)
    return json.dumps(raw, indent=2, sort_keys=True) + "\n"
