"""The flow logs of one account and region.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-flowlog.html
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from aws_cdk import CfnTag
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from infra.environment import deliveries
from infra.environment.schema import FlowLog, TagKeys

_TAGGED = {"instance": "instance", "interface": "network-interface", "asg": "auto-scaling-group"}


class FlowLogs(Construct):
    """Flow logs that deliver to a bucket. ``prefix`` is the folder that contains AWSLogs/, None for the bucket's root.

    Attributes:
        flow_logs: The flow logs, in the order given.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        flow_logs: Iterable[FlowLog],
        bucket_arn: str,
        prefix: str | None,
    ) -> None:
        super().__init__(scope, construct_id)
        destination = f"{bucket_arn}/{prefix}/" if prefix else bucket_arn
        self.flow_logs = [_flow_log(self, flow_log, destination) for flow_log in flow_logs]


def _flow_log(scope: Construct, flow_log: FlowLog, destination: str) -> ec2.CfnFlowLog:
    kind, target = _target(flow_log)
    properties: dict[str, Any] = {
        "resource_type": kind,
        "resource_id": target,
        "traffic_type": deliveries.traffic(flow_log),
        "log_destination_type": "s3",
        "log_destination": destination,
        # None for the default format: if it were spelled out, AWS would reject it as a duplicate of the default.
        "log_format": " ".join(f"${{{name}}}" for name in deliveries.own_format(flow_log) or ()) or None,
        "max_aggregation_interval": deliveries.aggregation_seconds(flow_log),
        # Always all three: AWS fills in absent options, and CloudFormation then reports drift.
        "destination_options": {
            "FileFormat": flow_log.file_format,
            "HiveCompatiblePartitions": flow_log.hive_partitions,
            "PerHourPartition": flow_log.hourly_partitions,
        },
        "tag_field_specifications": _tag_fields(flow_log.tag_keys) or None,
    }
    resource = ec2.CfnFlowLog(
        scope,
        _id(properties),
        **properties,
        tags=[CfnTag(key=key, value=value) for key, value in sorted(flow_log.tags.items())] or None,
    )
    resource.override_logical_id(_id(properties))
    return resource


def _target(flow_log: FlowLog) -> tuple[str, str]:
    """Return the resource type and ID of a flow log's target."""
    targets = {
        "VPC": flow_log.vpc,
        "Subnet": flow_log.subnet,
        "NetworkInterface": flow_log.network_interface,
        "TransitGateway": flow_log.transit_gateway,
    }
    return next((kind, target) for kind, target in targets.items() if target)


def _tag_fields(tag_keys: TagKeys) -> list[dict[str, object]]:
    return [{"resourceType": _TAGGED[kind], "tagKeys": list(keys)} for kind, keys in tag_keys if keys]


def _id(properties: dict[str, Any]) -> str:
    """Return a logical ID derived from the properties that cannot be updated.

    The order in the environment file has no effect. A changed flow log gets a new logical ID, and CloudFormation
    creates it before it deletes the old one.
    """
    text = json.dumps(properties, sort_keys=True)
    return f"FlowLog{hashlib.sha256(text.encode()).hexdigest()[:16]}"
