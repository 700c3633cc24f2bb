"""Schema of an environment file: one class per section, one described attribute per key.

A key without a default is required. Only values that depend on the user's accounts and workspace have no default.

``make docs`` writes docs/environment.md from the descriptions and examples. A description begins in lower case, because
the message about a missing key quotes it. ``(default: ...)`` in it describes a default that is not a value.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from infra.environment import field_types as v
from infra.environment.answers import Answers
from infra.environment.flow_logs.schema import LIST, FlowLog, Section, TagKeys
from infra.environment.maintenance import Maintenance

__all__ = [
    "Answers",
    "Aws",
    "Cluster",
    "Environment",
    "EnvironmentFile",
    "FlowLog",
    "Job",
    "LogBucket",
    "Maintenance",
    "Reader",
    "Section",
    "TagKeys",
    "Workspace",
]


class Aws(Section):
    """``[aws]``: the account and region of the main stack."""

    account: v.AccountId = Field(
        description="account of the bucket and the reader role, 12 digits in quotes", examples=["111122223333"]
    )
    region: v.Region = Field(description="region of the bucket, such as us-east-1", examples=["us-east-1"])


class LogBucket(Section):
    """``[log_bucket]``: the bucket that flow logs are delivered to."""

    name: v.BucketName = Field(description="name of the bucket", examples=["example-staging-flow-logs"])
    existing: bool = Field(
        default=False,
        description="the bucket already exists, in the account and region of `[aws]`. Its owner manages its policy "
        "and lifecycle; the review lists the statements to add to the policy",
    )
    prefix: v.Prefix | None = Field(
        default=None,
        description="key prefix: AWS delivers below `<prefix>/AWSLogs/`. No segment may be `AWSLogs`",
        examples=["network"],
    )
    retention_days: v.Days | None = Field(
        default=None,
        description="days after which delivered files are deleted (default: files are kept). Tables are never deleted. "
        "Only for a bucket that the stack creates",
        examples=[30],
    )
    kms_key_arn: v.KmsKeyArn | None = Field(
        default=None,
        description="customer managed key that encrypts the bucket, in the bucket's region (default: SSE-S3). Its "
        "owner manages the key policy; the review lists the statements to add",
        examples=["arn:aws:kms:us-east-1:111122223333:key/01234567-89ab-cdef-0123-456789abcdef"],
    )


class Reader(Section):
    """``[reader]``: the role that the job uses to read the logs."""

    role_name: v.RoleName = Field(
        default="",
        description="name of the reader role and its instance profile (default: `flow-log-reader-<environment>`)",
        examples=["flow-log-reader-staging"],
    )
    databricks_role_arn: v.RoleArn = Field(
        description="cross-account role that Databricks uses to launch clusters, in the account of [aws]. It gets "
        "permission to pass the reader role to EC2",
        examples=["arn:aws:iam::111122223333:role/databricks-cross-account"],
    )


class Cluster(Section):
    """``[workspace.cluster]``: the cluster that the job runs on."""

    spark_version: v.SparkVersion = Field(
        default="18.x-scala2.13",
        description="version key of Databricks Runtime",
        examples=["18.x-photon-scala2.13"],
    )
    node_type: v.NodeType = Field(
        default="m6gd.xlarge", description="instance type with at least 16 GiB of memory", examples=["m6gd.2xlarge"]
    )
    workers: v.Workers = Field(
        default=0, description="workers in addition to the driver; 0 is a single-node cluster", examples=[2]
    )
    tags: dict[v.TagKey, v.TagValue] = Field(
        default={}, description="tags of the cluster's instances", examples=[{"team": "network"}]
    )
    policy_id: v.PolicyId | None = Field(
        default=None, description="cluster policy that applies", examples=["0123456789ABCDEF"]
    )


class Workspace(Section):
    """``[workspace]``: the workspace that registers the reader and runs the job."""

    host: v.Host = Field(description="URL of the workspace", examples=["https://example-staging.cloud.databricks.com"])
    secret_arn: v.SecretArn = Field(
        description="secret in the account and region of [aws] that holds, as JSON, client_id and client_secret of a "
        "service principal that is a workspace admin, or token",
        examples=["arn:aws:secretsmanager:us-east-1:111122223333:secret:databricks/staging-AbCdEf"],
    )
    groups: Annotated[tuple[v.Principal, ...], LIST] = Field(
        default=(),
        description="groups that may use the instance profile. Anyone who may use it has the reader role's "
        "permissions; the job needs no grant",
        examples=[["network-engineers"]],
    )
    users: Annotated[tuple[v.UserName, ...], LIST] = Field(
        default=(), description="users who may use the instance profile", examples=[["jane@example.com"]]
    )
    service_principals: Annotated[tuple[v.ApplicationId, ...], LIST] = Field(
        default=(),
        description="application IDs of the service principals that may use the instance profile",
        examples=[["01234567-89ab-cdef-0123-456789abcdef"]],
    )
    skip_validation: bool = Field(
        default=False,
        description="register the instance profile without Databricks' dry run, for accounts where tag policies make "
        "the dry run fail",
    )
    verify: bool = Field(
        default=True, description="verify access to the bucket with a run on a cluster before creating the job"
    )
    warehouse_id: v.WarehouseId | None = Field(
        default=None,
        description="SQL warehouse of the dashboard (default: no dashboard). The deployment creates and publishes a "
        "dashboard over the tables; viewers need `CAN USE` on the warehouse and `SELECT` on the tables",
        examples=["0123456789abcdef"],
    )
    cluster: Cluster = Field(default=Cluster(), description="the cluster that the job runs on")


class Job(Section):
    """``[job]``: the streaming job and its tables."""

    table: v.TableName = Field(
        description="[catalog.][schema.]name of the table, in lowercase. A name without a catalog selects the "
        "workspace's default catalog",
        examples=["network.flow_logs.staging"],
    )
    checkpoint_path: v.StoragePath = Field(
        description="folder for the state of the stream, usually in a volume. It belongs to one table and one VPC Logs "
        "Path",
        examples=["/Volumes/network/flow_logs/checkpoints/staging"],
    )
    delta_output_path: v.OutputPath = Field(
        default="",
        description="folder of the table (default: a managed table, as Databricks recommends)",
        examples=["s3://example-staging-tables/flow_logs"],
    )
    external_location: bool = Field(
        default=False,
        description="a Unity Catalog external location covers `delta_output_path`. The service principal needs "
        "`CREATE EXTERNAL TABLE` and `READ FILES` on it; the reader role gets no permissions on the folder",
    )
    trigger: Literal["continuous", "scheduled"] = Field(
        default="continuous", description="run continuously, or on the schedule", examples=["scheduled"]
    )
    schedule: v.Schedule | None = Field(
        default=None,
        description='Quartz cron expression in UTC. Required with `trigger = "scheduled"`, and only allowed with it',
        examples=["0 0/15 * * * ?"],
    )
    interval_seconds: v.Seconds | None = Field(
        default=None,
        description="how often a continuous job looks for new files (default: 60). AWS delivers every 5 to 10 minutes, "
        "and each commit adds a log entry and data files",
        examples=[300],
    )
    headers: Annotated[tuple[v.Header, ...], LIST] | None = Field(
        default=None,
        min_length=1,
        description="columns of the table (default: all fields of the flow logs). Required without `[[flow_logs]]`",
        examples=[["version", "account-id", "srcaddr"]],
    )
    notifications: Literal["auto-loader", "stack", "off"] = Field(
        default="auto-loader",
        description='how the job finds new files: Auto Loader creates the topic and the queue (`"auto-loader"`), the '
        'stack creates them (`"stack"`), or the job lists the bucket (`"off"`). To switch between `"auto-loader"` and '
        '`"stack"`, deploy `"off"` first',
        examples=["stack"],
    )
    new_checkpoint: Literal["refuse", "adopt", "reload"] = Field(
        default="refuse",
        description='action for a new checkpoint when the table has rows: fail (`"refuse"`), load only the files '
        'that the table does not have (`"adopt"`), or load all files again (`"reload"`)',
        examples=["adopt"],
    )
    email_on_failure: Annotated[tuple[v.Email, ...], LIST] = Field(
        default=(),
        description="addresses to notify when a run of either job fails",
        examples=[["network-oncall@example.com"]],
    )
    can_view: Annotated[tuple[v.Principal, ...], LIST] = Field(
        default=(),
        description="groups that can view both jobs, their runs, and the dashboard",
        examples=[["network-engineers"]],
    )
    can_manage: Annotated[tuple[v.Principal, ...], LIST] = Field(
        default=(),
        description="groups that can manage both jobs, and view the dashboard",
        examples=[["platform-engineers"]],
    )
    pause: bool = Field(default=False, description="create the job and the maintenance job, but do not start them")


class EnvironmentFile(Section):
    """A whole environment file."""

    aws: Aws = Field(description="the table [aws] with account and region")
    log_bucket: LogBucket = Field(description="the table [log_bucket] for the bucket that flow logs are delivered to")
    flow_logs: Annotated[tuple[FlowLog, ...], LIST] = Field(
        default=(),
        description="the flow logs to create, one `[[flow_logs]]` table each. Required for a new bucket",
    )
    reader: Reader = Field(description="the table [reader] for the role that the job uses to read the logs")
    workspace: Workspace | None = Field(
        default=None, description="the Databricks workspace; without it, only the AWS half is deployed"
    )
    job: Job = Field(description="the table [job] for the streaming job and its tables")
    answers: Answers = Field(default=Answers(), description="the views and table functions next to the table")
    maintenance: Maintenance = Field(
        default=Maintenance(), description="the job that rolls up, expires and compacts the tables"
    )


class Environment(EnvironmentFile):
    """The settings of an environment, including the names that the file leaves out.

    The environment's name is the stem of its file. It is part of the names of the stacks, the job and, by default, the
    reader role.
    """

    name: str = Field(description="letters, digits and hyphens, beginning with a letter")
