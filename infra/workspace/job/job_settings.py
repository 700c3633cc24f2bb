"""The settings of both jobs in the Jobs API: one wheel task on its own job cluster.

Users cannot attach to a job cluster, so it gives no user the reader role's permissions.
Source: https://docs.databricks.com/aws/en/jobs/python-wheel
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from databricks.sdk.service import compute, jobs

from infra.workspace.job.job_kind import ENVIRONMENT_TAG, MAINTENANCE, STREAMING, JobKind
from infra.workspace.spec import Cluster, Maintenance, WorkspaceSpec

DEFINITION_TAG = "vpc-flow-logs-definition"
"""Tag with a hash of the sent settings; it distinguishes a complete change from an interrupted one."""

PACKAGE = "vpc_flow_logs"
CLUSTER_KEY = "reader"

_EBS_GIB = 100


def settings(spec: WorkspaceSpec, *, wheel_path: str, has_disk: bool) -> jobs.JobSettings:
    """Return the streaming job's complete settings.

    Args:
        spec: the desired state.
        wheel_path: path of the wheel in the workspace.
        has_disk: the node type has local disks.
    """
    return _settings(
        spec,
        STREAMING,
        purpose=f"Loads VPC flow logs into {spec.table}",
        schedule=spec.job.schedule,
        wheel_path=wheel_path,
        task=wheel_task(spec, STREAMING.entry_point),
        cluster_spec=cluster(spec, has_disk=has_disk),
    )


def maintenance_settings(
    spec: WorkspaceSpec, maintenance: Maintenance, *, wheel_path: str, has_disk: bool
) -> jobs.JobSettings:
    """Return the maintenance job's complete settings. The arguments are as in ``settings``."""
    return _settings(
        spec,
        MAINTENANCE,
        purpose=f"Rolls up, expires and compacts the rows of {spec.table}",
        schedule=maintenance.schedule,
        wheel_path=wheel_path,
        task=_task(MAINTENANCE.entry_point, maintenance.parameters),
        cluster_spec=_cluster(spec, maintenance.cluster, has_disk=has_disk),
    )


def wheel_task(spec: WorkspaceSpec, entry_point: str) -> jobs.PythonWheelTask:
    """Return the wheel task for one of the entry points that take the streaming job's parameters."""
    return _task(entry_point, spec.job.parameters)


def parameters(spec: WorkspaceSpec) -> dict[str, str]:
    """Return the streaming job's entry point parameters that have a value."""
    return _with_values(spec.job.parameters)


def cluster(spec: WorkspaceSpec, *, has_disk: bool) -> compute.ClusterSpec:
    """Return the streaming job's cluster."""
    return _cluster(spec, spec.cluster, has_disk=has_disk)


def verify_cluster(spec: WorkspaceSpec, *, has_disk: bool) -> compute.ClusterSpec:
    """Return the cluster of a verify run: the job's cluster with the environment tag, which no job forwards to it."""
    cluster_spec = cluster(spec, has_disk=has_disk)
    cluster_spec.custom_tags = {**(cluster_spec.custom_tags or {}), ENVIRONMENT_TAG: spec.environment}
    return cluster_spec


def definition(job_settings: jobs.JobSettings) -> str:
    """Return a hash of a job's settings."""
    return hashlib.sha256(json.dumps(job_settings.as_dict(), sort_keys=True).encode()).hexdigest()[:16]


def _settings(
    spec: WorkspaceSpec,
    kind: JobKind,
    *,
    purpose: str,
    schedule: str | None,
    wheel_path: str,
    task: jobs.PythonWheelTask,
    cluster_spec: compute.ClusterSpec,
) -> jobs.JobSettings:
    state = jobs.PauseStatus.PAUSED if spec.job.pause else jobs.PauseStatus.UNPAUSED
    cron = None
    if schedule:
        cron = jobs.CronSchedule(quartz_cron_expression=schedule, timezone_id="UTC", pause_status=state)
    job_settings = jobs.JobSettings(
        name=kind.name(spec),
        description=f"{purpose}. Deployed from the environment file {spec.environment}: change that, not this job",
        continuous=None if cron else jobs.Continuous(pause_status=state),
        schedule=cron,
        max_concurrent_runs=1,
        tags=kind.tags(spec),
        email_notifications=jobs.JobEmailNotifications(on_failure=list(spec.job.email_on_failure)),
        job_clusters=[jobs.JobCluster(job_cluster_key=CLUSTER_KEY, new_cluster=cluster_spec)],
        tasks=[
            jobs.Task(
                task_key=kind.entry_point,
                job_cluster_key=CLUSTER_KEY,
                libraries=[compute.Library(whl=wheel_path)],
                python_wheel_task=task,
            )
        ],
    )
    job_settings.tags = {**(job_settings.tags or {}), DEFINITION_TAG: definition(job_settings)}
    return job_settings


def _task(entry_point: str, parameters: Mapping[str, str]) -> jobs.PythonWheelTask:
    """Return a wheel task without the parameters that have no value.

    The SDK documents named parameters as ``--name=value`` and does not mention empty values, which the service may
    drop.
    """
    named = _with_values(parameters)
    return jobs.PythonWheelTask(package_name=PACKAGE, entry_point=entry_point, named_parameters=named)


def _with_values(parameters: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in parameters.items() if value}


def _cluster(spec: WorkspaceSpec, settings: Cluster, *, has_disk: bool) -> compute.ClusterSpec:
    """Return a job cluster, of fixed size because autoscaling and Structured Streaming do not work well together.

    The access mode is dedicated, which an instance profile requires. ``single_user_name`` is omitted, so the cluster
    belongs to the job's run-as identity regardless of the deploying principal. Driver type and engine equal the
    service's defaults; they are sent so that no other default applies. The job's tags are not repeated because the
    service forwards them to the cluster.
    """
    cluster_spec = compute.ClusterSpec(
        spark_version=settings.spark_version,
        node_type_id=settings.node_type,
        driver_node_type_id=settings.node_type,
        data_security_mode=compute.DataSecurityMode.SINGLE_USER,
        aws_attributes=_aws_attributes(spec, has_disk=has_disk),
        custom_tags=dict(settings.tags) or None,
        policy_id=settings.policy_id,
    )
    # The field is not allowed with a version key that contains the engine.
    if "-photon-" not in settings.spark_version:
        cluster_spec.runtime_engine = compute.RuntimeEngine.STANDARD
    if settings.workers:
        cluster_spec.num_workers = settings.workers
    else:
        # The kind sets the number of workers, the Spark settings and the tag of a single-node cluster. The older form,
        # in which the client sets them, is rejected together with an access mode (databricks-sdk-py issue 881).
        cluster_spec.is_single_node, cluster_spec.kind = True, compute.Kind.CLASSIC_PREVIEW
    return cluster_spec


def _aws_attributes(spec: WorkspaceSpec, *, has_disk: bool) -> compute.AwsAttributes:
    # An on-demand driver: otherwise the service may use a spot instance, and losing the driver ends the run.
    attributes = compute.AwsAttributes(instance_profile_arn=spec.profile.arn, first_on_demand=1)
    if not has_disk:
        # A node without local disks does not start without a volume.
        attributes.ebs_volume_type = compute.EbsVolumeType.GENERAL_PURPOSE_SSD
        attributes.ebs_volume_count = 1
        attributes.ebs_volume_size = _EBS_GIB
    return attributes
