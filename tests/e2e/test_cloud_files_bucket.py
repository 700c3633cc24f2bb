"""Streams over a bucket with the stack's reader role: by listing, by Auto Loader's notifications, by a given queue."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from infra.config import Environment
from local.aws import Emulator, running
from local.cloud_files import aws, content
from local.cloud_files.behavior import Behavior
from local.cloud_files.error import CloudFilesError
from tests.support.buckets import (
    BUCKET,
    LOGS,
    PATH,
    Reading,
    Reusing,
    as_caller,
    clean,
    make_bucket,
    make_stack_notifications,
    reader,
    until,
    without_action,
)
from tests.support.environment_files import OFF, STACK, environment
from tests.support.ministack import ACCOUNT

pytestmark = pytest.mark.slow

ON = {"useNotifications": "true"}
HIVE = "AWSLogs/aws-account-id={}/aws-service=vpcflowlogs/aws-region={}"


@pytest.fixture(scope="module")
def environments(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Environment]:
    folder = tmp_path_factory.mktemp("environments")
    return {
        "auto-loader": environment(folder, name="auto"),
        "stack": environment(folder, STACK, name="stack"),
        "off": environment(folder, OFF, name="off"),
    }


@pytest.fixture(scope="module")
def running_stage(tmp_path_factory: pytest.TempPathFactory, environments: dict[str, Environment]) -> Iterator[Emulator]:
    with running(tmp_path_factory.mktemp("aws"), account=ACCOUNT) as emulator:
        stage = Reusing.of(emulator)
        reader(stage, environments["off"])
        make_bucket(stage, environments["off"])
        yield stage


@pytest.fixture
def stage(running_stage: Emulator) -> Iterator[Emulator]:
    yield running_stage
    clean(running_stage)


def put(stage: Emulator, *names: str, data: bytes = b"x") -> list[str]:
    """Put objects below the logs' prefix and return their paths, sorted."""
    for name in names:
        stage.client("s3").put_object(Bucket=BUCKET, Key=f"{LOGS}/{name}", Body=data)
    return sorted(f"s3://{BUCKET}/{LOGS}/{name}" for name in names)


def waiting(stage: Emulator, url: str | None = None) -> int:
    """Return the number of messages in the queue, visible or not."""
    sqs = stage.client("sqs")
    (queue_url,) = [url] if url else sqs.list_queues()["QueueUrls"]
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    return sum(
        int(count)
        for count in sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=names)["Attributes"].values()
    )


def test_listing_finds_the_files_of_the_path_with_the_permissions_of_notifications_off(
    stage: Emulator, environments: dict[str, Environment], tmp_path: Path
) -> None:
    first = put(stage, "a b+ü%20.log.gz", "c.log.gz")
    put(stage, "_half", ".hidden/x", "folder/")
    stage.client("s3").put_object(Bucket=BUCKET, Key=f"AWSLogs/{ACCOUNT}/elasticloadbalancing/x", Body=b"x")
    with as_caller(stage, reader(stage, environments["off"])):
        stream = Reading(tmp_path)
        assert stream.until(2) == first
        second = put(stage, "d.log.gz", "c.log.gz")
        assert stream.until(1) == second[1:]
        stream.close()
        assert Reading(tmp_path).batch() == []


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("net/AWSLogs/*", "net/AWSLogs/1/vpcflowlogs/r/2026/x_vpcflowlogs_y"),
        ("net/AWSLogs/1/vpcflowlogs/us-east-1", "net/AWSLogs/1/vpcflowlogs/us-east-1/2026/x_vpcflowlogs_y"),
        (f"net/{HIVE.format('*', 'us-east-1')}", f"net/{HIVE.format('1', 'us-east-1')}/year=2026/x_vpcflowlogs_y"),
        (f"net/{HIVE.format('1', 'us-east-1')}", f"net/{HIVE.format('1', 'us-east-1')}/year=2026/x_vpcflowlogs_y"),
    ],
)
@pytest.mark.parametrize("notifications", ["true", "false"])
def test_every_form_of_the_logs_path_works_with_listing_and_with_notifications(
    path: str, key: str, notifications: str, stage: Emulator, tmp_path: Path
) -> None:
    s3 = stage.client("s3")
    other_keys = [
        "net/AWSLogs/1/elasticloadbalancing/x_elb_y",
        "net/AWSLogs/2/vpcflowlogs/us-east-1x/_x_vpcflowlogs_y",
        "net/AWSLogs2/1/vpcflowlogs/us-east-1/x_vpcflowlogs_y",
        "AWSLogs/1/vpcflowlogs/us-east-1/x_vpcflowlogs_y",
    ]
    with as_caller(stage, stage.root):
        options = {"useNotifications": notifications, "pathGlobFilter": "*_vpcflowlogs_*"}
        # If the path has a "=" before its first wildcard, only an encoded filter matches events.
        behavior = Behavior(notification_filter="encoded")
        stream = Reading(tmp_path, path=f"s3://{BUCKET}/{path}", behavior=behavior, **options)
        for suffix in ("", "2"):
            for object_key in [*other_keys, key]:
                s3.put_object(Bucket=BUCKET, Key=f"{object_key}{suffix}", Body=b"x")
            assert stream.until(1) == [f"s3://{BUCKET}/{key}{suffix}"]


