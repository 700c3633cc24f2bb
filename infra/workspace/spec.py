"""What the workspace is to hold for an environment, as plain data: made from the environment file, sent as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from infra.workspace.errors import DeploymentError


@dataclass(frozen=True)
class Profile:
    """The instance profile to register.

    Attributes:
        arn: of the instance profile; the last part of it is its name.
        role_arn: of the role in it.
        skip_validation: register without Databricks' dry run.
    """

    arn: str
    role_arn: str
    skip_validation: bool = False


@dataclass(frozen=True)
class Principals:
    """Who may use the instance profile: names of groups, e-mail addresses, application ids."""

    groups: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    service_principals: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cluster:
    """What the job runs on; without workers a single node."""

    spark_version: str
    node_type: str
    workers: int
    tags: Mapping[str, str] = field(default_factory=dict)
    policy_id: str | None = None


@dataclass(frozen=True)
class Job:
    """The streaming job.

    Attributes:
        name: in the workspace.
        parameters: of the wheel's entry points, by name.
        schedule: Quartz expression in UTC; None for a continuous job.
        pause: make it, but do not start it.
        email_on_failure: who is told of a failed run.
        can_view, can_manage: groups.
    """

    name: str
    parameters: Mapping[str, str]
    schedule: str | None = None
    pause: bool = False
    email_on_failure: tuple[str, ...] = ()
    can_view: tuple[str, ...] = ()
    can_manage: tuple[str, ...] = ()


@dataclass(frozen=True)
class Logs:
    """What an Auto Loader stream reads; used to recognize the AWS resources it created.

    Attributes:
        bucket: of the flow logs.
        prefix: the keys that AWS delivers below, ``[prefix/]AWSLogs/``.
        path: the job's VPC Logs Path.
        checkpoint: the job's checkpoint; empty where an older version wrote the settings. It does not make two streams
            different: a stream keeps its resources when its checkpoint moves.
    """

    bucket: str
    prefix: str
    path: str
    checkpoint: str = field(default="", compare=False)


@dataclass(frozen=True)
class WorkspaceSpec:
    """All of it. ``auto_loader`` says whether Auto Loader makes topic, queue and bucket notification itself."""

    environment: str
    host: str
    region: str
    profile: Profile
    principals: Principals
    cluster: Cluster
    job: Job
    logs: Logs
    auto_loader: bool
    verify: bool = True

    @property
    def table(self) -> str:
        """Name of the table."""
        return self.job.parameters["table-name"]

    @property
    def folder(self) -> str:
        """Folder of the workspace with the wheel.

        Only admins make folders there, and nobody else has rights in them. In ``/Workspace/Shared`` every user could
        replace the wheel, and so run code with the reader role's rights; a home folder would be another one for each
        who deploys.
        """
        return f"/Workspace/vpc-flow-logs/{self.environment}"

    def to_json(self) -> str:
        """As one line of JSON, always the same for the same settings."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> WorkspaceSpec:
        """Read what ``to_json`` wrote. Keys that this version does not know are left out.

        Raises:
            DeploymentError: it is no JSON, or something is missing.
        """
        try:
            raw = json.loads(text)
            parts = {
                "profile": _of(Profile, raw["profile"]),
                "principals": _of(Principals, raw["principals"]),
                "cluster": _of(Cluster, raw["cluster"]),
                "job": _of(Job, raw["job"]),
                "logs": _of(Logs, raw["logs"]),
            }
            spec: WorkspaceSpec = _of(cls, {**raw, **parts})
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DeploymentError(
                "The settings of the workspace cannot be read",
                words=repr(error),
                advice="Deploy with the version that wrote them",
            ) from error
        return spec


def _of(kind: Any, raw: Mapping[str, Any]) -> Any:
    known = {name: raw[name] for name in kind.__dataclass_fields__ if name in raw}
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in known.items()})
