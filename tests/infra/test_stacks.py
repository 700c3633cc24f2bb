"""The synthesized templates, by resource type and property. Logical IDs may change."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App
from aws_cdk.assertions import Match, Template

from infra.config import Environment, load
from infra.stacks import MainStack, build
from infra.workspace_spec import job_parameters
from tests.infra.conftest import Synthesize, flags
from tests.support.environment_files import EXISTING, FULL, NO_WORKSPACE, OFF, STACK, VARIANTS, environment
from vpc_flow_logs import __version__
from vpc_flow_logs.fields import DEFAULT_FORMAT
from vpc_flow_logs.parameters import problems_of

_BUCKET = "arn:aws:s3:::flow-logs-bucket"
_VPC = 'vpc = "vpc-0123456789abcdef0"'


def _resource(template: Template, kind: str) -> dict[str, Any]:
    (resource,) = template.find_resources(kind).values()
    return resource


def _after(template: Template, kind: str, other: str) -> bool:
    """Return whether every resource of a type waits for one of another type, directly or indirectly."""
    resources = template.to_json()["Resources"]

    def waits_for(logical_id: str) -> set[str]:
        direct = set(resources[logical_id].get("DependsOn", []))
        return direct.union(*(waits_for(name) for name in direct)) if direct else set()

    kinds = [
        {resources[name]["Type"] for name in waits_for(logical_id)} for logical_id in template.find_resources(kind)
    ]
    return bool(kinds) and all(other in earlier for earlier in kinds)


def test_a_new_bucket_is_private_encrypted_and_retained(synthesized: Synthesize, tmp_path: Path) -> None:
    template = synthesized(environment(tmp_path))
    template.has_resource(
        "AWS::S3::Bucket",
        {
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
            "Properties": {
                "BucketName": "flow-logs-bucket",
                "PublicAccessBlockConfiguration": {
                    "BlockPublicAcls": True,
                    "BlockPublicPolicy": True,
                    "IgnorePublicAcls": True,
                    "RestrictPublicBuckets": True,
                },
                "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
                "BucketEncryption": {
                    "ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
                },
                "LifecycleConfiguration": Match.absent(),
                "NotificationConfiguration": Match.absent(),
            },
        },
    )


def test_a_bucket_uses_the_given_key_and_expires_only_delivered_files(synthesized: Synthesize, tmp_path: Path) -> None:
    bucket = _resource(synthesized(environment(tmp_path, *FULL)), "AWS::S3::Bucket")["Properties"]
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule == {
        "BucketKeyEnabled": False,
        "ServerSideEncryptionByDefault": {
            "SSEAlgorithm": "aws:kms",
            "KMSMasterKeyID": "arn:aws:kms:us-east-1:111122223333:key/01234567-89ab-cdef-0123-456789abcdef",
        },
    }
    assert bucket["LifecycleConfiguration"]["Rules"] == [
        {"Id": "DeliveredFlowLogs", "Prefix": "net/AWSLogs/", "ExpirationInDays": 30, "Status": "Enabled"}
    ]


def test_flow_logs_wait_for_the_bucket_policy_which_waits_for_the_role(synthesized: Synthesize, tmp_path: Path) -> None:
    template = synthesized(environment(tmp_path))
    assert _after(template, "AWS::EC2::FlowLog", "AWS::S3::BucketPolicy")
    assert _after(template, "AWS::S3::BucketPolicy", "AWS::IAM::Role")
    assert _after(template, "AWS::S3::BucketPolicy", "AWS::S3::Bucket")
    assert _after(template, "AWS::IAM::Policy", "AWS::IAM::Role")


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (
            _VPC,
            {
                "ResourceType": "VPC",
                "ResourceId": "vpc-0123456789abcdef0",
                "TrafficType": "ALL",
                "LogDestinationType": "s3",
                "LogDestination": _BUCKET,
                "LogFormat": Match.absent(),
                "MaxAggregationInterval": 600,
                "DestinationOptions": {
                    "FileFormat": "plain-text",
                    "HiveCompatiblePartitions": False,
                    "PerHourPartition": False,
                },
                "TagFieldSpecifications": Match.absent(),
            },
        ),
        (
            'subnet = "subnet-01234567"\ntraffic = "REJECT"\naggregation_seconds = 60\ntags = { b = "2", a = "1" }',
            {
                "ResourceType": "Subnet",
                "TrafficType": "REJECT",
                "MaxAggregationInterval": 60,
                "Tags": Match.array_with([{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]),
            },
        ),
        (
            """network_interface = "eni-01234567"
