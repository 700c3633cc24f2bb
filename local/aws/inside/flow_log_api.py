"""EC2's flow log calls in place of MiniStack's, with format, options, interval, and delivery status.

Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_FlowLog.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from xml.sax.saxutils import escape

from ministack.services import ec2

from local.aws import flow_log_properties as rules
from local.aws.inside import flow_logs
from local.aws.inside.errors import RequestRejected

_Parameters = dict[str, list[str]]
_Answer = tuple[int, dict[str, str], bytes]

_FILTERS = {
    "deliver-log-status": "DeliverLogsStatus",
    "log-destination-type": "LogDestinationType",
    "flow-log-id": "FlowLogId",
    "log-group-name": "LogGroupName",
    "resource-id": "ResourceId",
    "traffic-type": "TrafficType",
}


def add() -> None:
    """Replace MiniStack's calls."""
    ec2._ACTION_MAP |= {"CreateFlowLogs": _create, "DescribeFlowLogs": _describe, "DeleteFlowLogs": _delete}


def _create(parameters: _Parameters) -> _Answer:
    created, refused = [], []
    for target in ec2._parse_member_list(parameters, "ResourceId"):
        given = rules.typed({**_properties(parameters), "ResourceId": target})
        problems = rules.schema_problems(given)
        if problems:
            return _error("InvalidParameter", "; ".join(problems))
        try:
            created.append(flow_logs.create(given))
        except RequestRejected as error:
            refused.append((target, str(error)))
    items = "".join(f"<item>{flow_log}</item>" for flow_log in created)
    failed = "".join(
        f"<item><resourceId>{escape(target)}</resourceId><error><code>400</code>"
        f"<message>{escape(reason)}</message></error></item>"
        for target, reason in refused
    )
    ids = f"<flowLogIdSet>{items}</flowLogIdSet><unsuccessful>{failed}</unsuccessful>"
    return ec2._xml(200, "CreateFlowLogsResponse", ids)  # type: ignore[no-any-return]


def _properties(parameters: _Parameters) -> dict[str, Any]:
    """Convert the call's parameters into properties of the resource."""
    properties: dict[str, Any] = {name: parameters[name][0] for name in rules.TYPES if name in parameters}
    options = {
        name: parameters[f"DestinationOptions.{name}"][0]
        for name in rules.OPTIONS
        if f"DestinationOptions.{name}" in parameters
    }
    if options:
        # Unlike CloudFormation, the API does not require all of them.
        properties["DestinationOptions"] = {
            "FileFormat": "plain-text",
            "HiveCompatiblePartitions": "false",
            "PerHourPartition": "false",
        } | options
    tag_fields = list(_tag_fields(parameters))
    if tag_fields:
        properties["TagFieldSpecifications"] = tag_fields
    ec2._parse_tag_specs(parameters, "flow-log", "new")
    tags = ec2._tags.pop("new", None)
    return {**properties, **({"Tags": tags} if tags else {})}


def _tag_fields(parameters: _Parameters) -> Iterator[dict[str, Any]]:
    number = 1
    while f"TagFieldSpecification.{number}.ResourceType" in parameters:
        where = f"TagFieldSpecification.{number}"
        keys = ec2._parse_member_list(parameters, f"{where}.TagKey") or ec2._parse_member_list(
            parameters, f"{where}.TagKeys"
        )
        yield {"ResourceType": parameters[f"{where}.ResourceType"][0], "TagKeys": keys}
        number += 1


def _describe(parameters: _Parameters) -> _Answer:
    ids = ec2._parse_member_list(parameters, "FlowLogId")
    filters = ec2._parse_filters(parameters)
    unknown = [flow_log for flow_log in ids if flow_log not in ec2._flow_logs]
    if unknown:
        return _error("InvalidFlowLogId.NotFound", f"The flow log ID '{unknown[0]}' does not exist")
    selected = [record for record in ec2._flow_logs.values() if (not ids or record["FlowLogId"] in ids)]
    items = "".join(f"<item>{_item(record)}</item>" for record in selected if _matches(record, filters))
    return ec2._xml(200, "DescribeFlowLogsResponse", f"<flowLogSet>{items}</flowLogSet>")  # type: ignore[no-any-return]


def _matches(record: dict[str, Any], filters: dict[str, list[str]]) -> bool:
    of_record = all(record.get(_FILTERS[name]) in values for name, values in filters.items() if name in _FILTERS)
    return of_record and ec2._resource_matches_tag_filters(record["FlowLogId"], filters)


def _item(record: dict[str, Any]) -> str:
    text = "".join(_element(name, value) for name, value in record.items())
    return text + str(ec2._tag_set_xml(record["FlowLogId"]))


def _element(name: str, value: Any) -> str:
    tag = f"{name[0].lower()}{name[1:]}"
    if name == "TagFieldSpecifications":
        items = "".join(
            f"<item><resourceType>{each['ResourceType']}</resourceType><tagKeySet>"
            + "".join(f"<item>{escape(key)}</item>" for key in each["TagKeys"])
            + "</tagKeySet></item>"
            for each in value
        )
        return f"<tagFieldSpecificationSet>{items}</tagFieldSpecificationSet>"
    if isinstance(value, dict):
        return f"<{tag}>{''.join(_element(key, item) for key, item in value.items())}</{tag}>"
    return f"<{tag}>{escape(str(value).lower() if isinstance(value, bool) else str(value))}</{tag}>"


def _delete(parameters: _Parameters) -> _Answer:
    ids = ec2._parse_member_list(parameters, "FlowLogId")
    missing = [flow_log for flow_log in ids if not flow_logs.delete(flow_log)]
    failed = "".join(
        f"<item><resourceId>{escape(flow_log)}</resourceId><error><code>InvalidFlowLogId.NotFound</code>"
        f"<message>The flow log ID '{escape(flow_log)}' does not exist</message></error></item>"
        for flow_log in missing
    )
    return ec2._xml(200, "DeleteFlowLogsResponse", f"<unsuccessful>{failed}</unsuccessful>")  # type: ignore[no-any-return]


def _error(code: str, message: str) -> _Answer:
    return ec2._error(code, escape(message), 400)  # type: ignore[no-any-return]
