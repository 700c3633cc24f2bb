"""Schema of a ``[[flow_logs]]`` table, and the base class of all tables of an environment file."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from infra.environment import field_types as v

LIST = Field(strict=False)
"""TOML arrays become tuples; the items are still checked strictly."""


class Section(BaseModel):
    """A table of an environment file: no unknown keys, no type conversions, immutable."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class TagKeys(Section):
    """``tag_keys``: the tags that the fields instance-tag, interface-tag, asg-tag (and …-tag-2) show."""

    instance: Annotated[tuple[v.TagKey, ...], LIST] = Field(
        default=(),
        max_length=2,
        description="tag keys for the fields `instance-tag` and `instance-tag-2`",
        examples=[["team"]],
    )
    interface: Annotated[tuple[v.TagKey, ...], LIST] = Field(
        default=(),
        max_length=2,
        description="tag keys for the fields `interface-tag` and `interface-tag-2`",
        examples=[["team"]],
    )
    asg: Annotated[tuple[v.TagKey, ...], LIST] = Field(
        default=(),
        max_length=2,
        description="tag keys for the fields `asg-tag` and `asg-tag-2`",
        examples=[["team", "stage"]],
    )


class FlowLog(Section):
    """``[[flow_logs]]``: one flow log, with exactly one of the four targets."""

    vpc: v.VpcId | None = Field(
        default=None, description="VPC whose traffic is recorded", examples=["vpc-0a1b2c3d4e5f60718"]
    )
    subnet: v.SubnetId | None = Field(
        default=None, description="subnet whose traffic is recorded", examples=["subnet-0a1b2c3d4e5f60718"]
    )
    network_interface: v.InterfaceId | None = Field(
        default=None, description="network interface whose traffic is recorded", examples=["eni-0a1b2c3d4e5f60718"]
    )
    transit_gateway: v.TransitGatewayId | None = Field(
        default=None, description="transit gateway whose traffic is recorded", examples=["tgw-0a1b2c3d4e5f60718"]
    )
    traffic: Literal["ALL", "ACCEPT", "REJECT"] | None = Field(
        default=None,
        description='traffic to record (default: `"ALL"`). Not allowed for a transit gateway',
        examples=["REJECT"],
    )
    aggregation_seconds: Literal[60, 600] | None = Field(
        default=None,
        description="maximum aggregation interval of a record (default: 600, or 60 for a transit gateway). A transit "
        "gateway supports 60 only",
        examples=[60],
    )
    fields: Annotated[tuple[v.FieldName, ...], LIST] | None = Field(
        default=None,
        min_length=1,
        description="log format: the fields of a record, in order (default: AWS's default format)",
        examples=[["version", "vpc-id", "srcaddr", "dstaddr", "bytes", "start", "end", "action", "log-status"]],
    )
    tag_keys: TagKeys = Field(default=TagKeys(), description="tags that the tag fields show")
    file_format: Literal["plain-text", "parquet"] = Field(
        default="plain-text", description="format of the delivered files", examples=["parquet"]
    )
    hive_partitions: bool = Field(
        default=False,
        description="deliver into Hive folders such as `year=2026`. The job then reads all of `[prefix/]AWSLogs/`",
    )
    hourly_partitions: bool = Field(default=False, description="deliver into one folder per hour, not one per day")
    tags: dict[v.TagKey, v.TagValue] = Field(
        default={}, description="tags of the flow log, at most 49", examples=[{"team": "network"}]
    )
    account: v.AccountId | None = Field(
        default=None,
        description="account of the target (default: the account of `[aws]`). Another account gets its own small stack",
        examples=["777788889999"],
    )
    region: v.Region | None = Field(
        default=None,
        description="region of the target (default: the region of `[aws]`). Another region gets its own small stack",
        examples=["eu-west-1"],
    )