fields = ["version", "instance-tag", "asg-tag"]
tag_keys = { instance = ["team"], asg = ["app"] }""",
            {
                "ResourceType": "NetworkInterface",
                "ResourceId": "eni-01234567",
                "LogFormat": "${version} ${instance-tag} ${asg-tag}",
                "TagFieldSpecifications": [
                    {"ResourceType": "instance", "TagKeys": ["team"]},
                    {"ResourceType": "auto-scaling-group", "TagKeys": ["app"]},
                ],
            },
        ),
        (
            """transit_gateway = "tgw-01234567"
file_format = "parquet"
hive_partitions = true
hourly_partitions = true""",
            {
                "ResourceType": "TransitGateway",
                "TrafficType": Match.absent(),
                "MaxAggregationInterval": 60,
                "DestinationOptions": {
                    "FileFormat": "parquet",
                    "HiveCompatiblePartitions": True,
                    "PerHourPartition": True,
                },
            },
        ),
    ],
    ids=["vpc", "subnet", "interface with tags", "transit gateway"],
)
def test_a_flow_log_has_the_properties_of_the_environment_file(
    table: str, expected: dict[str, Any], synthesized: Synthesize, tmp_path: Path
) -> None:
    synthesized(environment(tmp_path, (_VPC, table))).has_resource_properties("AWS::EC2::FlowLog", expected)


def test_flow_logs_deliver_to_the_prefix(synthesized: Synthesize, tmp_path: Path) -> None:
    prefixed = environment(tmp_path, ('"flow-logs-bucket"', '"flow-logs-bucket"\nprefix = "a/b/"'))
    synthesized(prefixed).has_resource_properties("AWS::EC2::FlowLog", {"LogDestination": f"{_BUCKET}/a/b/"})


def _ids(stack: MainStack) -> list[str]:
    return list(Template.from_stack(stack).find_resources("AWS::EC2::FlowLog"))


def test_only_a_changed_setting_replaces_a_flow_log_not_its_order_or_tags(
    built: Callable[..., MainStack], tmp_path: Path
) -> None:
    second = '[[flow_logs]]\nsubnet = "subnet-01234567"\n'
    first = f"[[flow_logs]]\n{_VPC}\n"
    original = _ids(built(environment(tmp_path, (first, first + second))))
    reordered = _ids(built(environment(tmp_path, (first, second + first))))
    tagged = _ids(built(environment(tmp_path, (first, f'{first}tags = {{ a = "b" }}\n{second}'))))
    changed = _ids(built(environment(tmp_path, (first, f"{first}aggregation_seconds = 60\n{second}"))))
    assert sorted(original) == sorted(reordered) == sorted(tagged)
    assert len(set(original) & set(changed)) == 1


def test_explicit_default_settings_keep_the_same_flow_log(built: Callable[..., MainStack], tmp_path: Path) -> None:
    """CloudFormation creates a replacement first, and AWS rejects a flow log that is identical to an existing one."""
    spelled = ", ".join(f'"{name}"' for name in DEFAULT_FORMAT)
    assert _ids(built(environment(tmp_path))) == _ids(
        built(
            environment(tmp_path, (_VPC, f'{_VPC}\nfields = [{spelled}]\ntraffic = "ALL"\naggregation_seconds = 600'))
        )
    )


def test_the_reader_role_and_its_instance_profile_share_one_name(synthesized: Synthesize, tmp_path: Path) -> None:
    template = synthesized(environment(tmp_path))
    template.has_resource_properties("AWS::IAM::InstanceProfile", {"InstanceProfileName": "flow-log-reader"})
    template.has_resource_properties("AWS::IAM::Role", {"RoleName": "flow-log-reader"})


@pytest.mark.parametrize(
    ("changes", "purposes"),
    [([], ["s3", "notifications"]), ([OFF], ["s3"]), (FULL, ["s3", "notifications", "kms"])],
    ids=["simple", "off", "full"],
)
def test_the_reader_role_has_one_policy_per_purpose(
    changes: list[tuple[str, str]], purposes: list[str], synthesized: Synthesize, tmp_path: Path
) -> None:
    roles = synthesized(environment(tmp_path, *changes)).find_resources("AWS::IAM::Role").values()
    reader = next(role["Properties"] for role in roles if role["Properties"]["RoleName"] == "flow-log-reader")
    assert [policy["PolicyName"] for policy in reader["Policies"]] == purposes


def test_pass_role_is_a_separate_policy_on_the_cross_account_role(synthesized: Synthesize, tmp_path: Path) -> None:
    path = ("role/databricks-cross-account", "role/databricks/databricks-cross-account")
    policy = _resource(synthesized(environment(tmp_path, path)), "AWS::IAM::Policy")["Properties"]
    assert policy["Roles"] == ["databricks-cross-account"]
    assert policy["PolicyName"] == "pass-flow-log-reader"


def test_stack_notifications_create_a_topic_and_a_queue(synthesized: Synthesize, tmp_path: Path) -> None:
    template = synthesized(environment(tmp_path, STACK))
    template.has_resource_properties("AWS::SNS::Topic", {"KmsMasterKeyId": Match.absent()})
    template.has_resource_properties(
        "AWS::SQS::Queue",
        {
            "QueueName": "vpc-flow-logs-test",
            "MessageRetentionPeriod": 1209600,
            "SqsManagedSseEnabled": True,
            "RedrivePolicy": {"maxReceiveCount": 100},
        },
    )
    template.has_resource_properties(
        "AWS::SNS::Subscription", {"Protocol": "sqs", "RawMessageDelivery": Match.absent()}
    )
    # As a property of the bucket, the notification would remain with the retained bucket, and S3 would reject the next.
    template.has_resource_properties("AWS::S3::Bucket", {"NotificationConfiguration": Match.absent()})
    template.has_resource_properties(
        "Custom::BucketNotification", {"BucketName": "flow-logs-bucket", "Prefix": "AWSLogs/"}
    )
    for kind in (
        "AWS::S3::BucketPolicy", "AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy", "AWS::SNS::Subscription",
    ):  # fmt: skip
        assert _after(template, "Custom::BucketNotification", kind)
    # The job starts after the notification is in place, so no file falls between its first listing and the first event.
    assert _after(template, "Custom::DatabricksIngestion", "Custom::BucketNotification")


@pytest.mark.parametrize(
    ("prefix", "filtered"),
    [
        ("team=net/logs+x@y", "team%3Dnet/logs%2Bx%40y/AWSLogs/"),
        ("a-b_c.d!e'(f)/g", "a-b_c.d!e'(f)/g/AWSLogs/"),
    ],
)
def test_a_notification_filters_on_the_percent_encoded_prefix(
    prefix: str, filtered: str, built: Callable[[Environment], MainStack], tmp_path: Path
) -> None:
    """S3 compares the filter with the percent-encoded key: https://github.com/aws/aws-cdk/pull/28012"""
    place = ('"flow-logs-bucket"', f'"flow-logs-bucket"\nprefix = "{prefix}"')
    new_bucket = Template.from_stack(built(environment(tmp_path, place, STACK)))
    assert _resource(new_bucket, "Custom::BucketNotification")["Properties"]["Prefix"] == filtered
    existing = (place[0], f"{place[1]}\nexisting = true")
    existing_bucket = Template.from_stack(built(environment(tmp_path, existing, STACK)))
    assert _resource(existing_bucket, "Custom::BucketNotification")["Properties"]["Prefix"] == filtered
    # Keys and policies use the prefix without encoding.
    assert f"{prefix}/AWSLogs/" in str(_resource(new_bucket, "AWS::S3::BucketPolicy"))


