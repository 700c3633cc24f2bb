"""Keep a deployment's memory in a small file next to the wheel: its grants, verifications, Auto Loader streams and
dashboard.

An entry is written before the action that it records, so an interrupted deployment leaves no unrecorded action.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from databricks.sdk import WorkspaceClient

from infra.workspace.errors import DeploymentError
from infra.workspace.explain import explaining
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
class RememberedDashboard:
    """The dashboard of the environment.

    Attributes:
        id: ID of the dashboard; None before it is created.
        etag: etag of the draft after the deployment wrote it; None while the deployment writes it.
        digest: hash of the document that the deployment wrote.
    """

    id: str | None = None
    etag: str | None = None
    digest: str = ""


@dataclass(frozen=True)
class MemoryContent:
    """The content of the memory file.

    Attributes:
        granted: principals to which this deployment granted a profile (``group network-engineers``), by profile ARN.
        verification: the active verify run, if any.
        passed: keys of the verifications that passed, the newest last.
        streams: Auto Loader streams that the job reads or has read.
        dashboard: the dashboard, if any.
    """

    granted: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    verification: Verification | None = None
    passed: tuple[str, ...] = ()
    streams: tuple[Logs, ...] = ()
    dashboard: RememberedDashboard | None = None


@dataclass
class Memory:
    """The memory of a deployment.

    Attributes:
        client: client for the workspace.
        folder: workspace folder of the file.
        value: the content of the file.
    """

    client: WorkspaceClient
    folder: str
    value: MemoryContent

    @classmethod
    def read(cls, client: WorkspaceClient, folder: str) -> Memory:
        """Return the memory from a folder's file; an empty one if the file does not exist.

        Raises:
            DeploymentError: the file cannot be read.
        """
        path = f"{folder}/{NAME}"
        with explaining(f"Reading {path}"):
            content = files.read(client, path)
        return cls(client, folder, MemoryContent() if content is None else _parsed(content, path))

    def update(self, **changes: Any) -> None:
        """Replace fields of the value; write the file, and create its folder, if the value changes."""
        new = replace(self.value, **changes)
        if new == self.value:
            return
        with explaining(f"Writing {self.folder}/{NAME}"):
            if self.value == MemoryContent():
                self.client.workspace.mkdirs(self.folder)
            files.write(self.client, f"{self.folder}/{NAME}", _text(new).encode())
        self.value = new

    def update_grants(self, profile: str, names: Iterable[str]) -> None:
        """Replace the grants of a profile."""
        self.update(granted={**self.value.granted, profile: tuple(sorted(names))})

    def remove_grants(self, profile: str) -> None:
        """Remove a profile and its grants."""
        self.update(granted={arn: names for arn, names in self.value.granted.items() if arn != profile})

    def ignore_passed(self) -> None:
        """Treat no settings as verified. The file changes only with the next update."""
        self.value = replace(self.value, passed=())


def _parsed(content: bytes, path: str) -> MemoryContent:
    try:
        raw = json.loads(content)
        verification = raw["verification"]
        dashboard = raw.get("dashboard")  # version 0.1.0 had none
        return MemoryContent(
            granted={arn: tuple(names) for arn, names in raw["granted"].items()},
            verification=Verification(**verification) if verification else None,
            passed=tuple(raw["passed"]),
            streams=tuple(Logs(**stream) for stream in raw["streams"]),
            dashboard=RememberedDashboard(**dashboard) if dashboard else None,
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise DeploymentError(
            f"{path} was changed and cannot be read",
            detail=repr(error),
            advice="Delete it and deploy again. The grants it recorded are then treated as made by others: they stay "
            "when their principal is removed from the environment file",
        ) from error


def _text(content: MemoryContent) -> str:
    raw: dict[str, Any] = asdict(content)
    return json.dumps(raw, indent=2, sort_keys=True) + "\n"
