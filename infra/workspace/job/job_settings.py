"""The job as Databricks is told it: one wheel task on a job cluster of its own.

Nobody attaches to a job cluster, so nobody gets the reader role's rights by it.
Source: https://docs.databricks.com/aws/en/jobs/python-wheel
"""

from __future__ import annotations

import hashlib
import json

from databricks.sdk.service import compute, jobs

from infra.workspace.spec import WorkspaceSpec

ENVIRONMENT_TAG = "vpc-flow-logs-environment"
"""Tag of all that a deployment makes; its value is the environment's name. What has another or none is not touched."""

DEFINITION_TAG = "vpc-flow-logs-definition"
"""Tag with a hash of the settings that were sent: what tells a finished change from one that was cut off."""

PACKAGE = "vpc_flow_logs"
CLUSTER_KEY = "reader"
TASK_KEY = "ingest"

_EBS_GIB = 100


def settings(spec: WorkspaceSpec, *, wheel_path: str, has_disk: bool) -> jobs.JobSettings:
    """The whole job; ``has_disk`` says whether the node type has disks of its own."""
    job = spec.job
    state = jobs.PauseStatus.PAUSED if job.pause else jobs.PauseStatus.UNPAUSED
    cron = jobs.CronSchedule(quartz_cron_expression=job.schedule, timezone_id="UTC") if job.schedule else None
    continuous = jobs.Continuous() if cron is None else None
    wanted = jobs.JobSettings(
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
    for trigger in (wanted.continuous, wanted.schedule):
        if trigger is not None:
            trigger.pause_status = state
    wanted.tags = {**(wanted.tags or {}), DEFINITION_TAG: definition(wanted)}
    return wanted


def wheel_task(spec: WorkspaceSpec, entry_point: str) -> jobs.PythonWheelTask:
    """Return the wheel's task with one of its entry points; both take the same parameters.

    A parameter without a value is left out: the SDK describes named parameters as ``--name=value`` and says nothing
    about an empty value, which the service may drop.
    """
    return jobs.PythonWheelTask(package_name=PACKAGE, entry_point=entry_point, named_parameters=parameters(spec))


def parameters(spec: WorkspaceSpec) -> dict[str, str]:
    """Return the parameters of the entry points that have a value."""
    return {name: value for name, value in spec.job.parameters.items() if value}


def cluster(spec: WorkspaceSpec, *, has_disk: bool) -> compute.ClusterSpec:
    """Return the job's cluster: of a fixed size, because autoscaling and Structured Streaming do not go together.

    Dedicated access mode, which an instance profile needs. ``single_user_name`` is left out: a job's cluster then is
    its run-as identity's, whoever deploys. Driver type and engine are what the service would choose; they are sent so
    that no other default is filled in. The job's tags are not repeated: the service forwards them to the cluster.
    """
    wanted = spec.cluster
    made = compute.ClusterSpec(
        spark_version=wanted.spark_version,
        node_type_id=wanted.node_type,
        driver_node_type_id=wanted.node_type,
        data_security_mode=compute.DataSecurityMode.SINGLE_USER,
        aws_attributes=_aws_attributes(spec, has_disk=has_disk),
        custom_tags=dict(wanted.tags) or None,
        policy_id=wanted.policy_id,
    )
    # A version key with the engine in it is not compatible with the field.
    if "-photon-" not in wanted.spark_version:
        made.runtime_engine = compute.RuntimeEngine.STANDARD
    if wanted.workers:
        made.num_workers = wanted.workers
    else:
        # The kind sets the number of workers, the Spark settings and the tag that a cluster of one node needs. The
        # older form sets them itself and is refused beside an access mode (databricks-sdk-py issue 881).
        made.is_single_node, made.kind = True, compute.Kind.CLASSIC_PREVIEW
    return made


def verify_cluster(spec: WorkspaceSpec, *, has_disk: bool) -> compute.ClusterSpec:
    """Return the cluster of a verify run: the job's, with the tag that no job forwards to it."""
    made = cluster(spec, has_disk=has_disk)
    made.custom_tags = {**(made.custom_tags or {}), ENVIRONMENT_TAG: spec.environment}
    return made


def definition(wanted: jobs.JobSettings) -> str:
    """A hash of settings."""
    return hashlib.sha256(json.dumps(wanted.as_dict(), sort_keys=True).encode()).hexdigest()[:16]


def _aws_attributes(spec: WorkspaceSpec, *, has_disk: bool) -> compute.AwsAttributes:
    # The driver on demand: without this the service may place it on a spot instance, whose loss ends the run.
    attributes = compute.AwsAttributes(instance_profile_arn=spec.profile.arn, first_on_demand=1)
    if not has_disk:
        # A node without disks does not start without a volume.
        attributes.ebs_volume_type = compute.EbsVolumeType.GENERAL_PURPOSE_SSD
        attributes.ebs_volume_count = 1
        attributes.ebs_volume_size = _EBS_GIB
    return attributes