def test_topic_and_queue_use_the_given_key(synthesized: Synthesize, tmp_path: Path) -> None:
    template = synthesized(environment(tmp_path, *FULL))
    key = "arn:aws:kms:us-east-1:111122223333:key/01234567-89ab-cdef-0123-456789abcdef"
    template.all_resources_properties("AWS::SNS::Topic", {"KmsMasterKeyId": key})
    template.all_resources_properties(
        "AWS::SQS::Queue", {"KmsMasterKeyId": key, "SqsManagedSseEnabled": Match.absent()}
    )


@pytest.mark.parametrize("changes", [[], [OFF]], ids=["auto-loader", "off"])
def test_other_notification_modes_create_no_topic_and_no_queue(
    changes: list[tuple[str, str]], synthesized: Synthesize, tmp_path: Path
) -> None:
    template = synthesized(environment(tmp_path, *changes))
    for kind in ("AWS::SNS::Topic", "AWS::SQS::Queue", "AWS::SNS::Subscription"):
        template.resource_count_is(kind, 0)


def test_an_existing_bucket_is_not_changed_and_an_output_names_the_policy_to_add(
    synthesized: Synthesize, tmp_path: Path
) -> None:
    template = synthesized(environment(tmp_path, EXISTING))
    template.resource_count_is("AWS::S3::Bucket", 0)
    template.resource_count_is("AWS::S3::BucketPolicy", 0)
    (output,) = template.find_outputs("AddToBucketPolicy").values()
    assert "review/test/log-bucket-policy.json" in output["Value"]


