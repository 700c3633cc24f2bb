"""Permissions for which MiniStack alone does not respond as AWS does."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.aws import Credentials, Emulator, Refused, running
from local.aws.emulator import PRIVATE, opener

pytestmark = pytest.mark.slow

ACCOUNT = "111122223333"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with running(tmp_path_factory.mktemp("aws"), account=ACCOUNT) as emulator:
        yield emulator


_TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def test_an_instance_has_only_the_permissions_of_its_role(stage: Emulator) -> None:
    iam = stage.client("iam")
    iam.create_role(RoleName="runner", AssumeRolePolicyDocument=json.dumps(_TRUST))
    statement = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName="runner", PolicyName="p", PolicyDocument=policy)
    profile = iam.create_instance_profile(InstanceProfileName="runner-profile")["InstanceProfile"]
    with pytest.raises(Refused, match="has no role"):
        stage.instance_credentials("runner-profile")
    iam.add_role_to_instance_profile(InstanceProfileName="runner-profile", RoleName="runner")

    credentials = stage.instance_credentials(profile["Arn"])
    caller = stage.client("sts", credentials).get_caller_identity()["Arn"]
    assert caller.startswith(f"arn:aws:sts::{ACCOUNT}:assumed-role/runner/i-")
    assert "Buckets" in stage.client("s3", credentials).list_buckets()
    with pytest.raises(ClientError, match="AccessDenied"):
        stage.client("s3", credentials).create_bucket(Bucket="not-mine")

    for rejected in (replace(credentials, secret="wrong"), replace(credentials, token=None)):
        with pytest.raises(ClientError, match=r"SignatureDoesNotMatch|InvalidToken|InvalidAccessKeyId"):
            stage.client("s3", rejected).list_buckets()

    with pytest.raises(Refused, match="cannot be found"):
        stage.instance_credentials("no-such-profile")
    lambda_trust = json.dumps(_TRUST).replace("ec2", "lambda")
    iam.update_assume_role_policy(RoleName="runner", PolicyDocument=lambda_trust)
    with pytest.raises(Refused, match="does not trust ec2"):
        stage.instance_credentials("runner-profile")


def runner(stage: Emulator, name: str, *statements: dict[str, Any]) -> Credentials:
    """Create a role with these statements and its instance profile; return an instance's credentials."""
    iam = stage.client("iam")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(_TRUST))
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy)
    iam.create_instance_profile(InstanceProfileName=name)
    iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
    return stage.instance_credentials(name)


def test_batch_and_tag_requests_need_the_actions_that_aws_checks(stage: Emulator) -> None:
    url = stage.client("sqs").create_queue(QueueName="batches")["QueueUrl"]
    topic = stage.client("sns").create_topic(Name="tagged")["TopicArn"]
    entries = [{"Id": "1", "MessageBody": "x"}]
    actions = ["sqs:SendMessage", "sns:TagResource", "sns:ListTagsForResource"]
    allowed = {"Effect": "Allow", "Action": actions, "Resource": [topic, f"arn:aws:sqs:us-east-1:{ACCOUNT}:batches"]}
    permitted = runner(stage, "may-send", allowed)
    assert stage.client("sqs", permitted).send_message_batch(QueueUrl=url, Entries=entries)["Successful"]
    stage.client("sns", permitted).tag_resource(ResourceArn=topic, Tags=[{"Key": "a", "Value": "b"}])
    assert stage.client("sns", permitted).list_tags_for_resource(ResourceArn=topic)["Tags"] == [
        {"Key": "a", "Value": "b"}
    ]

    denied = runner(stage, "may-not-send", {**allowed, "Action": ["sqs:SendMessageBatch", "sns:GetTopicAttributes"]})
    with pytest.raises(ClientError, match="AccessDenied"):
        stage.client("sqs", denied).send_message_batch(QueueUrl=url, Entries=entries)
    with pytest.raises(ClientError, match="AuthorizationError"):
        stage.client("sns", denied).tag_resource(ResourceArn=topic, Tags=[{"Key": "a", "Value": "b"}])


@pytest.mark.parametrize(
    ("first", "second", "error"),
    [
        ({}, {}, "Configurations overlap"),
        ({"prefix": "AWSLogs/"}, {"prefix": "AWSLogs/1/"}, "Configuration is ambiguously defined"),
        ({"prefix": "AWSLogs/"}, {}, "Configuration is ambiguously defined"),
        ({"prefix": "team=net/"}, {"prefix": "team%3Dnet/AWSLogs/"}, "Configuration is ambiguously defined"),
        ({"prefix": "AWSLogs/"}, {"prefix": "other/"}, None),
        ({"suffix": ".gz"}, {"suffix": ".parquet"}, None),
    ],
)
def test_overlapping_notifications_are_rejected(
    first: dict[str, str], second: dict[str, str], error: str | None, stage: Emulator
) -> None:
    s3 = stage.client("s3")
    with suppress(ClientError):
        s3.create_bucket(Bucket="notified")
    topic = stage.client("sns").create_topic(Name="notified")["TopicArn"]

    def configuration(rules: dict[str, str]) -> dict[str, Any]:
        filters = [{"Name": name, "Value": value} for name, value in rules.items()]
        return {
            "TopicArn": topic,
            "Events": ["s3:ObjectCreated:*"],
            **({"Filter": {"Key": {"FilterRules": filters}}} if filters else {}),
        }

    both = {"TopicConfigurations": [configuration(first), configuration(second)]}
    if error:
        with pytest.raises(ClientError, match=error):
            s3.put_bucket_notification_configuration(Bucket="notified", NotificationConfiguration=both)
    else:
        s3.put_bucket_notification_configuration(Bucket="notified", NotificationConfiguration=both)


def test_the_emulators_private_requests_need_its_own_token(stage: Emulator) -> None:
    request = urllib.request.Request(f"{stage.url}{PRIVATE}places", data=b"", headers={"Authorization": "Bearer x"})
    with pytest.raises(urllib.error.HTTPError, match="403"):
        opener(stage.certificate).open(request, timeout=10)
