"""Desired state of the workspace for one environment, as plain data: built from its file and passed on as JSON."""

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
        arn: ARN of the instance profile; its last part is the profile's name.
        role_arn: ARN of the role in the profile.
        skip_validation: register the profile without Databricks' dry run.
    """

    arn: str
    role_arn: str
    skip_validation: bool = False


@dataclass(frozen=True)
class Principals:
    """Principals that may use the instance profile.

    Attributes:
        groups: display names.
        users: email addresses.
        service_principals: application IDs.
    """

    groups: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    service_principals: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cluster:
    """A job's cluster; a single node if ``workers`` is 0."""

    spark_version: str
    node_type: str
    workers: int
    tags: Mapping[str, str] = field(default_factory=dict)
    policy_id: str | None = None


@dataclass(frozen=True)
class Job:
    """The streaming job.

    Attributes:
        name: name of the job in the workspace.
        parameters: values of the wheel's entry point parameters, by name.
        schedule: Quartz expression in UTC; None for a continuous job.
        pause: create both jobs, but do not start them.
        email_on_failure: addresses notified of a failed run of either job.
        can_view: groups with the permission CAN_VIEW on both jobs.
        can_manage: groups with the permission CAN_MANAGE on both jobs.
    """

    name: str
    parameters: Mapping[str, str]
    schedule: str | None = None
    pause: bool = False
    email_on_failure: tuple[str, ...] = ()
    can_view: tuple[str, ...] = ()
    can_manage: tuple[str, ...] = ()


@dataclass(frozen=True)
class Maintenance:
    """The maintenance job. Its permissions, failure emails and pause are those of the streaming job.

    Attributes:
        parameters: values of the wheel's entry point parameters, by name.
        schedule: Quartz expression in UTC.
        cluster: the job's cluster.
    """

    parameters: Mapping[str, str]
    schedule: str
    cluster: Cluster


@dataclass(frozen=True)
class Logs:
    """The files that an Auto Loader stream reads; used to recognize the AWS resources it created.

    Attributes:
        bucket: name of the log bucket.
        prefix: prefix of the keys that AWS delivers, ``[prefix/]AWSLogs/``.
        path: the job's VPC Logs Path.
        checkpoint: the job's checkpoint; empty if an older version wrote the settings. Comparisons ignore it: a stream
            keeps its resources when its checkpoint moves.
    """

    bucket: str
    prefix: str
    path: str
    checkpoint: str = field(default="", compare=False)


@dataclass(frozen=True)
class WorkspaceSpec:
    """The complete desired state.

    Attributes:
        environment: name of the environment.
        host: URL of the workspace.
        region: AWS region of the log bucket.
        profile: the instance profile.
        principals: principals that may use the profile.
        cluster: the streaming job's cluster.
        job: the streaming job.
        logs: the flow logs that the job reads.
        auto_loader: Auto Loader creates the topic, the queue and the bucket notification.
        verify: start a verify run, which reads the logs on a cluster, before the job is created or changed.
        maintenance: the maintenance job; None if the environment has none.
        warehouse_id: ID of the SQL warehouse of the dashboard; None if the environment has no dashboard.
    """

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
    maintenance: Maintenance | None = None
    warehouse_id: str | None = None

    @property
    def table(self) -> str:
        """The table's name."""
        return self.job.parameters["table-name"]

    @property
    def folder(self) -> str:
        """The workspace folder of the wheel, the deployment's memory and the dashboard.

        Only admins can create folders there, and only they have permissions on them. In ``/Workspace/Shared``, every
        user could replace the wheel and so run code with the reader role's permissions. A home folder would differ for
        each deploying user.
        """
        return f"/Workspace/vpc-flow-logs/{self.environment}"

    def to_json(self) -> str:
        """Return the settings as one line of JSON; equal settings give equal text."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> WorkspaceSpec:
        """Read the output of ``to_json``. Keys that this version does not know are ignored.

        Raises:
            DeploymentError: the text is not valid JSON, or a key is missing.
        """
        try:
            raw = json.loads(text)
            parts = {
                "profile": _of(Profile, raw["profile"]),
                "principals": _of(Principals, raw["principals"]),
                "cluster": _of(Cluster, raw["cluster"]),
                "job": _of(Job, raw["job"]),
                "logs": _of(Logs, raw["logs"]),
                # Version 0.1.0 had no maintenance job.
                "maintenance": _maintenance(raw.get("maintenance")),
            }
            spec: WorkspaceSpec = _of(cls, {**raw, **parts})
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DeploymentError(
                "The settings of the workspace cannot be read",
                detail=repr(error),
                advice="Deploy with the version of this repository that wrote them",
            ) from error
        return spec


def _maintenance(raw: Mapping[str, Any] | None) -> Any:
    return None if raw is None else _of(Maintenance, {**raw, "cluster": _of(Cluster, raw["cluster"])})


def _of(kind: Any, raw: Mapping[str, Any]) -> Any:
    known = {name: raw[name] for name in kind.__dataclass_fields__ if name in raw}
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in known.items()})
