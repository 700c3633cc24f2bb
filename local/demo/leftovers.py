"""Look up every resource of a deployment, in AWS and in the workspace, to find leftovers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError
from databricks.sdk import WorkspaceClient

from infra.environment import names as naming
from infra.environment.schema import Environment
from infra.workspace.job.job_kind import MAINTENANCE
from local.aws import Emulator
from local.demo.report import Lookup

_NOT_THERE = {"NoSuchEntity", "NotFound", "NotFoundException", "ResourceNotFoundException", "ValidationError"}


@dataclass(frozen=True)
class Names:
    """The names of the resources of a deployment.

    ``role`` is the reader role, whose instance profile has the same name; ``cross_account_role`` may pass it.
    """

    stack: str
    role: str
    bucket: str
    job: str
    maintenance_job: str
    groups: tuple[str, ...]
    cross_account_role: str

    @classmethod
    def of(cls, environment: Environment) -> Names:
        """Derive the names from an environment."""
        stack, workspace = naming.stack_name(environment), environment.workspace
        return cls(
            stack=stack,
            role=environment.reader.role_name,
            bucket=environment.log_bucket.name,
            job=stack,
            maintenance_job=f"{stack}{MAINTENANCE.suffix}",
            groups=tuple(workspace.groups) if workspace else (),
            cross_account_role=naming.databricks_role_name(environment),
        )


def remaining(stage: Emulator, workspace: WorkspaceClient, names: Names) -> tuple[Lookup, ...]:
    """Look up all resources; ``leftover`` is empty for a resource that does not exist."""
    return (*_in_aws(stage, names), *_in_workspace(workspace, names))


def _in_aws(stage: Emulator, names: Names) -> Iterator[Lookup]:
    iam, s3, sns, sqs, ec2 = (stage.client(service) for service in ("iam", "s3", "sns", "sqs", "ec2"))
    yield Lookup("stack", names.stack, _there(lambda: _stack(stage, names.stack)))
    yield Lookup("reader role", names.role, _there(lambda: iam.get_role(RoleName=names.role)["Role"]["Arn"]))
    yield Lookup(
        "instance profile",
        names.role,
        _there(lambda: iam.get_instance_profile(InstanceProfileName=names.role)["InstanceProfile"]["Arn"]),
    )
    policies = _pages(iam, "list_role_policies", "PolicyNames", RoleName=names.cross_account_role)
    yield Lookup("PassRole permission", names.cross_account_role, _listed(policies))
    flow_logs = [log["FlowLogId"] for log in ec2.describe_flow_logs()["FlowLogs"] if _bucket(log) == names.bucket]
    yield Lookup("flow logs", f"to {names.bucket}", _listed(flow_logs))
    topics = (topic["TopicArn"].rsplit(":", 1)[1] for topic in _pages(sns, "list_topics", "Topics"))
    yield Lookup("SNS topics", "all of the account", _listed(topics))
    queues = (url.rsplit("/", 1)[1] for url in _pages(sqs, "list_queues", "QueueUrls"))
    yield Lookup("SQS queues", "all of the account", _listed(queues))
    notified = s3.get_bucket_notification_configuration(Bucket=names.bucket)
    yield Lookup("bucket notification", names.bucket, _listed(name for name in notified if name != "ResponseMetadata"))
    functions = (each["FunctionName"] for each in _pages(stage.client("lambda"), "list_functions", "Functions"))
    yield Lookup("functions", f"{names.stack}-*", _listed(name for name in functions if name.startswith(names.stack)))


def _in_workspace(workspace: WorkspaceClient, names: Names) -> Iterator[Lookup]:
    profile = f":instance-profile/{names.role}"
    registered = [item.instance_profile_arn for item in workspace.instance_profiles.list()]
    yield Lookup("registered profile", names.role, _listed(arn for arn in registered if arn.endswith(profile)))
    granted = (
        group.display_name or ""
        for group in workspace.groups.list(attributes="displayName,roles")
        if any((role.value or "").endswith(profile) for role in group.roles or [])
    )
    yield Lookup("grant of the profile", ", ".join(names.groups) or "any group", _listed(granted))
    jobs = (str(job.job_id) for job in workspace.jobs.list(name=names.job))
    yield Lookup("job", names.job, _listed(jobs))
    jobs = (str(job.job_id) for job in workspace.jobs.list(name=names.maintenance_job))
    yield Lookup("maintenance job", names.maintenance_job, _listed(jobs))
    active = (str(run.run_id) for run in workspace.jobs.list_runs(active_only=True))
    yield Lookup("active runs", "all of the workspace", _listed(active))


def _stack(stage: Emulator, name: str) -> str:
    (stack,) = stage.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    status = str(stack["StackStatus"])
    return "" if status == "DELETE_COMPLETE" else status


def _bucket(flow_log: Mapping[str, Any]) -> str:
    return str(flow_log.get("LogDestination", "")).removeprefix("arn:aws:s3:::").partition("/")[0]


def _there(read: Callable[[], str]) -> str:
    try:
        return read()
    except ClientError as error:
        if error.response["Error"]["Code"] not in _NOT_THERE:
            raise
        return ""


def _pages(client: Any, operation: str, key: str, **parameters: str) -> list[Any]:
    return [item for page in client.get_paginator(operation).paginate(**parameters) for item in page.get(key, [])]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
