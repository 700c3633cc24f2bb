"""The flow logs that there are to deliver for, as the stage's EC2 describes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.aws import Credentials, Emulator
from local.aws.flow_log_properties import destination, fields_of, kind_of
from local.traffic.files import FlowLog


def flow_logs(stage: Emulator) -> list[tuple[FlowLog, str]]:
    """All flow logs of the stage that deliver to S3, of every account and region, each with its bucket."""
    found = []
    for place in stage.ask("places")["places"]:
        account, region = place["account"], place["region"]
        ec2 = stage.client("ec2", Credentials(key=account), region=region)
        for told in ec2.describe_flow_logs()["FlowLogs"]:
            if told["LogDestinationType"] == "s3":
                found.append(_flow_log(told, account=account, region=region))
    return sorted(found, key=lambda each: identity(each[0]))


def _flow_log(told: Mapping[str, Any], *, account: str, region: str) -> tuple[FlowLog, str]:
    """What DescribeFlowLogs tells, as the files' writer needs it, and the bucket."""
    where, fields = destination(told["LogDestination"]), fields_of(told["LogFormat"])
    if not where or not fields:
        raise ValueError(f"{told['FlowLogId']} has no usable destination or format: {told}")
    options = told["DestinationOptions"]
    flow_log = FlowLog(
        id=told["FlowLogId"],
        account=account,
        region=region,
        fields=fields,
        file_format=options["FileFormat"],
        hive_partitions=options["HiveCompatiblePartitions"],
        hourly_partitions=options["PerHourPartition"],
        prefix=where[1],
        aggregation_seconds=told["MaxAggregationInterval"],
        target_kind=kind_of(told["ResourceId"]),
        target_id=told["ResourceId"],
        traffic=told.get("TrafficType", "ALL"),
    )
    return flow_log, where[0]


def identity(flow_log: FlowLog) -> str:
    """What a flow log is, without its id, which is another one in each stage."""
    return repr([value for name, value in sorted(vars(flow_log).items()) if name != "id"])
