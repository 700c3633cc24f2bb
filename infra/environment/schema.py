"""Schema of an environment file: one class per section, one described attribute per key.

A key without a default is required; only values that the owner of the accounts alone can know have no default. The
comments in ``environments/staging.toml`` are the reference with examples.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from infra.environment import field_types as v

# TOML arrays become tuples; the items are still checked strictly.
_LIST = Field(strict=False)


class Section(BaseModel):
    """A table of an environment file: no unknown keys, no type conversions, immutable."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Aws(Section):
    """``[aws]``: the account and region of the main stack."""

    account: v.AccountId = Field(description="account of the bucket and the reader role, 12 digits in quotes")
    region: v.Region = Field(description="region of the bucket, such as us-east-1")


class LogBucket(Section):
    """``[log_bucket]``: the bucket that flow logs are delivered to."""

    name: v.BucketName = Field(description="name of the bucket")
    existing: bool = Field(default=False, description="the bucket already exists, in the account and region of [aws]")
    prefix: v.Prefix | None = Field(default=None, description="folder that contains AWSLogs/")
    retention_days: v.Days | None = Field(default=None, description="number of days to keep delivered files")
    kms_key_arn: v.KmsKeyArn | None = Field(default=None, description="customer managed key that encrypts the bucket")


class TagKeys(Section):
    """``tag_keys``: the tags that the fields instance-tag, interface-tag, asg-tag (and …-tag-2) show."""

    instance: Annotated[tuple[v.TagKey, ...], _LIST] = Field(
        default=(), max_length=2, description="tag keys of instances"
    )
    interface: Annotated[tuple[v.TagKey, ...], _LIST] = Field(
        default=(), max_length=2, description="tag keys of interfaces"
    )
    asg: Annotated[tuple[v.TagKey, ...], _LIST] = Field(
        default=(), max_length=2, description="tag keys of Auto Scaling groups"
    )


class FlowLog(Section):
    """``[[flow_logs]]``: one flow log, with exactly one of the four targets."""

    vpc: v.VpcId | None = Field(default=None, description="target: VPC")
    subnet: v.SubnetId | None = Field(default=None, description="target: subnet")
    network_interface: v.InterfaceId | None = Field(default=None, description="target: network interface")
    transit_gateway: v.TransitGatewayId | None = Field(default=None, description="target: transit gateway")
    traffic: Literal["ALL", "ACCEPT", "REJECT"] | None = Field(
        default=None, description="traffic to record (default: ALL); not for a transit gateway"
    )
    aggregation_seconds: Literal[60, 600] | None = Field(
        default=None, description="maximum aggregation interval (default: 600; transit gateway: 60)"
    )
    fields: Annotated[tuple[v.FieldName, ...], _LIST] | None = Field(
        default=None, min_length=1, description="log format, in order (default: AWS's default format)"
    )
    tag_keys: TagKeys = Field(default=TagKeys(), description="tags that the tag fields show")
    file_format: Literal["plain-text", "parquet"] = Field(default="plain-text", description="format of the files")
    hive_partitions: bool = Field(default=False, description="Hive-compatible folders, such as year=2026")
    hourly_partitions: bool = Field(default=False, description="one folder per hour instead of per day")
    tags: dict[v.TagKey, v.TagValue] = Field(default={}, description="tags of the flow log")
    account: v.AccountId | None = Field(default=None, description="account of the target (default: that of [aws])")
    region: v.Region | None = Field(default=None, description="region of the target (default: that of [aws])")


class Reader(Section):
    """``[reader]``: the role that the job reads with."""

    role_name: v.RoleName = Field(
        default="",
        description="name of the reader role and its instance profile (default: flow-log-reader-<environment>)",
    )
    databricks_role_arn: v.RoleArn = Field(description="cross-account role that may pass the reader role to EC2")


