"""Convert an environment file to a ``WorkspaceSpec``: the whole workspace half, as plain data."""

from __future__ import annotations

from dataclasses import replace

from infra.environment import deliveries, names
from infra.environment.schema import Environment
from infra.workspace.spec import Cluster, Job, Logs, Maintenance, Principals, Profile, WorkspaceSpec
from vpc_flow_logs.parameters import INTERVAL_SECONDS

_NOTIFICATIONS = {"auto-loader": "auto-loader", "stack": "queue", "off": "off"}
_TRIGGERS = {"continuous": "continuous", "scheduled": "available-now"}
_OF_THE_STREAM = ("notifications", "trigger", "queue-url", "interval-seconds", "new-checkpoint", "names-table")
"""Parameters of the streaming job that the maintenance job does not get: it reads no files and creates no answers."""


class NoWorkspaceError(Exception):
    """The environment has no ``[workspace]``. The text explains what to do."""


def workspace_spec(environment: Environment, *, queue_url: str | None) -> WorkspaceSpec:
    """Return the desired state of the workspace.

    Args:
        environment: The settings.
        queue_url: The URL of the queue that the stack created; None if it created none.

    Raises:
        NoWorkspaceError: The file has no ``[workspace]``.
    """
    workspace, job = environment.workspace, environment.job
    if workspace is None:
        raise NoWorkspaceError(
            f"The environment {environment.name} has no [workspace], so only its AWS half is deployed. Add [workspace] "
            "to the file (environments/staging.toml explains its keys), or register the instance profile by hand"
        )
    cluster = Cluster(
        spark_version=workspace.cluster.spark_version,
        node_type=workspace.cluster.node_type,
        workers=workspace.cluster.workers,
        tags=workspace.cluster.tags,
        policy_id=workspace.cluster.policy_id,
    )
    return WorkspaceSpec(
        environment=environment.name,
        host=workspace.host,
        region=environment.aws.region,
        profile=Profile(
            arn=names.profile_arn(environment),
            role_arn=names.role_arn(environment),
            skip_validation=workspace.skip_validation,
        ),
        principals=Principals(
            groups=workspace.groups, users=workspace.users, service_principals=workspace.service_principals
        ),
        cluster=cluster,
        job=Job(
            name=names.stack_name(environment),
            parameters=job_parameters(environment, queue_url=queue_url),
            schedule=job.schedule,
            pause=job.pause,
            email_on_failure=job.email_on_failure,
            can_view=job.can_view,
            can_manage=job.can_manage,
        ),
        logs=Logs(
            bucket=environment.log_bucket.name,
            prefix=names.logs_prefix(environment),
            path=deliveries.logs_path(environment),
            checkpoint=job.checkpoint_path,
        ),
        auto_loader=job.notifications == "auto-loader",
        verify=workspace.verify,
        maintenance=_maintenance(environment, cluster),
        warehouse_id=workspace.warehouse_id,
    )


def _maintenance(environment: Environment, cluster: Cluster) -> Maintenance | None:
    maintenance = environment.maintenance
    if not maintenance.enabled:
        return None
    node_type = cluster.node_type if maintenance.node_type is None else maintenance.node_type
    workers = cluster.workers if maintenance.workers is None else maintenance.workers
    return Maintenance(
        parameters=maintenance_parameters(environment),
        schedule=maintenance.schedule,
        cluster=replace(cluster, node_type=node_type, workers=workers),
    )


def job_parameters(environment: Environment, *, queue_url: str | None) -> dict[str, str]:
    """Return the named parameters of the job, without empty ones, which a workspace may drop.

    Args:
        environment: The settings.
        queue_url: The URL of the queue that the stack created; None if it created none.
    """
    job = environment.job
    parameters = {
        "vpc-logs-path": deliveries.logs_path(environment),
        "delta-output-path": job.delta_output_path,
        "checkpoint-path": job.checkpoint_path,
        "table-name": job.table,
        "region-name": environment.aws.region,
        "headers": ",".join(deliveries.headers(environment)),
        "notifications": _NOTIFICATIONS[job.notifications],
        "trigger": _TRIGGERS[job.trigger],
        "queue-url": queue_url or "",
        # The job's defaults are not sent.
        "interval-seconds": "" if job.interval_seconds in (None, INTERVAL_SECONDS) else str(job.interval_seconds),
        "new-checkpoint": "" if job.new_checkpoint == "refuse" else job.new_checkpoint,
        "names-table": environment.answers.names_table or "",
    }
    return {name: value for name, value in parameters.items() if value}


def maintenance_parameters(environment: Environment) -> dict[str, str]:
    """Return the named parameters of the maintenance job: the streaming job's, and how long rows are kept."""
    parameters = job_parameters(environment, queue_url=None)
    days = {
        "keep-days": environment.maintenance.keep_days,
        "keep-hourly-days": environment.maintenance.keep_hourly_days,
    }
    return {
        **{name: value for name, value in parameters.items() if name not in _OF_THE_STREAM},
        **{name: str(value) for name, value in days.items() if value is not None},
    }
