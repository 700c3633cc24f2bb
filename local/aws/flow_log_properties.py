"""Validate ``AWS::EC2::FlowLog`` properties, with the error messages of CloudFormation's schema and of EC2.

Sources: the resource type's schema, and
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-flowlog.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

TYPES: dict[str, type] = {
    "DeliverCrossAccountRole": str,
    "DeliverLogsPermissionArn": str,
    "DestinationOptions": dict,
    "LogDestination": str,
    "LogDestinationType": str,
    "LogFormat": str,
    "LogGroupName": str,
    "MaxAggregationInterval": int,
    "ResourceId": str,
    "ResourceType": str,
    "TagFieldSpecifications": list,
    "Tags": list,
    "TrafficType": str,
}
"""The properties that a template can set."""

REQUIRED = ("ResourceType", "ResourceId")

CREATE_ONLY = tuple(name for name in TYPES if name != "Tags")
"""The properties that cannot be changed; a new value replaces the flow log."""

ENUMS: dict[str, tuple[str, ...]] = {
    "LogDestinationType": ("cloud-watch-logs", "kinesis-data-firehose", "s3"),
    "ResourceType": (
        *("NetworkInterface", "RegionalNatGateway", "Subnet"),
        *("TransitGateway", "TransitGatewayAttachment", "VPC"),
    ),
    "TrafficType": ("ACCEPT", "ALL", "REJECT"),
}

OPTIONS: dict[str, type] = {"FileFormat": str, "HiveCompatiblePartitions": bool, "PerHourPartition": bool}
"""The destination options. If there are any, all three are required."""

FILE_FORMATS = ("parquet", "plain-text")
TAGGED = ("auto-scaling-group", "instance", "network-interface")
_TAG_FIELDS = {"auto-scaling-group": "asg-tag", "instance": "instance-tag", "network-interface": "interface-tag"}
_PREFIXES = {
    "NetworkInterface": "eni-",
    "RegionalNatGateway": "nat-",
    "Subnet": "subnet-",
    "TransitGateway": "tgw-",
    "TransitGatewayAttachment": "tgw-attach-",
    "VPC": "vpc-",
}
_BUCKET = re.compile(r"arn:aws(?:-[a-z]+)*:s3:::(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(?P<prefix>.*))?")


def typed(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties with numbers and booleans converted from text, which templates may contain."""

    def value(name: str, given: Any) -> Any:
        if name == "MaxAggregationInterval" and isinstance(given, str) and given.isdigit():
            return int(given)
        if OPTIONS.get(name) is bool and given in ("true", "false"):
            return given == "true"
        if isinstance(given, dict):
            return {key: value(key, item) for key, item in given.items()}
        return given

    return {name: value(name, given) for name, given in properties.items()}


def schema_problems(properties: Mapping[str, Any]) -> list[str]:
    """Return the violations of the schema; empty if there are none."""
    problems = [f"#: required key [{name}] not found" for name in REQUIRED if name not in properties]
    problems += _unknown("#", properties, TYPES)
    for name, value in properties.items():
        problems += _value_problems(name, value)
    return problems


def _unknown(where: str, given: Mapping[str, Any], known: Mapping[str, Any]) -> list[str]:
    return [f"{where}: extraneous key [{name}] is not permitted" for name in given if name not in known]


def _value_problems(name: str, value: Any) -> Iterator[str]:
    kind = TYPES.get(name)
    if kind and (not isinstance(value, kind) or isinstance(value, bool)):
        yield f"#/{name}: expected type: {_kind(kind)}, found: {type(value).__name__}"
    elif name in ENUMS and value not in ENUMS[name]:
        yield f"#/{name}: {value} is not a valid enum value"
    elif name == "DestinationOptions":
        yield from _option_problems(value)
    elif name == "TagFieldSpecifications":
        yield from _tag_field_problems(value)
    elif name == "Tags":
        for place, tag in enumerate(value):
            if not isinstance(tag, dict) or set(tag) != {"Key", "Value"}:
                yield f"#/Tags/{place}: required keys are [Key, Value]"


def _kind(kind: type) -> str:
    return {str: "String", int: "Number", dict: "JSONObject", list: "JSONArray", bool: "Boolean"}[kind]


def _option_problems(options: Mapping[str, Any]) -> Iterator[str]:
    where = "#/DestinationOptions"
    yield from (f"{where}: required key [{name}] not found" for name in OPTIONS if name not in options)
    yield from _unknown(where, options, OPTIONS)
    for name, value in options.items():
        if name in OPTIONS and not isinstance(value, OPTIONS[name]):
            yield f"{where}/{name}: expected type: {_kind(OPTIONS[name])}, found: {type(value).__name__}"
        elif name == "FileFormat" and value not in FILE_FORMATS:
            yield f"{where}/{name}: {value} is not a valid enum value"


