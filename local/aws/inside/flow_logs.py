"""Create flow logs, if their destination allows delivery, and delete them.

MiniStack also stores flow logs, but ignores format, options and interval, and does not check the bucket.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import ec2

from local.aws import flow_log_properties as rules
from local.aws.inside import attached_policy, delivery_permissions, switches
from local.aws.inside.errors import RequestRejected
from vpc_flow_logs.fields import DEFAULT_FORMAT, TGW_DEFAULT_FORMAT

_log = logging.getLogger("flow-logs")

_DEFAULT_OPTIONS = {"FileFormat": "plain-text", "HiveCompatiblePartitions": False, "PerHourPartition": False}


@dataclass(frozen=True, order=True)
class Place:
    """Account and region of a flow log."""

    account: str
    region: str


def create(properties: Mapping[str, Any]) -> str:
    """Create a flow log in the account and region of the request; return its ID.

    Raises:
        RequestRejected: EC2 rejects the flow log.
    """
    problem = rules.request_problem(properties)
    if problem:
        raise RequestRejected(problem)
    place = Place(get_account_id(), get_region())
    flow_log = f"fl-0{secrets.token_hex(8)}"
    if properties.get("LogDestinationType") == "s3":
        destination = rules.destination(properties["LogDestination"])
        assert destination
        folder = _folder(properties, place)
        if switches.is_on(switches.ATTACH_BUCKET_POLICY):
            attached_policy.attach(destination[0], folder=folder, owner=place.account, region=place.region)
        delivery_permissions.check_destination(
            bucket=destination[0], key=f"{folder}/x", owner=place.account, region=place.region
        )
    record = _record(flow_log, properties)
    if any(_configuration(record) == _configuration(other) for other in ec2._flow_logs.values()):
        raise RequestRejected("There is an existing Flow Log with the same configuration and log destination.")
    ec2._flow_logs[flow_log] = record
    _log.info("created %s for %s", flow_log, properties["ResourceId"])
    set_tags(flow_log, properties.get("Tags", []))
    return flow_log


def _folder(properties: Mapping[str, Any], place: Place) -> str:
    """Return the folder of the flow log's files, where the bucket's policy must allow objects."""
    destination = rules.destination(properties["LogDestination"])
    prefix = f"{destination[1]}/" if destination and destination[1] else ""
    hive = properties.get("DestinationOptions", {}).get("HiveCompatiblePartitions")
    return f"{prefix}AWSLogs/{f'aws-account-id={place.account}' if hive else place.account}"


def _record(flow_log: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the flow log as DescribeFlowLogs returns it, with AWS's defaults."""
    of_gateway = properties["ResourceType"].startswith("TransitGateway")
    fields = TGW_DEFAULT_FORMAT if of_gateway else DEFAULT_FORMAT
    given = {name: value for name, value in properties.items() if name not in ("Tags", "ResourceType")}
    kind = properties.get("LogDestinationType", "cloud-watch-logs")
    return {
        "LogFormat": " ".join(f"${{{name}}}" for name in fields),
        "MaxAggregationInterval": 60 if of_gateway else 600,
        **({"DestinationOptions": _DEFAULT_OPTIONS} if kind == "s3" else {}),
        **given,
        "LogDestinationType": kind,
        "FlowLogId": flow_log,
        "FlowLogStatus": "ACTIVE",
        "DeliverLogsStatus": "SUCCESS",
        "CreationTime": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()),
    }


def _configuration(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties that must differ between flow logs in at least one value."""
    own = ("FlowLogId", "CreationTime", "DeliverLogsStatus", "DeliverLogsErrorMessage")
    return {name: value for name, value in record.items() if name not in own}


def set_tags(flow_log: str, tags: list[dict[str, str]]) -> None:
    """Set the tags of a flow log; other tags are removed."""
    ec2._tags.pop(flow_log, None)
    if tags:
        ec2._tags[flow_log] = [{"Key": tag["Key"], "Value": str(tag["Value"])} for tag in tags]


def delete(flow_log: str) -> bool:
    """Delete a flow log; return whether it existed."""
    ec2._tags.pop(flow_log, None)
    existed = ec2._flow_logs.pop(flow_log, None) is not None
    if existed:
        _log.info("deleted %s", flow_log)
    return existed


def places() -> list[Place]:
    """Return the accounts and regions that have flow logs."""
    return sorted({place for place, _ in _everywhere()})


def _everywhere() -> Iterator[tuple[Place, dict[str, Any]]]:
    for (account, region, _), record in list(ec2._flow_logs._data.items()):
        yield Place(account, region), record


def find(flow_log: str) -> tuple[Place, dict[str, Any]]:
    """Find a flow log in any account and region.

    Raises:
        RequestRejected: the flow log does not exist.
    """
    for place, record in _everywhere():
        if record["FlowLogId"] == flow_log:
            return place, record
    raise RequestRejected(f"The flow log '{flow_log}' does not exist")
