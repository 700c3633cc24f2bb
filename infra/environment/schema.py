"""What an environment file says: one class a section, one attribute a key, described as a reader of the file needs it.

A key without a default is required: only what nobody but the owner of the accounts can know has none. The comments of
the files in ``environments/`` are the reference with examples.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from infra.environment import field_types as v

# An array of a TOML file; its items stay strict.
_LIST = Field(strict=False)


class Section(BaseModel):
    """A table of an environment file: no other keys, no conversions between types, never changed once read."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Aws(Section):
    """``[aws]``: where the main stack goes."""

    account: v.AccountId = Field(description="account of the bucket and the reader role, 12 digits in quotes")
    region: v.Region = Field(description="region of the bucket, such as us-east-1")


class LogBucket(Section):
    """``[log_bucket]``: where flow logs are delivered."""

    name: v.BucketName = Field(description="name of the bucket")
    existing: bool = Field(default=False, description="the bucket is there already, in the account and region of [aws]")
    prefix: v.Prefix | None = Field(default=None, description="folder that AWSLogs/ lies in")
    retention_days: v.Days | None = Field(default=None, description="delivered files are deleted after so many days")
    kms_key_arn: v.KmsKeyArn | None = Field(default=None, description="customer managed key that encrypts the bucket")


class TagKeys(Section):
    """``tag_keys``: whose tags the fields instance-tag, interface-tag, asg-tag (and …-tag-2) show."""

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
    """``[[flow_logs]]``: one flow log. Exactly one of the four targets is given."""

    vpc: v.VpcId | None = Field(default=None, description="VPC whose traffic is recorded")
    subnet: v.SubnetId | None = Field(default=None, description="subnet whose traffic is recorded")
    network_interface: v.InterfaceId | None = Field(
        default=None, description="network interface whose traffic is recorded"
    )
    transit_gateway: v.TransitGatewayId | None = Field(
        default=None, description="transit gateway whose traffic is recorded"
    )
    traffic: Literal["ALL", "ACCEPT", "REJECT"] | None = Field(
        default=None, description="traffic that is recorded; absent: ALL; never with a transit gateway"
    )
    aggregation_seconds: Literal[60, 600] | None = Field(
        default=None, description="longest interval of one record; absent: 600, for a transit gateway 60"
    )
    fields: Annotated[tuple[v.FieldName, ...], _LIST] | None = Field(
        default=None, min_length=1, description="log format, in order; absent: AWS's default format"
    )
    tag_keys: TagKeys = Field(default=TagKeys(), description="tags that the tag fields show")
    file_format: Literal["plain-text", "parquet"] = Field(default="plain-text", description="format of the files")
    hive_partitions: bool = Field(default=False, description="folders such as year=2026")
    hourly_partitions: bool = Field(default=False, description="a folder an hour instead of one a day")
    tags: dict[v.TagKey, v.TagValue] = Field(default={}, description="tags of the flow log")
    account: v.AccountId | None = Field(default=None, description="account of the target; absent: that of [aws]")
    region: v.Region | None = Field(default=None, description="region of the target; absent: that of [aws]")


class Reader(Section):
    """``[reader]``: the role that the job reads with."""

    role_name: v.RoleName = Field(
        default="",
        description="name of the reader role and of its instance profile; absent: flow-log-reader-<environment>",
    )
    databricks_role_arn: v.RoleArn = Field(description="cross-account role that may pass the reader role to EC2")


class Cluster(Section):
    """``[workspace.cluster]``: what the job runs on."""

    spark_version: v.SparkVersion = Field(default="18.x-scala2.13", description="version key of the Databricks runtime")
    node_type: v.NodeType = Field(default="m6gd.xlarge", description="instance type, with 16 GiB of memory or more")
    workers: v.Workers = Field(default=0, description="workers in addition to the driver; 0: a single node")
    tags: dict[v.TagKey, v.TagValue] = Field(default={}, description="tags of the cluster's instances")
    policy_id: v.PolicyId | None = Field(default=None, description="cluster policy that applies")


class Workspace(Section):
    """``[workspace]``: where the reader is registered and the job runs."""

    host: v.Host = Field(description="URL of the workspace")
    secret_arn: v.SecretArn = Field(description="secret with client_id and client_secret, or token, as JSON")
    groups: Annotated[tuple[v.Principal, ...], _LIST] = Field(default=(), description="groups that may use the profile")
    users: Annotated[tuple[v.UserName, ...], _LIST] = Field(default=(), description="users that may use the profile")
    service_principals: Annotated[tuple[v.ApplicationId, ...], _LIST] = Field(
        default=(), description="application ids of service principals that may use the profile"
    )
    skip_validation: bool = Field(default=False, description="register the profile without Databricks' dry run")
    verify: bool = Field(default=True, description="prove access to the bucket by a run before the job is made")
    cluster: Cluster = Field(default=Cluster(), description="what the job runs on")


class Job(Section):
    """``[job]``: the streaming job and its tables."""

    table: v.TableName = Field(
        description="[catalog.][schema.]name of the table; without a catalog it is in the workspace's default catalog"
    )
    checkpoint_path: v.StoragePath = Field(description="where the stream keeps its state")
    delta_output_path: v.OutputPath = Field(default="", description='where the table lies; "": a managed table')
    external_location: bool = Field(
        default=False, description="an external location of Unity Catalog covers delta_output_path"
    )
    trigger: Literal["continuous", "scheduled"] = Field(
        default="continuous", description="runs for ever, or by the schedule"
    )
    schedule: v.Schedule | None = Field(default=None, description="Quartz expression, with scheduled only")
    headers: Annotated[tuple[v.Header, ...], _LIST] | None = Field(
        default=None, min_length=1, description="columns of the table; absent: all fields of the flow logs"
    )
    notifications: Literal["auto-loader", "stack", "off"] = Field(
        default="auto-loader", description="how the job learns of new files"
    )
    new_checkpoint: Literal["refuse", "adopt", "reload"] = Field(
        default="refuse", description="what to do with a new checkpoint for a table that has rows"
    )
    email_on_failure: Annotated[tuple[v.Email, ...], _LIST] = Field(
        default=(), description="who is told of a failed run"
    )
    can_view: Annotated[tuple[v.Principal, ...], _LIST] = Field(
        default=(), description="groups that see the job and its runs"
    )
    can_manage: Annotated[tuple[v.Principal, ...], _LIST] = Field(
        default=(), description="groups that may change the job"
    )
    pause: bool = Field(default=False, description="make the job, but do not start it")


class EnvironmentFile(Section):
    """A whole environment file."""

    aws: Aws = Field(description="the table [aws]: account and region")
    log_bucket: LogBucket = Field(description="the table [log_bucket]: where flow logs are delivered")
    flow_logs: Annotated[tuple[FlowLog, ...], _LIST] = Field(default=(), description="the flow logs to make")
    reader: Reader = Field(description="the table [reader]: the role that the job reads with")
    workspace: Workspace | None = Field(default=None, description="absent: the AWS half alone")
    job: Job = Field(description="the table [job]: the streaming job and its tables")


class Environment(EnvironmentFile):
    """The settings of an environment, with every name that the file leaves out.

    The environment's name is the stem of its file; stacks, the job, and by default the reader role are named after it.
    """

    name: str = Field(description="letters, digits and hyphens, a letter first")