def _tag_field_problems(specifications: list[Any]) -> Iterator[str]:
    where = "#/TagFieldSpecifications"
    if not 1 <= len(specifications) <= 3:
        yield f"{where}: expected 1 to 3 items, found: {len(specifications)}"
    if any(specifications.count(each) > 1 for each in specifications):
        yield f"{where}: array items are not unique"
    for place, each in enumerate(specifications):
        if not isinstance(each, dict):
            yield f"{where}/{place}: expected type: JSONObject, found: {type(each).__name__}"
            continue
        known = ("ResourceType", "TagKeys")
        yield from (f"{where}/{place}: required key [{name}] not found" for name in known if name not in each)
        yield from _unknown(f"{where}/{place}", each, dict.fromkeys(known))
        if each.get("ResourceType", TAGGED[0]) not in TAGGED:
            yield f"{where}/{place}/ResourceType: {each['ResourceType']} is not a valid enum value"
        keys = each.get("TagKeys", ["a"])
        if not isinstance(keys, list) or not 1 <= len(keys) <= 2:
            yield f"{where}/{place}/TagKeys: expected 1 to 2 items"
        elif not all(isinstance(key, str) and 1 <= len(key) <= 128 for key in keys):
            yield f"{where}/{place}/TagKeys: expected strings of 1 to 128 characters"


def request_problem(properties: Mapping[str, Any]) -> str | None:
    """Return EC2's error for properties that the schema allows; None if EC2 accepts them."""
    kind, target = properties["ResourceType"], properties["ResourceId"]
    of_gateway = kind.startswith("TransitGateway")
    interval = properties.get("MaxAggregationInterval", 600)
    if not re.fullmatch(f"{_PREFIXES[kind]}(?:[0-9a-f]{{8}}|[0-9a-f]{{17}})", target):
        return f'Invalid id: "{target}" (expecting "{_PREFIXES[kind]}...")'
    if of_gateway and "TrafficType" in properties:
        return f"TrafficType is not applicable for {kind} resource type"
    if not of_gateway and "TrafficType" not in properties:
        return f"TrafficType is required for {kind} resource type"
    if interval not in (60, 600):
        return f"Invalid MaxAggregationInterval: {interval}. Valid values are 60 and 600"
    if of_gateway and interval != 60:
        return f"MaxAggregationInterval must be 60 for {kind} resource type"
    if "LogFormat" in properties and not fields_of(properties["LogFormat"]):
        return f"Invalid LogFormat: {properties['LogFormat']}"
    return _tag_field_refusal(properties) or _destination_problem(properties)


def _tag_field_refusal(properties: Mapping[str, Any]) -> str | None:
    """Return the error if a tag field has no tag key; None if all have one."""
    given = {each["ResourceType"]: len(each["TagKeys"]) for each in properties.get("TagFieldSpecifications", [])}
    fields = fields_of(properties.get("LogFormat", "")) or ()
    for kind, field in _TAG_FIELDS.items():
        needed = 2 if f"{field}-2" in fields else int(field in fields)
        if given.get(kind, 0) < needed:
            return f"LogFormat has {field}: TagFieldSpecifications needs {needed} TagKeys for {kind}"
    return None


def _destination_problem(properties: Mapping[str, Any]) -> str | None:
    if properties.get("LogDestinationType", "cloud-watch-logs") != "s3":
        return "DestinationOptions is only applicable for s3 delivery" if "DestinationOptions" in properties else None
    for name in ("DeliverLogsPermissionArn", "LogGroupName"):
        if name in properties:
            return f"{name} is not applicable for s3 delivery"
    given = properties.get("LogDestination", "")
    place = destination(given)
    if not place:
        return f"LogDestination: {given} is not a valid S3 bucket ARN"
    if "AWSLogs" in place[1].split("/"):
        return f"LogDestination: {given}: AWSLogs is a reserved term and cannot be a subfolder name"
    return None


def kind_of(target: str) -> str:
    """Return the ResourceType of a resource ID.

    >>> kind_of("tgw-attach-0123456789abcdef0"), kind_of("tgw-0123456789abcdef0")
    ('TransitGatewayAttachment', 'TransitGateway')
    """
    return max(
        (kind for kind in _PREFIXES if target.startswith(_PREFIXES[kind])), key=lambda kind: len(_PREFIXES[kind])
    )


def destination(arn: str) -> tuple[str, str] | None:
    """Return the bucket and the folder (empty for none) of a log destination; None if it is not a bucket ARN."""
    match = _BUCKET.fullmatch(arn)
    return (match["bucket"], (match["prefix"] or "").strip("/")) if match else None


def fields_of(log_format: str) -> tuple[str, ...] | None:
    """Return the fields of a log format such as ``${version} ${srcaddr}``; None if the format is invalid."""
    fields = re.findall(r"\$\{([a-z][a-z0-9-]*)\}", log_format)
    return tuple(fields) if fields and " ".join(f"${{{name}}}" for name in fields) == log_format else None