@pytest.mark.parametrize("changes", [[STACK], [EXISTING, STACK]], ids=["new", "existing"])
def test_the_notification_function_has_s3_access_only_to_the_log_bucket(
    changes: list[tuple[str, str]], synthesized: Synthesize, tmp_path: Path
) -> None:
    template = synthesized(environment(tmp_path, *changes))
    template.has_resource_properties("Custom::BucketNotification", {"BucketName": "flow-logs-bucket"})
    roles = [role["Properties"] for role in template.find_resources("AWS::IAM::Role").values()]
    assert {"flow-log-reader", "vpc-flow-logs-test-notification"} < {role.get("RoleName") for role in roles}
    assert all("RoleName" in role and "ManagedPolicyArns" not in role for role in roles)
    (role,) = (role for role in roles if role["RoleName"] == "vpc-flow-logs-test-notification")
    (policy,) = role["Policies"]
    statements = policy["PolicyDocument"]["Statement"]
    resources = [statement["Resource"] for statement in statements if "s3:" in str(statement["Action"])]
    assert resources == [["arn:aws:s3:::flow-logs-bucket"]]


def test_the_notification_function_logs_to_the_group_that_its_role_can_write(
    synthesized: Synthesize, tmp_path: Path
) -> None:
    template = synthesized(environment(tmp_path, STACK))
    (group,) = template.find_resources(
        "AWS::Logs::LogGroup", {"Properties": {"LogGroupName": "/aws/lambda/vpc-flow-logs-test-notification"}}
    )
    template.has_resource_properties(
        "AWS::Lambda::Function",
        {"FunctionName": "vpc-flow-logs-test-notification", "LoggingConfig": {"LogGroup": {"Ref": group}}},
    )
    (role,) = (
        role["Properties"]
        for role in template.find_resources("AWS::IAM::Role").values()
        if role["Properties"]["RoleName"] == "vpc-flow-logs-test-notification"
    )
    assert "log-group:/aws/lambda/vpc-flow-logs-test-notification:*" in json.dumps(role["Policies"])


# Resource type, property, and the maximum length that AWS accepts.
_LIMITS = [
    ("AWS::IAM::Role", "RoleName", 64),
    ("AWS::IAM::InstanceProfile", "InstanceProfileName", 128),
    ("AWS::IAM::Policy", "PolicyName", 128),
    ("AWS::Lambda::Function", "FunctionName", 64),
    ("AWS::StepFunctions::StateMachine", "StateMachineName", 80),
    ("AWS::SNS::Topic", "TopicName", 256),
    ("AWS::SQS::Queue", "QueueName", 80),
]