@pytest.mark.parametrize(("written", "matches"), [("raw", False), ("encoded", True)])
@pytest.mark.parametrize("folder", ["team=net", "a+b", "net@work"])
def test_s3_compares_filters_with_the_encoded_key(
    folder: str, written: str, matches: bool, stage: Emulator, tmp_path: Path
) -> None:
    with as_caller(stage, stage.root):
        path = f"s3://{BUCKET}/{folder}/AWSLogs/*"
        stream = Reading(tmp_path, path=path, behavior=Behavior(notification_filter=written), **ON)
        assert stream.batch() == []
        stage.client("s3").put_object(Bucket=BUCKET, Key=f"{folder}/AWSLogs/1", Body=b"x")
        if matches:
            assert stream.until(1) == [f"s3://{BUCKET}/{folder}/AWSLogs/1"]
        else:
            assert [stream.batch() for _ in range(3)] == [[]] * 3
            stream.close()
            # A listing finds the file; on Databricks this takes up to a day.
            assert Reading(tmp_path, path=path, useNotifications="false").until(1) == [
                f"s3://{BUCKET}/{folder}/AWSLogs/1"
            ]


@pytest.mark.parametrize("restricted", ["true", "false"])
def test_the_topic_is_limited_to_its_account_only_with_the_option(
    restricted: str, stage: Emulator, environments: dict[str, Environment], tmp_path: Path
) -> None:
    with as_caller(stage, reader(stage, environments["auto-loader"])):
        # An earlier run without the option created the topic.
        Reading(tmp_path, **ON).close()
        stream = Reading(tmp_path, **ON, restrictNotificationSetupToSameAWSAccountId=restricted)
        (topic,) = (entry["TopicArn"] for entry in stage.client("sns").list_topics()["Topics"])
        policy = json.loads(stage.client("sns").get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"])
        condition = policy["Statement"][0]["Condition"]
        assert condition["ArnEquals"] == {"aws:SourceArn": f"arn:aws:s3:::{BUCKET}"}
        account_condition = {"aws:SourceAccount": ACCOUNT} if restricted == "true" else None
        assert condition.get("StringEquals") == account_condition
        delivered = put(stage, "1")
        assert stream.until(1) == delivered


@pytest.mark.parametrize("notifications", ["true", "false"])
def test_a_first_start_on_an_empty_prefix_can_raise_until_an_object_arrives(
    notifications: str, stage: Emulator, tmp_path: Path
) -> None:
    behavior, options = Behavior(empty_prefix="raises"), {"useNotifications": notifications}
    with as_caller(stage, stage.root):
        for _ in range(2):
            with pytest.raises(CloudFilesError) as error:
                Reading(tmp_path, behavior=behavior, **options)
            text = f"[CF_PATH_DOES_NOT_EXIST_FOR_READ_FILES] Path {PATH} does not exist."
            assert str(error.value) == text
        assert stage.client("sqs").list_queues().get("QueueUrls", []) == [], "the failed start set up a queue"
        delivered = put(stage, "1")
        stream = Reading(tmp_path, behavior=behavior, **options)
        assert stream.until(1) == delivered
        stream.close()
        clean(stage)
        assert Reading(tmp_path, behavior=behavior, **options).batch() == [], "a started stream accepts an empty prefix"


def test_a_first_start_on_an_empty_prefix_waits_by_default(stage: Emulator, tmp_path: Path) -> None:
    with as_caller(stage, stage.root):
        stream = Reading(tmp_path)
        assert stream.batch() == []
        delivered = put(stage, "1")
        assert stream.until(1) == delivered


def test_auto_loaders_notifications_are_created_with_its_permissions_and_reused(
    stage: Emulator, environments: dict[str, Environment], tmp_path: Path
) -> None:
    first = put(stage, "a.log.gz")
    s3, sns, sqs = (stage.client(service) for service in ("s3", "sns", "sqs"))
    foreign_entry = {"Id": "other", "QueueArn": _foreign_queue(stage), "Events": ["s3:ObjectRemoved:*"]}
    s3.put_bucket_notification_configuration(
        Bucket=BUCKET,
        NotificationConfiguration={"QueueConfigurations": [foreign_entry], "EventBridgeConfiguration": {}},
    )
    with as_caller(stage, reader(stage, environments["auto-loader"])):
        stream = Reading(tmp_path, **ON, **{"resourceTag.owner": "network team"})
        assert stream.until(1) == first
        second = put(stage, "a b+ü%20.log.gz", "c.log.gz")
        put(stage, "_half")
        assert stream.until(2) == second

        state = json.loads((tmp_path / "cloud_files" / "stream.json").read_text())
        name = f"databricks-auto-ingest-{state['stream']}"
        configuration = s3.get_bucket_notification_configuration(Bucket=BUCKET)
        (topic,) = configuration["TopicConfigurations"]
        assert (topic["Id"], topic["Events"]) == (name, ["s3:ObjectCreated:*"])
        assert topic["Filter"]["Key"]["FilterRules"] == [{"Name": "prefix", "Value": "AWSLogs/"}]
        assert configuration["QueueConfigurations"] == [foreign_entry]
        assert "EventBridgeConfiguration" in configuration
        assert topic["TopicArn"].endswith(f":{name}")
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        expected = {
            "vendor": "Databricks",
            "path": f"s3://{BUCKET}/AWSLogs/_/vpcflowlogs/_",
            "checkpointLocation": str(tmp_path),
            "streamId": state["stream"],
            "owner": "network team",
        }
        assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == expected
        tags = sns.list_tags_for_resource(ResourceArn=topic["TopicArn"])["Tags"]
        assert {tag["Key"]: tag["Value"] for tag in tags} == expected
        (subscription,) = sns.list_subscriptions_by_topic(TopicArn=topic["TopicArn"])["Subscriptions"]
        attributes = sns.get_subscription_attributes(SubscriptionArn=subscription["SubscriptionArn"])["Attributes"]
        assert attributes["RawMessageDelivery"] == "false"

        stream.close()
        third = put(stage, "d.log.gz")
        restarted = Reading(tmp_path, **ON)
        assert restarted.until(1) == third
        until(lambda: restarted.batch() == [] and waiting(stage, url) == 0)
        assert len(sqs.list_queues(QueueNamePrefix="databricks-auto-ingest-")["QueueUrls"]) == 1


def test_messages_stay_in_the_queue_until_the_batch_is_committed(
    stage: Emulator, environments: dict[str, Environment], tmp_path: Path
) -> None:
    with as_caller(stage, reader(stage, environments["auto-loader"])):
        stream = Reading(tmp_path, **ON)
        assert stream.batch() == []
        until(lambda: stream.batch() == [] and waiting(stage) == 0)  # S3's test event is gone
        put(stage, "a", "b")
        until(lambda: stream.intake.latest(0) == 2)
        assert waiting(stage) == 2
        stream.intake.committed(1)
        assert waiting(stage) == 2
        stream.intake.committed(2)
        assert waiting(stage) == 0


def test_a_given_queue_is_read_with_the_stacks_permissions_and_nothing_else_changes(
    stage: Emulator, environments: dict[str, Environment], tmp_path: Path
) -> None:
    url = make_stack_notifications(stage, environments["stack"])
    s3, sqs = stage.client("s3"), stage.client("sqs")
    before = s3.get_bucket_notification_configuration(Bucket=BUCKET)["TopicConfigurations"]
    first = put(stage, "a")
    with as_caller(stage, reader(stage, environments["stack"])):
        stream = Reading(tmp_path, **ON, queueUrl=url)
        assert stream.until(1) == first
        second = put(stage, "b", "c")
        assert stream.until(2) == second
        until(lambda: stream.batch() == [] and waiting(stage, url) == 0)
    assert s3.get_bucket_notification_configuration(Bucket=BUCKET)["TopicConfigurations"] == before
    assert sqs.list_queues(QueueNamePrefix="databricks")["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert sqs.list_queues(QueueNamePrefix="databricks").get("QueueUrls", []) == []


def test_events_of_a_given_queue_outside_the_load_path_are_ignored(
    stage: Emulator, environments: dict[str, Environment], tmp_path: Path
) -> None:
    """The stack's notification filters on ``AWSLogs/``; the path may be narrower."""
    url = make_stack_notifications(stage, environments["stack"])
    with as_caller(stage, reader(stage, environments["stack"])):
        path = f"s3://{BUCKET}/AWSLogs/{ACCOUNT}/vpcflowlogs/us-east-1/*"
        stream = Reading(tmp_path, path=path, **ON, queueUrl=url)
        assert stream.batch() == []
        for key in (f"AWSLogs/{ACCOUNT}/vpcflowlogs/eu-west-1/a", f"AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/a"):
            stage.client("s3").put_object(Bucket=BUCKET, Key=key, Body=b"x")
        delivered = put(stage, "a")
        assert stream.until(1) == delivered
        until(lambda: stream.batch() == [] and waiting(stage, url) == 0)


def test_duplicate_late_and_foreign_events_load_nothing(
    stage: Emulator, environments: dict[str, Environment], tmp_path: Path
) -> None:
    url = make_stack_notifications(stage, environments["stack"])
    sqs = stage.client("sqs")
    with as_caller(stage, reader(stage, environments["stack"])):
        stream = Reading(tmp_path, **ON, queueUrl=url, pathGlobFilter="*.gz")
        stream.batch()
        put(stage, "a.gz", "b.gz", "c.txt")
        until(lambda: waiting(stage, url) >= 3)
        bodies = [each["Body"] for each in _peek(stage, url)]
        for body in reversed(bodies):
            sqs.send_message(QueueUrl=url, MessageBody=body)
        delivered = put(stage, "a.gz", "b.gz")
        assert stream.until(2) == delivered
        for body in bodies:
            sqs.send_message(QueueUrl=url, MessageBody=body)
        sqs.send_message(QueueUrl=url, MessageBody="no event")
        until(lambda: stream.batch() == [] and waiting(stage, url) == 1)
    (remaining,) = [message["Body"] for message in _peek(stage, url)] or ["no event"]
    assert remaining == "no event"


def test_the_backfill_listing_finds_a_file_whose_event_was_lost(
    stage: Emulator, environments: dict[str, Environment], tmp_path: Path
) -> None:
    url = make_stack_notifications(stage, environments["stack"])
    with as_caller(stage, reader(stage, environments["stack"])):
        stream = Reading(tmp_path, **ON, queueUrl=url, backfillInterval="3 seconds")
        assert stream.batch() == []
        lost = put(stage, "lost")
        until(lambda: waiting(stage, url) > 0)
        stage.client("sqs").purge_queue(QueueUrl=url)
        assert stream.until(1) == lost


def test_switching_between_listing_and_notifications_loads_each_file_once(
    stage: Emulator, environments: dict[str, Environment], tmp_path: Path
) -> None:
    credentials = reader(stage, environments["auto-loader"])
    with as_caller(stage, credentials):
        stream = Reading(tmp_path)
        delivered = put(stage, "1")
        assert stream.until(1) == delivered
        stream.close()
        # No queue exists now, so no event announces this file.
        second = put(stage, "2")
        stream = Reading(tmp_path, **ON)
        assert stream.until(1) == second
        third = put(stage, "3")
        assert stream.until(1) == third
        stream.close()
        fourth = put(stage, "4")
        stream = Reading(tmp_path)
        assert stream.until(1) == fourth
        stream.close()
        fifth = put(stage, "5")
        stream = Reading(tmp_path, **ON)
        assert stream.until(1) == fifth
        until(lambda: stream.batch() == [] and waiting(stage) == 0)


def test_files_from_before_the_first_start_can_be_excluded(
    stage: Emulator, environments: dict[str, Environment], tmp_path: Path
) -> None:
    put(stage, "old")
    with as_caller(stage, reader(stage, environments["auto-loader"])):
        stream = Reading(tmp_path, **ON, includeExistingFiles="false", backfillInterval="1 second")
        assert stream.batch() == []
        delivered = put(stage, "new")
        assert stream.until(1) == delivered


@pytest.mark.parametrize("part", ["queue", "topic", "subscription", "notification", "topic's policy"])
def test_resources_deleted_between_two_runs_are_created_again_without_missing_a_file(
    part: str, stage: Emulator, environments: dict[str, Environment], tmp_path: Path
) -> None:
    with as_caller(stage, reader(stage, environments["auto-loader"])):
        stream = Reading(tmp_path, **ON)
        assert stream.batch() == []
        stream.close()
        _delete(stage, part)
        missed = put(stage, "missed")
        stream = Reading(tmp_path, **ON)
        assert stream.until(1) == missed
        delivered = put(stage, "next")
        assert stream.until(1) == delivered


def test_the_next_start_completes_a_start_killed_before_any_of_its_calls(
    stage: Emulator, environments: dict[str, Environment], tmp_path: Path
) -> None:
    credentials = reader(stage, environments["auto-loader"])
    kill_at, killed = 0, True
    while killed:
        state = tmp_path / str(kill_at)
        first = put(stage, "1")
        with as_caller(stage, credentials):
            killed = _start_and_be_killed(state, kill_at)
        with as_caller(stage, credentials):
            second = put(stage, "2")
            stream = Reading(state, **ON)
            expected = [*(first if killed else []), *second]
            assert stream.until(len(expected), more=False) == expected, f"killed at {kill_at}"
            third = put(stage, "3")  # after the listing, so that only an event announces it
            assert stream.until(1, more=False) == third, f"killed at {kill_at}"
            stream.close()
        clean(stage)
        kill_at += 1
    # Creating the queue, topic, subscription and notification, and the first listing.
    assert kill_at > 12


class Killed(BaseException):
    """A kill of the process; no handler catches it."""


def _start_and_be_killed(state: Path, kill_at: int) -> bool:
    """Start a stream, read a batch and stop before call ``kill_at``; return False if it finished with fewer calls."""
    calls = itertools.count()

    def on_call(**_: object) -> None:
        if next(calls) == kill_at:
            raise Killed

    for service in ("s3", "sns", "sqs"):
        aws.client(service, "us-east-1").meta.events.register("before-call", on_call)
    stream = None
    try:
        stream = Reading(state, **ON)
        stream.batch()
    except Killed:
        return True
    finally:
        if stream is not None:
            stream.close()
    return False


def test_a_queue_deleted_under_a_running_stream_is_created_again(
    stage: Emulator, environments: dict[str, Environment], tmp_path: Path
) -> None:
    with as_caller(stage, reader(stage, environments["auto-loader"])):
        stream = Reading(tmp_path, **ON)
        delivered = put(stage, "1")
        assert stream.until(1) == delivered
        _delete(stage, "queue")
        delivered = put(stage, "2", "3")
        assert stream.until(2) == delivered
        delivered = put(stage, "4")
        assert stream.until(1) == delivered


def test_a_notification_that_overlaps_another_is_rejected_as_s3_does(
    stage: Emulator, environments: dict[str, Environment], tmp_path: Path
) -> None:
    rules = [{"Name": "prefix", "Value": f"AWSLogs/{ACCOUNT}/"}]
    foreign_entry = {
        "Id": "other",
        "QueueArn": _foreign_queue(stage),
        "Events": ["s3:ObjectCreated:Put"],
        "Filter": {"Key": {"FilterRules": rules}},
    }
    s3 = stage.client("s3")
    s3.put_bucket_notification_configuration(
        Bucket=BUCKET, NotificationConfiguration={"QueueConfigurations": [foreign_entry]}
    )
    with as_caller(stage, reader(stage, environments["auto-loader"])):
        with pytest.raises(CloudFilesError) as error:
            Reading(tmp_path, **ON)
        for text in ("[CF_EVENT_NOTIFICATION_SETUP_FAILED.OTHER]", "ambiguously defined", "other to arn:aws:sqs:"):
            assert text in str(error.value)
        # A listing stream works with the same checkpoint.
        delivered = put(stage, "a")
        assert Reading(tmp_path).until(1) == delivered
    assert s3.get_bucket_notification_configuration(Bucket=BUCKET)["QueueConfigurations"] == [foreign_entry]


SETUP = "[CF_EVENT_NOTIFICATION_SETUP_FAILED.PERMISSION_DENIED]"


@pytest.mark.parametrize(
    "missing",
    [
        ("s3:GetBucketNotification", f"arn:aws:s3:::{BUCKET}", True),
        ("s3:PutBucketNotification", f"arn:aws:s3:::{BUCKET}", True),
        ("sns:CreateTopic", "arn:aws:sns:us-east-1:111122223333:databricks-auto-ingest-", True),
        ("sns:TagResource", "arn:aws:sns:us-east-1:111122223333:databricks-auto-ingest-", True),
        ("sns:GetTopicAttributes", "arn:aws:sns:us-east-1:111122223333:databricks-auto-ingest-", True),
        ("sns:SetTopicAttributes", "arn:aws:sns:us-east-1:111122223333:databricks-auto-ingest-", True),
        ("sns:Subscribe", "arn:aws:sns:us-east-1:111122223333:databricks-auto-ingest-", True),
        ("sns:ListSubscriptionsByTopic", "arn:aws:sns:us-east-1:111122223333:databricks-auto-ingest-", True),
        ("sqs:CreateQueue", "databricks-auto-ingest-", True),
        ("sqs:GetQueueUrl", "databricks-auto-ingest-", True),
        ("sqs:GetQueueAttributes", "databricks-auto-ingest-", True),
        ("sqs:SetQueueAttributes", "arn:aws:sqs:us-east-1:111122223333:databricks-auto-ingest-", True),
        ("sqs:TagQueue", "databricks-auto-ingest-", True),
        ("sqs:ReceiveMessage", "arn:aws:sqs:us-east-1:111122223333:databricks-auto-ingest-", False),
        ("sqs:DeleteMessage", "arn:aws:sqs:us-east-1:111122223333:databricks-auto-ingest-", False),
        ("s3:GetObject", f"arn:aws:s3:::{BUCKET}/{LOGS}/a", False),
    ],
    ids=lambda missing: missing[0],
)
def test_a_missing_permission_is_reported_with_its_resource(
    missing: tuple[str, str, bool], stage: Emulator, environments: dict[str, Environment], tmp_path: Path
) -> None:
    action, resource, setup = missing
    paths = put(stage, "a")
    with (
        as_caller(stage, reader(stage, environments["auto-loader"], without=action)),
        _bucket_policy_without(stage, action),
        pytest.raises(CloudFilesError) as error,
    ):
        _read_until_denied(Reading(tmp_path, **ON), paths)
    message = str(error.value)
    assert f"{action} on {resource}" in message
    assert "is denied" in message
    assert "role/flow-log-reader" in message
    assert message.startswith(SETUP) is setup


@pytest.mark.parametrize("action", ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"])
def test_a_missing_permission_on_a_given_queue_is_reported(
    action: str, stage: Emulator, environments: dict[str, Environment], tmp_path: Path
) -> None:
    url = make_stack_notifications(stage, environments["stack"])
    put(stage, "a")
    with (
        as_caller(stage, reader(stage, environments["stack"], without=action)),
        pytest.raises(CloudFilesError, match=f"{action} on .*vpc-flow-logs-stack is denied"),
    ):
        _read_until_denied(Reading(tmp_path, **ON, queueUrl=url), [])


def test_a_missing_list_permission_is_reported(
    stage: Emulator, environments: dict[str, Environment], tmp_path: Path
) -> None:
    with (
        as_caller(stage, reader(stage, environments["off"], without="s3:ListBucket")),
        _bucket_policy_without(stage, "s3:ListBucket"),
        pytest.raises(CloudFilesError, match=f"s3:ListBucket on arn:aws:s3:::{BUCKET} is denied"),
    ):
        Reading(tmp_path).batch()


def test_a_bucket_or_queue_that_does_not_exist_is_reported(
    stage: Emulator, environments: dict[str, Environment], tmp_path: Path
) -> None:
    url = make_stack_notifications(stage, environments["stack"])
    stage.client("sqs").delete_queue(QueueUrl=url)
    with as_caller(stage, reader(stage, environments["stack"])):
        with pytest.raises(CloudFilesError, match=f"cloudFiles.queueUrl {url}: queue not found in us-east-1"):
            Reading(tmp_path / "a", **ON, queueUrl=url)
        with pytest.raises(CloudFilesError, match=r"sqs:GetQueueAttributes on .*/other is denied"):
            Reading(tmp_path / "b", **ON, queueUrl=url.rpartition("/")[0] + "/other")
    with (
        as_caller(stage, stage.root),
        pytest.raises(CloudFilesError, match="s3:ListBucket on arn:aws:s3:::nowhere: the bucket does not exist"),
    ):
        Reading(tmp_path / "c", path="s3://nowhere/AWSLogs").batch()


def test_objects_are_read_byte_for_byte_and_a_deleted_one_is_reported(
    stage: Emulator, environments: dict[str, Environment]
) -> None:
    large = os.urandom(20 << 20)
    paths = put(stage, "a b+ü%20") + put(stage, "empty", data=b"") + put(stage, "large", data=large)
    with as_caller(stage, reader(stage, environments["off"])):
        rows = [row for batch in content.batches(paths, region="us-east-1") for row in batch.to_pylist()]
        assert [row["path"] for row in rows] == paths
        assert [row["content"] for row in rows] == [b"x", b"", large]
        assert [row["length"] for row in rows] == [1, 0, len(large)]
        modified = stage.client("s3").head_object(Bucket=BUCKET, Key=f"{LOGS}/large")["LastModified"]
        assert rows[2]["modificationTime"] == modified
        with pytest.raises(CloudFilesError, match=f"reading file s3://{BUCKET}/{LOGS}/gone. File does not exist"):
            list(content.batches([f"s3://{BUCKET}/{LOGS}/gone"], region="us-east-1"))


def _read_until_denied(stream: Reading, paths: list[str]) -> None:
    """Read until a request is denied; ten seconds at most."""
    until(lambda: bool(stream.batch() and list(content.batches(paths, region="us-east-1")) and False), seconds=10)


def _peek(stage: Emulator, url: str) -> list[dict[str, Any]]:
    """Return the queue's visible messages and keep them visible."""
    messages: list[dict[str, Any]] = (
        stage.client("sqs")
        .receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)
        .get("Messages", [])
    )
    return messages


def _delete(stage: Emulator, part: str) -> None:
    sns, sqs, s3 = (stage.client(service) for service in ("sns", "sqs", "s3"))
    (topic,) = [entry["TopicArn"] for entry in sns.list_topics()["Topics"]]
    if part == "queue":
        (url,) = sqs.list_queues()["QueueUrls"]
        sqs.delete_queue(QueueUrl=url)
    elif part == "topic":
        sns.delete_topic(TopicArn=topic)
    elif part == "subscription":
        (subscription,) = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
        sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
    elif part == "notification":
        s3.put_bucket_notification_configuration(Bucket=BUCKET, NotificationConfiguration={})
    else:
        deny_publish = {"Effect": "Deny", "Principal": "*", "Action": "sns:Publish", "Resource": topic}
        text = json.dumps({"Version": "2012-10-17", "Statement": [deny_publish]})
        sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=text)


@contextmanager
def _bucket_policy_without(stage: Emulator, action: str) -> Iterator[None]:
    """Remove an action from the bucket policy, which also grants the reader its access."""
    s3 = stage.client("s3")
    before = s3.get_bucket_policy(Bucket=BUCKET)["Policy"]
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(without_action(json.loads(before), action)))
    try:
        yield
    finally:
        s3.put_bucket_policy(Bucket=BUCKET, Policy=before)


def _foreign_queue(stage: Emulator) -> str:
    sqs = stage.client("sqs")
    url = sqs.create_queue(QueueName="others")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({"Statement": [statement]})})
    return str(arn)
