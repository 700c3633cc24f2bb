"""The current deployment, as both clouds report it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice

from databricks.sdk import WorkspaceClient
from databricks.sdk.service.jobs import BaseRun, Run

from infra.environment import names
from infra.environment.schema import Environment
from local.aws import Emulator
from local.demo.report import Deployed, Resource
from vpc_flow_logs.progress import counted

_SHOWN = 14


def deployed(environment: Environment, *, file: str, aws: Emulator, workspace: WorkspaceClient) -> Deployed:
    """Return the resources and outputs of the main stack, the job, and the AWS resources that the job created."""
    stack = names.stack_name(environment)
    cloudformation = aws.client("cloudformation")
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
    resources = [
        Resource(summary["ResourceType"], summary["LogicalResourceId"], summary.get("PhysicalResourceId", ""))
        for page in pages
        for summary in page["StackResourceSummaries"]
    ]
    (described,) = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}
    return Deployed(
        stack=stack,
        environment=file,
        resources=tuple(resources),
        outputs=dict(sorted(outputs.items())),
        job=_job(environment, workspace),
        auto_loader=_auto_loader(environment, aws),
    )


def last_run(workspace: WorkspaceClient, job_id: int) -> BaseRun | None:
    """Return the run that started last, or None if there is none."""
    return next(islice(workspace.jobs.list_runs(job_id=job_id), 1), None)


def run_state(run: BaseRun | Run | None) -> str:
    """Describe the state of a run: its life cycle, its result and the reason."""
    if run is None or run.state is None:
        return "no run yet"
    state = run.state
    words = [part.value for part in (state.life_cycle_state, state.result_state) if part is not None]
    return " ".join(words) + (f": {state.state_message}" if state.state_message else "")


def _job(environment: Environment, workspace: WorkspaceClient) -> dict[str, str]:
    name = names.stack_name(environment)
    listed = next(iter(workspace.jobs.list(name=name)), None)
    if listed is None or listed.job_id is None:
        return {}
    job = workspace.jobs.get(listed.job_id)
    profile = names.profile_arn(environment)
    registered = any(item.instance_profile_arn == profile for item in workspace.instance_profiles.list())
    granted = [
        group.display_name
        for group in workspace.groups.list(attributes="displayName,roles")
        if group.display_name and any(role.value == profile for role in group.roles or [])
    ]
    description = {
        "name": name,
        "id": str(listed.job_id),
        "trigger": environment.job.trigger,
        "run": run_state(last_run(workspace, listed.job_id)),
        "instance profile": f"{profile}, {'registered' if registered else 'not registered'}",
        "granted to": ", ".join(granted) or "no group",
        "notifications": environment.job.notifications,
    }
    parameters = _parameters(job.as_dict())
    return {**description, **{f"--{key}": _shortened(value) for key, value in parameters.items()}}


def _shortened(value: str) -> str:
    """Shorten a long list to its first items."""
    parts = value.split(",")
    return value if len(parts) <= _SHOWN else f"{counted(len(parts), 'field')}: {', '.join(parts[:_SHOWN])}, ..."


def _parameters(job: Mapping[str, object]) -> dict[str, str]:
    """Return the named parameters of the job's first task."""
    settings = job.get("settings")
    tasks = settings.get("tasks", []) if isinstance(settings, dict) else []
    parameters = tasks[0].get("python_wheel_task", {}).get("named_parameters", {}) if tasks else {}
    return {str(key): str(value) for key, value in parameters.items()}


def _auto_loader(environment: Environment, aws: Emulator) -> dict[str, str]:
    """Return the topics, the queues and the bucket notifications."""
    bucket = environment.log_bucket.name
    topics = [
        topic["TopicArn"].rsplit(":", 1)[1]
        for page in aws.client("sns").get_paginator("list_topics").paginate()
        for topic in page["Topics"]
    ]
    queues = [
        url.rsplit("/", 1)[1]
        for page in aws.client("sqs").get_paginator("list_queues").paginate()
        for url in page.get("QueueUrls", [])
    ]
    notified = aws.client("s3").get_bucket_notification_configuration(Bucket=bucket)
    entries = [
        f"{rule['Value']} of {bucket}, {', '.join(entry['Events'])}"
        for kind, configured in notified.items()
        if kind != "ResponseMetadata"
        for entry in configured
        for rule in entry.get("Filter", {}).get("Key", {}).get("FilterRules", [])
    ]
    resources = {"SNS topic": topics, "SQS queue": queues, "Bucket notification": entries}
    return {kind: ", ".join(values) for kind, values in resources.items() if values}