class Cluster(Section):
    """``[workspace.cluster]``: the cluster that the job runs on."""

    spark_version: v.SparkVersion = Field(default="18.x-scala2.13", description="version key of Databricks Runtime")
    node_type: v.NodeType = Field(default="m6gd.xlarge", description="instance type with at least 16 GiB of memory")
    workers: v.Workers = Field(default=0, description="workers in addition to the driver; 0: a single node")
    tags: dict[v.TagKey, v.TagValue] = Field(default={}, description="tags of the cluster's instances")
    policy_id: v.PolicyId | None = Field(default=None, description="cluster policy that applies")


class Workspace(Section):
    """``[workspace]``: the workspace that registers the reader and runs the job."""

    host: v.Host = Field(description="URL of the workspace")
    secret_arn: v.SecretArn = Field(description="secret with client_id and client_secret, or token, as JSON")
    groups: Annotated[tuple[v.Principal, ...], _LIST] = Field(default=(), description="groups that may use the profile")
    users: Annotated[tuple[v.UserName, ...], _LIST] = Field(default=(), description="users that may use the profile")
    service_principals: Annotated[tuple[v.ApplicationId, ...], _LIST] = Field(
        default=(), description="application IDs of service principals that may use the profile"
    )
    skip_validation: bool = Field(default=False, description="register the profile without Databricks' dry run")
    verify: bool = Field(default=True, description="verify access to the bucket with a run before creating the job")
    cluster: Cluster = Field(default=Cluster(), description="the cluster that the job runs on")


class Job(Section):
    """``[job]``: the streaming job and its tables."""

    table: v.TableName = Field(
        description="[catalog.][schema.]name of the table; without a catalog it is in the workspace's default catalog"
    )
    checkpoint_path: v.StoragePath = Field(description="folder for the state of the stream")
    delta_output_path: v.OutputPath = Field(default="", description='folder of the table; "": a managed table')
    external_location: bool = Field(
        default=False, description="an external location of Unity Catalog covers delta_output_path"
    )
    trigger: Literal["continuous", "scheduled"] = Field(
        default="continuous", description="run continuously, or on the schedule"
    )
    schedule: v.Schedule | None = Field(default=None, description='Quartz cron expression, for trigger = "scheduled"')
    headers: Annotated[tuple[v.Header, ...], _LIST] | None = Field(
        default=None, min_length=1, description="columns of the table (default: all fields of the flow logs)"
    )
    notifications: Literal["auto-loader", "stack", "off"] = Field(
        default="auto-loader", description="how the job finds new files"
    )
    new_checkpoint: Literal["refuse", "adopt", "reload"] = Field(
        default="refuse", description="action for a new checkpoint when the table has rows"
    )
    email_on_failure: Annotated[tuple[v.Email, ...], _LIST] = Field(
        default=(), description="addresses to notify when a run fails"
    )
    can_view: Annotated[tuple[v.Principal, ...], _LIST] = Field(
        default=(), description="groups that can view the job and its runs"
    )
    can_manage: Annotated[tuple[v.Principal, ...], _LIST] = Field(
        default=(), description="groups that can manage the job"
    )
    pause: bool = Field(default=False, description="create the job, but do not start it")


class EnvironmentFile(Section):
    """A whole environment file."""

    aws: Aws = Field(description="the table [aws] with account and region")
    log_bucket: LogBucket = Field(description="the table [log_bucket] for the bucket that flow logs are delivered to")
    flow_logs: Annotated[tuple[FlowLog, ...], _LIST] = Field(default=(), description="the flow logs to create")
    reader: Reader = Field(description="the table [reader] for the role that the job reads with")
    workspace: Workspace | None = Field(default=None, description="the workspace; without it only the AWS half")
    job: Job = Field(description="the table [job] for the streaming job and its tables")


class Environment(EnvironmentFile):
    """The settings of an environment, including the names that the file leaves out.

    The environment's name is the stem of its file. It is part of the names of the stacks, the job and, by default, the
    reader role.
    """

    name: str = Field(description="letters, digits and hyphens, beginning with a letter")
