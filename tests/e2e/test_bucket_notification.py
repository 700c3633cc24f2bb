"""The function that sets the bucket's notification, on an S3 that validates destinations and rejects overlaps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from infra.resources.bucket_notification import CODE
from infra.resources.inline import bucket_notification
from tests.support.ministack import Emulator, running

BUCKET = "flow-logs-bucket"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with running(tmp_path_factory.mktemp("aws"), tls=False) as emulator:
        emulator.client("s3").create_bucket(Bucket=BUCKET)
        yield emulator


@pytest.fixture(scope="module")
def topic(stage: Emulator) -> str:
    """Return the ARN of the stack's topic, to which S3 may publish."""
    arn = str(stage.client("sns").create_topic(Name="vpc-flow-logs-test")["TopicArn"])
    statement = {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sns:Publish"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{**statement, "Resource": arn}]})
    stage.client("sns").set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=policy)
    return arn


def entry(topic: str, prefix: str) -> dict[str, Any]:
    key_filter = {"Key": {"FilterRules": [{"Name": "prefix", "Value": prefix}]}}
    return {
        "Id": topic.rsplit(":", 1)[-1],
        "TopicArn": topic,
        "Events": ["s3:ObjectCreated:*"],
        "Filter": key_filter,
    }


def notifications(stage: Emulator) -> dict[str, Any]:
    configuration = stage.client("s3").get_bucket_notification_configuration(Bucket=BUCKET)
    return {key: value for key, value in configuration.items() if key != "ResponseMetadata"}


def set_notifications(stage: Emulator, *entries: dict[str, Any]) -> None:
    stage.client("s3").put_bucket_notification_configuration(
        Bucket=BUCKET, NotificationConfiguration={"TopicConfigurations": [*entries]}, SkipDestinationValidation=True
    )


OTHER = entry("arn:aws:sns:us-east-1:111122223333:gone", "reports/")


def test_the_code_fits_into_an_inline_lambda_function() -> None:
    assert len(CODE.read_text()) <= 4096


def test_other_notifications_are_kept_even_when_their_destination_is_gone(stage: Emulator, topic: str) -> None:
    s3 = stage.client("s3")
    set_notifications(stage, OTHER)
    for _ in range(2):
        bucket_notification.add(s3, BUCKET, topic, "AWSLogs/")
        assert notifications(stage) == {"TopicConfigurations": [OTHER, entry(topic, "AWSLogs/")]}
    for _ in range(2):
        bucket_notification.remove(s3, BUCKET, topic)
        assert notifications(stage) == {"TopicConfigurations": [OTHER]}


def test_a_notification_to_an_earlier_topic_of_the_same_name_is_replaced(stage: Emulator, topic: str) -> None:
    set_notifications(stage, {**entry(topic, "AWSLogs/"), "Id": "left behind"})
    bucket_notification.add(stage.client("s3"), BUCKET, topic, "network/AWSLogs/")
    assert notifications(stage) == {"TopicConfigurations": [entry(topic, "network/AWSLogs/")]}


def test_a_topic_that_rejects_events_fails_the_deploy(stage: Emulator) -> None:
    set_notifications(stage)
    missing_topic = "arn:aws:sns:us-east-1:111122223333:never-made"
    with pytest.raises(Exception, match="Unable to validate the following destination configurations"):
        bucket_notification.add(stage.client("s3"), BUCKET, missing_topic, "AWSLogs/")
    assert notifications(stage) == {}


def test_an_overlapping_notification_is_reported_with_the_next_step(stage: Emulator, topic: str) -> None:
    existing = entry("arn:aws:sns:us-east-1:111122223333:gone", "AWSLogs/111122223333/")
    set_notifications(stage, existing)
    with pytest.raises(Exception, match="already sends events for new files below AWSLogs/") as raised:
        bucket_notification.add(stage.client("s3"), BUCKET, topic, "AWSLogs/")
    assert existing["TopicArn"] in str(raised.value)
    assert 'set job.notifications = "off"' in str(raised.value)
    assert notifications(stage) == {"TopicConfigurations": [existing]}


def test_removing_the_notification_of_a_deleted_bucket_succeeds(stage: Emulator, topic: str) -> None:
    bucket_notification.remove(stage.client("s3"), "no-such-bucket", topic)