@pytest.mark.parametrize("changes", [[], [STACK], [EXISTING, STACK]], ids=["auto-loader", "stack", "existing-stack"])
def test_the_longest_valid_settings_stay_within_the_name_limits_of_aws(
    changes: list[tuple[str, str]], built: Callable[..., MainStack], tmp_path: Path
) -> None:
    longest = ('"flow-log-reader"', f'"{"r" * 64}"')
    stack = built(environment(tmp_path, *changes, longest, name="e" * 30))
    resources = Template.from_stack(stack).to_json()["Resources"].values()
    named = [
        (kind, resource["Properties"][key], limit)
        for kind, key, limit in _LIMITS
        for resource in resources
        if resource["Type"] == kind and isinstance(resource["Properties"].get(key), str)
    ]
    assert named
    assert [(kind, name) for kind, name, limit in named if len(name) > limit] == []
    assert len(f"{stack.stack_name}-999988887777-ap-southeast-3") <= 128


def test_an_output_names_the_policy_to_add_to_a_given_key(synthesized: Synthesize, tmp_path: Path) -> None:
    (output,) = synthesized(environment(tmp_path, *FULL)).find_outputs("AddToKeyPolicy").values()
    assert "review/test/kms-key-policy.json" in output["Value"]


def test_without_a_workspace_an_output_lists_what_to_register(synthesized: Synthesize, tmp_path: Path) -> None:
    template = synthesized(environment(tmp_path, NO_WORKSPACE))
    (output,) = template.find_outputs("RegisterByHand").values()
    assert "arn:aws:iam::111122223333:instance-profile/flow-log-reader" in output["Value"]
    assert "--vpc-logs-path=s3://flow-logs-bucket/AWSLogs/111122223333/vpcflowlogs/us-east-1/*" in output["Value"]
    assert "entry point maintain, on the schedule 0 0 3 * * ? (UTC)" in output["Value"]
    assert len(template.find_resources("AWS::IAM::Role")) == 1


def test_the_outputs_name_the_resources_and_the_version(synthesized: Synthesize, tmp_path: Path) -> None:
    outputs = synthesized(environment(tmp_path)).to_json()["Outputs"]
    from_workspace = {"JobId", "JobUrl", "MaintenanceJobId", "MaintenanceJobUrl", "Table"}
    assert set(outputs) > from_workspace
    assert {key: output["Value"] for key, output in outputs.items() if key not in from_workspace} == {
        "BucketName": "flow-logs-bucket",
        "ReaderRoleArn": "arn:aws:iam::111122223333:role/flow-log-reader",
        "InstanceProfileArn": "arn:aws:iam::111122223333:instance-profile/flow-log-reader",
        "Version": __version__,
    }


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_job_accepts_its_parameters(variant: str, tmp_path: Path) -> None:
    queue = "https://sqs.us-east-1.amazonaws.com/111122223333/vpc-flow-logs-test" if "stack" in variant else None
    queue = queue if variant != "full" else "https://sqs.us-east-1.amazonaws.com/111122223333/vpc-flow-logs-test"
    assert problems_of(job_parameters(environment(tmp_path, *VARIANTS[variant]), queue_url=queue)) == {}


def test_each_additional_account_and_region_has_a_stack_that_depends_on_the_main_one(tmp_path: Path) -> None:
    app = App(context=flags(), outdir=str(tmp_path / "out"))
    build(app, load("production"))
    stacks = {stack.stack_name: stack for stack in app.synth().stacks}
    main = "vpc-flow-logs-production"
    assert {name: (stack.environment.account, stack.environment.region) for name, stack in stacks.items()} == {
        main: ("444455556666", "eu-central-1"),
        f"{main}-777788889999-eu-central-1": ("777788889999", "eu-central-1"),
        f"{main}-777788889999-eu-west-1": ("777788889999", "eu-west-1"),
    }
    for name, stack in stacks.items():
        logs = [r for r in stack.template["Resources"].values() if r["Type"] == "AWS::EC2::FlowLog"]
        assert len(logs) == (3 if name == main else 1)
        assert all(log["Properties"]["LogDestination"].endswith("-flow-logs/network/") for log in logs)
        if name != main:
            assert main in [dependency.id for dependency in stack.dependencies]


def test_a_template_has_no_parameters_or_imports_except_for_bootstrap(synthesized: Synthesize, tmp_path: Path) -> None:
    template = synthesized(environment(tmp_path, *FULL)).to_json()
    assert set(template.get("Parameters", {})) <= {"BootstrapVersion"}
    assert "Fn::ImportValue" not in json.dumps(template)
