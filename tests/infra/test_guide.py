"""The simplest environment covers every step of the 2020 user guide, except for deliberate omissions.

The guide: "Ingesting AWS VPC Logs Into Databricks", User Guide 1.0.0.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from aws_cdk.assertions import Match, Template

from infra.iam import policies
from tests.infra.conftest import Synthesize
from tests.support.environment_files import HIVE, environment

_ACCOUNT = "111122223333"
_BUCKET = "arn:aws:s3:::flow-logs-bucket"
_LOGS = f"{_BUCKET}/AWSLogs/*"
_TOPICS = f"arn:aws:sns:us-east-1:{_ACCOUNT}:databricks-auto-ingest-*"
_QUEUES = f"arn:aws:sqs:us-east-1:{_ACCOUNT}:databricks-auto-ingest-*"


@pytest.fixture
def template(synthesized: Synthesize, tmp_path: Path) -> Template:
    return synthesized(environment(tmp_path))


def _granted(document: dict[str, Any]) -> set[tuple[str, str]]:
    """Return the pairs of action and resource that a document allows."""
    return {
        (action, resource)
        for statement in document["Statement"]
        if statement["Effect"] == "Allow"
        for action in statement["Action"]
        for resource in statement["Resource"]
    }


def _inline(template: Template, role: str, policy: str) -> dict[str, Any]:
    roles = template.find_resources("AWS::IAM::Role", {"Properties": {"RoleName": role}})
    (properties,) = (resource["Properties"] for resource in roles.values())
    documents = {inline["PolicyName"]: inline["PolicyDocument"] for inline in properties["Policies"]}
    document: dict[str, Any] = documents[policy]
    return document


def test_step_1_creates_a_flow_log_to_s3_in_the_default_format(template: Template) -> None:
    template.has_resource_properties(
        "AWS::EC2::FlowLog",
        {"LogDestinationType": "s3", "LogDestination": _BUCKET, "TrafficType": "ALL", "LogFormat": Match.absent()},
    )


def test_step_2_creates_an_ec2_role_with_an_instance_profile_and_read_access(template: Template) -> None:
    template.has_resource_properties(
        "AWS::IAM::Role",
        {
            "RoleName": "flow-log-reader",
            "AssumeRolePolicyDocument": {
                "Statement": [
                    {
                        "Sid": "ClusterInstances",
                        "Effect": "Allow",
                        "Principal": {"Service": ["ec2.amazonaws.com"]},
                        "Action": ["sts:AssumeRole"],
                    }
                ]
            },
        },
    )
    template.resource_count_is("AWS::IAM::InstanceProfile", 1)
    assert _granted(_inline(template, "flow-log-reader", "s3")) == {
        ("s3:ListBucket", _BUCKET),
        ("s3:GetBucketLocation", _BUCKET),
        ("s3:GetObject", _LOGS),
    }


def test_step_2_allows_writes_only_to_the_output_folders_of_the_job(synthesized: Synthesize, tmp_path: Path) -> None:
    # The guide grants s3:PutObject, s3:DeleteObject and s3:PutObjectAcl for its output in the same bucket.
    output = ('trigger = "continuous"', 'trigger = "continuous"\ndelta_output_path = "s3://flow-logs-bucket/tables/t"')
    granted = _granted(_inline(synthesized(environment(tmp_path, output, HIVE)), "flow-log-reader", "s3"))
    for action in ("s3:PutObject", "s3:GetObject", "s3:DeleteObject", "s3:PutObjectAcl"):
        assert (action, f"{_BUCKET}/tables/t/*") in granted
        assert (action == "s3:GetObject") == ((action, _LOGS) in granted)
        assert (action, f"{_BUCKET}/*") not in granted


def test_step_3_creates_a_bucket_policy_for_the_role(template: Template) -> None:
    (policy,) = template.find_resources("AWS::S3::BucketPolicy").values()
    document = policy["Properties"]["PolicyDocument"]
    role = f"arn:aws:iam::{_ACCOUNT}:role/flow-log-reader"
    readers = [s for s in document["Statement"] if s["Principal"] == {"AWS": [role]}]
    assert _granted({"Statement": readers}) == {
        ("s3:GetBucketLocation", _BUCKET),
        ("s3:ListBucket", _BUCKET),
        ("s3:GetObject", _LOGS),
    }


def test_steps_4_and_5_let_the_databricks_role_pass_the_role_and_keep_its_policies(template: Template) -> None:
    (policy,) = template.find_resources("AWS::IAM::Policy").values()
    assert policy["Properties"]["Roles"] == ["databricks-cross-account"]
    assert policy["Properties"]["PolicyDocument"]["Statement"] == [
        {
            "Sid": "PassFlowLogReader",
            "Effect": "Allow",
            "Action": ["iam:PassRole"],
            "Resource": [f"arn:aws:iam::{_ACCOUNT}:role/flow-log-reader"],
            "Condition": {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
        }
    ]
    # The guide replaces the role's whole policy. The stack does not contain the role itself.
    assert "databricks-cross-account" not in [
        role["Properties"]["RoleName"] for role in template.find_resources("AWS::IAM::Role").values()
    ]


def test_step_6_outputs_the_instance_profile_to_register(template: Template) -> None:
    template.has_output("InstanceProfileArn", {"Value": f"arn:aws:iam::{_ACCOUNT}:instance-profile/flow-log-reader"})


_SETUP = {
    _BUCKET: ["s3:GetBucketNotification", "s3:PutBucketNotification"],
    _TOPICS: [
        "sns:ListSubscriptionsByTopic",
        "sns:GetTopicAttributes",
        "sns:SetTopicAttributes",
        "sns:CreateTopic",
        "sns:TagResource",
        "sns:Publish",
        "sns:Subscribe",
    ],
    _QUEUES: [
        "sqs:CreateQueue",
        "sqs:DeleteMessage",
        "sqs:ReceiveMessage",
        "sqs:SendMessage",
        "sqs:GetQueueUrl",
        "sqs:GetQueueAttributes",
        "sqs:SetQueueAttributes",
        "sqs:TagQueue",
        "sqs:ChangeMessageVisibility",
    ],
}


def test_step_8_lets_auto_loader_set_up_list_and_tear_down(template: Template) -> None:
    granted = _granted(_inline(template, "flow-log-reader", "notifications"))
    setup = {(action, resource) for resource, actions in _SETUP.items() for action in actions}
    listing = {("sqs:ListQueues", "*"), ("sns:ListTopics", "*"), ("sqs:ListQueueTags", _QUEUES)}
    teardown = {("sns:DeleteTopic", _TOPICS), ("sqs:DeleteQueue", _QUEUES), ("sns:Unsubscribe", "*")}
    assert granted == setup | listing | teardown


def test_step_8_omits_actions_that_iam_does_not_know(tmp_path: Path) -> None:
    documents = str([policy.document for policy in policies.policies(environment(tmp_path))])
    assert "MessageBatch" not in documents
    assert "VisibilityBatch" not in documents
