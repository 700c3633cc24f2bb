"""The job's settings in the Jobs API: one wheel task on its own job cluster.

Users cannot attach to a job cluster, so it gives no user the reader role's permissions.
Source: https://docs.databricks.com/aws/en/jobs/python-wheel
"""

from __future__ import annotations

import hashlib
import json

from databricks.sdk.service import compute, jobs

from infra.workspace.spec import WorkspaceSpec

ENVIRONMENT_TAG = "vpc-flow-logs-environment"
"""Tag of the job and the verify cluster; its value is the environment's name. Other jobs are never changed."""

DEFINITION_TAG = "vpc-flow-logs-definition"
"""Tag with a hash of the sent settings; it distinguishes a complete change from an interrupted one."""

PACKAGE = "vpc_flow_logs"
CLUSTER_KEY = "reader"
TASK_KEY = "ingest"

_EBS_GIB = 100


def settings(spec: WorkspaceSpec, *, wheel_path: str, has_disk: bool) -> jobs.JobSettings:
    """Return the job's complete settings.

    Args:
        spec: the desired state.
        wheel_path: path of the wheel in the workspace.
        has_disk: the node type has local disks.
    """
    job = spec.job
    state = jobs.PauseStatus.PAUSED if job.pause else jobs.PauseStatus.UNPAUSED
    cron = jobs.CronSchedule(quartz_cron_expression=job.schedule, timezone_id="UTC") if job.schedule else None
    continuous = jobs.Continuous() if cron is None else None
    job_settings = jobs.JobSettings(
        name=job.name,
        description=f"Loads VPC flow logs into {spec.table}. Deployed from the environment file {spec.environment}: "
        "change that, not this job",
        continuous=continuous,
        schedule=cron,
        max_concurrent_runs=1,
        tags={ENVIRONMENT_TAG: spec.environment},
        email_notifications=jobs.JobEmailNotifications(on_failure=list(job.email_on_failure)),
        job_clusters=[jobs.JobCluster(job_cluster_key=CLUSTER_KEY, new_cluster=cluster(spec, has_disk=has_disk))],
        tasks=[
            jobs.Task(
                task_key=TASK_KEY,
                job_cluster_key=CLUSTER_KEY,
                libraries=[compute.Library(whl=wheel_path)],
                python_wheel_task=wheel_task(spec, "ingest"),
            )
        ],
    )
    for trigger in (job_settings.continuous, job_settings.schedule):
        if trigger is not None:
            trigger.pause_status = state
    job_settings.tags = {**(job_settings.tags or {}), DEFINITION_TAG: definition(job_settings)}
    return job_settings


def wheel_task(spec: WorkspaceSpec, entry_point: str) -> jobs.PythonWheelTask:
    """Return the wheel task for one of the two entry points, which take the same parameters.

    A parameter without a value is omitted: the SDK documents named parameters as ``--name=value`` and does not mention
    empty values, which the service may drop.
    """
    return jobs.PythonWheelTask(package_name=PACKAGE, entry_point=entry_point, named_parameters=parameters(spec))


def parameters(spec: WorkspaceSpec) -> dict[str, str]:
    """Return the entry point parameters that have a value."""
    return {name: value for name, value in spec.job.parameters.items() if value}


def cluster(spec: WorkspaceSpec, *, has_disk: bool) -> compute.ClusterSpec:
    """Return the job's cluster, of fixed size because autoscaling and Structured Streaming do not work well together.

    The access mode is dedicated, which an instance profile requires. ``single_user_name`` is omitted, so the cluster
    belongs to the job's run-as identity regardless of the deploying principal. Driver type and engine equal the
    service's defaults; they are sent so that no other default applies. The job's tags are not repeated because the
    service forwards them to the cluster.
    """
    settings = spec.cluster
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


def verify_cluster(spec: WorkspaceSpec, *, has_disk: bool) -> compute.ClusterSpec:
    """Return the cluster of a verify run: the job's cluster with the environment tag, which no job forwards to it."""
    cluster_spec = cluster(spec, has_disk=has_disk)
    cluster_spec.custom_tags = {**(cluster_spec.custom_tags or {}), ENVIRONMENT_TAG: spec.environment}
    return cluster_spec


def definition(job_settings: jobs.JobSettings) -> str:
    """Return a hash of a job's settings."""
    return hashlib.sha256(json.dumps(job_settings.as_dict(), sort_keys=True).encode()).hexdigest()[:16]


def _aws_attributes(spec: WorkspaceSpec, *, has_disk: bool) -> compute.AwsAttributes:
    # An on-demand driver: otherwise the service may use a spot instance, and losing the driver ends the run.
    attributes = compute.AwsAttributes(instance_profile_arn=spec.profile.arn, first_on_demand=1)
    if not has_disk:
        # A node without local disks does not start without a volume.
        attributes.ebs_volume_type = compute.EbsVolumeType.GENERAL_PURPOSE_SSD
        attributes.ebs_volume_count = 1
        attributes.ebs_volume_size = _EBS_GIB
    return attributes
