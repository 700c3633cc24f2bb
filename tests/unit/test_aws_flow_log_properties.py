"""Properties of a flow log: the rules match AWS's schema, and each problem names the invalid value."""

from __future__ import annotations

from typing import Any

import pytest
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from local.aws import flow_log_properties as rules

SCHEMA = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", "AWS::EC2::FlowLog").schema
VPC: dict[str, Any] = {
    "ResourceType": "VPC",
    "ResourceId": "vpc-0123456789abcdef0",
    "TrafficType": "ALL",
    "LogDestinationType": "s3",
    "LogDestination": "arn:aws:s3:::flow-logs-bucket/net/",
}
GATEWAY: dict[str, Any] = {
    **{name: value for name, value in VPC.items() if name != "TrafficType"},
    "ResourceType": "TransitGateway",
    "ResourceId": "tgw-0123456789abcdef0",
    "MaxAggregationInterval": 60,
}
OPTIONS = {"FileFormat": "parquet", "HiveCompatiblePartitions": True, "PerHourPartition": False}


def test_the_rules_match_the_schema() -> None:
    schema_properties = SCHEMA["properties"]
    assert sorted(rules.TYPES) == sorted(set(schema_properties) - {"Id"})
    assert sorted(rules.REQUIRED) == sorted(SCHEMA["required"])
    assert sorted(f"/properties/{name}" for name in rules.CREATE_ONLY) == sorted(SCHEMA["createOnlyProperties"])
    enums = {name: set(rule["enum"]) for name, rule in schema_properties.items() if "enum" in rule}
    assert {name: set(values) for name, values in rules.ENUMS.items()} == enums
    names = {str: "string", int: "integer", dict: "object", list: "array", bool: "boolean"}
    assert {name: names[kind] for name, kind in rules.TYPES.items()} == {
        name: rule["type"] for name, rule in schema_properties.items() if name != "Id"
    }
    options = schema_properties["DestinationOptions"]
    assert {name: names[kind] for name, kind in rules.OPTIONS.items()} == {
        name: rule["type"] for name, rule in options["properties"].items()
    }
    assert sorted(options["required"]) == sorted(rules.OPTIONS)
    assert sorted(options["properties"]["FileFormat"]["enum"]) == sorted(rules.FILE_FORMATS)
    tag_field = SCHEMA["definitions"]["TagFieldSpecification"]
    assert sorted(tag_field["properties"]["ResourceType"]["enum"]) == sorted(rules.TAGGED)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"ResourceId": None}, "#: required key [ResourceId] not found"),
        ({"Format": "x"}, "#: extraneous key [Format] is not permitted"),
        ({"TrafficType": "SOME"}, "#/TrafficType: SOME is not a valid enum value"),
        ({"ResourceType": "Vpc"}, "#/ResourceType: Vpc is not a valid enum value"),
        ({"LogFormat": ["version"]}, "#/LogFormat: expected type: String, found: list"),
        ({"MaxAggregationInterval": "often"}, "#/MaxAggregationInterval: expected type: Number, found: str"),
        ({"DestinationOptions": "parquet"}, "#/DestinationOptions: expected type: JSONObject, found: str"),
        (
            {"DestinationOptions": {"FileFormat": "csv"}},
            "#/DestinationOptions/FileFormat: csv is not a valid enum value",
        ),
        (
            {"DestinationOptions": {"FileFormat": "parquet"}},
            "#/DestinationOptions: required key [PerHourPartition] not found",
        ),
        ({"DestinationOptions": {**OPTIONS, "x": 1}}, "#/DestinationOptions: extraneous key [x] is not permitted"),
        ({"TagFieldSpecifications": []}, "#/TagFieldSpecifications: expected 1 to 3 items, found: 0"),
        (
            {"TagFieldSpecifications": [{"ResourceType": "vpc", "TagKeys": ["a"]}]},
            "#/TagFieldSpecifications/0/ResourceType: vpc is not a valid enum value",
        ),
        (
            {"TagFieldSpecifications": [{"ResourceType": "instance", "TagKeys": ["a", "b", "c"]}]},
            "#/TagFieldSpecifications/0/TagKeys: expected 1 to 2 items",
        ),
        ({"Tags": [{"Key": "a"}]}, "#/Tags/0: required keys are [Key, Value]"),
    ],
)
def test_a_schema_problem_names_the_invalid_value(changes: dict[str, Any], problem: str) -> None:
    properties = {name: value for name, value in {**VPC, **changes}.items() if value is not None}
    assert problem in rules.schema_problems(rules.typed(properties))


