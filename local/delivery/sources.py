"""The flow logs of the stage that deliver to S3, from EC2's DescribeFlowLogs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.aws import Credentials, Emulator
from local.aws.flow_log_properties import destination, fields_of, kind_of
from local.traffic.files import FlowLog


def flow_logs(stage: Emulator) -> list[tuple[FlowLog, str]]:
    """Return all flow logs that deliver to S3, in every account and region, each with its bucket."""
    sources = []
    for place in stage.ask("places")["places"]:
        account, region = place["account"], place["region"]
        ec2 = stage.client("ec2", Credentials(key=account), region=region)
        for description in ec2.describe_flow_logs()["FlowLogs"]:
            if description["LogDestinationType"] == "s3":
                sources.append(_flow_log(description, account=account, region=region))
    return sorted(sources, key=lambda each: identity(each[0]))


def _flow_log(description: Mapping[str, Any], *, account: str, region: str) -> tuple[FlowLog, str]:
    """Convert an item of DescribeFlowLogs into a flow log and its bucket."""
    place, fields = destination(description["LogDestination"]), fields_of(description["LogFormat"])
    if not place or not fields:
        raise ValueError(f"{description['FlowLogId']} has an invalid destination or format: {description}")
    options = description["DestinationOptions"]
    flow_log = FlowLog(
        id=description["FlowLogId"],
        account=account,
        region=region,
        fields=fields,
        file_format=options["FileFormat"],
        hive_partitions=options["HiveCompatiblePartitions"],
        hourly_partitions=options["PerHourPartition"],
        prefix=place[1],
        aggregation_seconds=description["MaxAggregationInterval"],
        target_kind=kind_of(description["ResourceId"]),
        target_id=description["ResourceId"],
        traffic=description.get("TrafficType", "ALL"),
    )
    return flow_log, place[0]


def identity(flow_log: FlowLog) -> str:
    """Return the properties of a flow log as text, without its ID, which differs between stages."""
    return repr([value for name, value in sorted(vars(flow_log).items()) if name != "id"])