@pytest.mark.parametrize(
    "properties", [VPC, GATEWAY, {**VPC, "DestinationOptions": OPTIONS, "Tags": [{"Key": "a", "Value": ""}]}]
)
def test_valid_properties_have_no_problem(properties: dict[str, Any]) -> None:
    assert rules.schema_problems(properties) == []
    assert rules.request_problem(properties) is None


def test_numbers_and_booleans_are_accepted_as_text() -> None:
    text_options = {"FileFormat": "parquet", "HiveCompatiblePartitions": "true", "PerHourPartition": "false"}
    properties = {**VPC, "MaxAggregationInterval": "60", "DestinationOptions": text_options}
    assert rules.typed(properties) == {**VPC, "MaxAggregationInterval": 60, "DestinationOptions": OPTIONS}


@pytest.mark.parametrize(
    ("properties", "problem"),
    [
        ({**VPC, "ResourceId": "subnet-0123456789abcdef0"}, 'Invalid id: "subnet-0123456789abcdef0"'),
        ({name: value for name, value in VPC.items() if name != "TrafficType"}, "TrafficType is required for VPC"),
        ({**GATEWAY, "TrafficType": "ALL"}, "TrafficType is not applicable for TransitGateway"),
        ({**GATEWAY, "MaxAggregationInterval": 600}, "must be 60 for TransitGateway"),
        ({name: value for name, value in GATEWAY.items() if name != "MaxAggregationInterval"}, "must be 60"),
        ({**VPC, "MaxAggregationInterval": 300}, "Invalid MaxAggregationInterval: 300"),
        ({**VPC, "LogFormat": "version srcaddr"}, "Invalid LogFormat: version srcaddr"),
        ({**VPC, "LogFormat": "${version}${srcaddr}"}, "Invalid LogFormat"),
        ({**VPC, "LogFormat": "${srcaddr} ${instance-tag}"}, "TagFieldSpecifications needs 1 TagKeys for instance"),
        (
            {
                **VPC,
                "LogFormat": "${srcaddr} ${asg-tag-2}",
                "TagFieldSpecifications": [{"ResourceType": "auto-scaling-group", "TagKeys": ["team"]}],
            },
            "TagFieldSpecifications needs 2 TagKeys for auto-scaling-group",
        ),
        ({**VPC, "DeliverLogsPermissionArn": "arn:aws:iam::111122223333:role/x"}, "is not applicable for s3 delivery"),
        ({**VPC, "LogDestination": "flow-logs-bucket"}, "flow-logs-bucket is not a valid S3 bucket ARN"),
        ({**VPC, "LogDestination": "arn:aws:s3:::flow-logs-bucket/AWSLogs/"}, "AWSLogs is a reserved term"),
    ],
)
def test_ec2_rejects_invalid_properties_that_the_schema_allows(properties: dict[str, Any], problem: str) -> None:
    assert rules.schema_problems(properties) == []
    assert problem in str(rules.request_problem(properties))


def test_a_destination_is_split_into_bucket_and_folder() -> None:
    assert rules.destination("arn:aws:s3:::flow-logs-bucket") == ("flow-logs-bucket", "")
    assert rules.destination("arn:aws-us-gov:s3:::flow-logs-bucket/a/b/") == ("flow-logs-bucket", "a/b")
    assert rules.destination("arn:aws:logs:us-east-1:111122223333:log-group:x") is None
