"""`verify` tests each permission that the job needs and changes nothing; a test removes one from the reader role."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.config import Environment
from local.aws import Emulator, running
from tests.support.buckets import (
    BUCKET,
    LOGS,
    as_caller,
    make_bucket,
    make_stack_notifications,
    reader,
)
from tests.support.environment_files import STACK, environment
from tests.support.ministack import ACCOUNT
from vpc_flow_logs import notification_permissions, permissions
from vpc_flow_logs.parameters import Parameters
from vpc_flow_logs.trial import Trial, missing

pytestmark = pytest.mark.slow

BUCKET_ARN = f"arn:aws:s3:::{BUCKET}"
AUTO_QUEUES = f"arn:aws:sqs:us-east-1:{ACCOUNT}:databricks-auto-ingest-*"
AUTO_TOPICS = f"arn:aws:sns:us-east-1:{ACCOUNT}:databricks-auto-ingest-*"
STACK_QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:vpc-flow-logs-test"
KEY = f"{LOGS}/a.log"

AUTO_LOADER = {
    "s3:GetBucketNotification": BUCKET_ARN,
    "sqs:ListQueues": "*",
    "sns:ListTopics": "*",
    "sqs:GetQueueUrl": AUTO_QUEUES,
    "sqs:GetQueueAttributes": AUTO_QUEUES,
    "sqs:SetQueueAttributes": AUTO_QUEUES,
    "sqs:TagQueue": AUTO_QUEUES,
    "sqs:ReceiveMessage": AUTO_QUEUES,
    "sqs:DeleteMessage": AUTO_QUEUES,
    "sns:GetTopicAttributes": AUTO_TOPICS,
    "sns:SetTopicAttributes": AUTO_TOPICS,
    "sns:ListSubscriptionsByTopic": AUTO_TOPICS,
    "sns:Subscribe": AUTO_TOPICS,
    "sns:TagResource": AUTO_TOPICS,
}
QUEUE = ("sqs:GetQueueAttributes", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with running(tmp_path_factory.mktemp("aws"), account=ACCOUNT) as emulator:
        settings = environment(tmp_path_factory.mktemp("settings"))
        reader(emulator, settings)
        make_bucket(emulator, settings)
        emulator.client("s3").put_object(Bucket=BUCKET, Key=KEY, Body=b"version\n2\n")
        yield emulator


@pytest.fixture
def settings(tmp_path: Path) -> Environment:
    return environment(tmp_path)


@pytest.fixture
def stack(tmp_path: Path) -> Environment:
    return environment(tmp_path, STACK)


@pytest.fixture(scope="module")
def queue(stage: Emulator, tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_stack_notifications(stage, environment(tmp_path_factory.mktemp("stack"), STACK))


def parameters(notifications: str, *, queue_url: str | None = None, bucket: str = BUCKET) -> Parameters:
    return Parameters(
        vpc_logs_path=f"s3://{bucket}/AWSLogs/*",
        delta_output_path="",
        checkpoint_path="/Volumes/network/flow_logs/checkpoints/test",
        table_name="network.flow_logs.test",
        region_name="us-east-1",
        headers=("version",),
        notifications=notifications,
        queue_url=queue_url,
    )


def auto_loader(stage: Emulator, settings: Environment, *, without: str | None = None) -> list[Trial]:
    with as_caller(stage, reader(stage, settings, without=without)):
        return notification_permissions.notifications(parameters("auto-loader"))


def resources(stage: Emulator) -> list[Any]:
    """Return all resources that the tests of permissions could create or change."""
    sqs, sns, s3 = (stage.client(service) for service in ("sqs", "sns", "s3"))
    urls = sorted(sqs.list_queues().get("QueueUrls", []))
    configuration = s3.get_bucket_notification_configuration(Bucket=BUCKET)
    configuration.pop("ResponseMetadata")
    attributes = [sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"] for url in urls]
    return [urls, attributes, sorted(topic["TopicArn"] for topic in sns.list_topics()["Topics"]), configuration]


def test_with_the_stacks_permissions_nothing_is_missing_and_nothing_is_created(
    stage: Emulator, settings: Environment
) -> None:
    before = resources(stage)
    trials = auto_loader(stage, settings)
    assert missing(trials) == []
    assert {action for trial in trials if trial.state == "ok" for action in trial.action.split(", ")} == {*AUTO_LOADER}
    assert [trial.action for trial in trials if trial.state == "untried"] == [
        "s3:PutBucketNotification, sns:CreateTopic, sqs:CreateQueue"
    ]
    assert resources(stage) == before


@pytest.mark.parametrize("action", AUTO_LOADER)
def test_each_missing_permission_of_auto_loaders_setup_is_reported(
    stage: Emulator, settings: Environment, action: str
) -> None:
    (trial,) = missing(auto_loader(stage, settings, without=action))
    assert (trial.action, trial.where) == (action, AUTO_LOADER[action])
    assert trial.reason.startswith("denied (")


def test_a_message_in_the_given_queue_is_not_received(stage: Emulator, stack: Environment, queue: str) -> None:
    sqs = stage.client("sqs")
    sqs.purge_queue(QueueUrl=queue)
    sqs.send_message(QueueUrl=queue, MessageBody="of the job")
    with as_caller(stage, reader(stage, stack)):
        trials = notification_permissions.notifications(parameters("queue", queue_url=queue))
    assert [(trial.state, trial.action, trial.where) for trial in trials] == [("ok", ", ".join(QUEUE), STACK_QUEUE)]
    request = {"QueueUrl": queue, "MessageSystemAttributeNames": ["ApproximateReceiveCount"]}
    (message,) = sqs.receive_message(**request)["Messages"]
    assert (message["Body"], message["Attributes"]["ApproximateReceiveCount"]) == ("of the job", "1")


@pytest.mark.parametrize("action", QUEUE)
def test_each_missing_permission_on_the_given_queue_is_reported(
    stage: Emulator, stack: Environment, queue: str, action: str
) -> None:
    with as_caller(stage, reader(stage, stack, without=action)):
        trials = notification_permissions.notifications(parameters("queue", queue_url=queue))
    assert [(trial.action, trial.where) for trial in missing(trials)] == [(action, STACK_QUEUE)]


def test_a_given_queue_that_does_not_exist_is_reported(stage: Emulator, stack: Environment, queue: str) -> None:
    credentials = reader(stage, stack)
    stage.client("sqs").delete_queue(QueueUrl=queue)
    with as_caller(stage, credentials):
        (trial,) = missing(notification_permissions.notifications(parameters("queue", queue_url=queue)))
    assert trial.reason == "the queue does not exist"


def test_list_and_read_permissions_are_reported_separately(stage: Emulator, settings: Environment) -> None:
    for action, where in (("s3:ListBucket", BUCKET_ARN), ("s3:GetObject", f"{BUCKET_ARN}/{KEY}")):
        # The bucket policy grants the reader access too.
        stage.client("s3").delete_bucket_policy(Bucket=BUCKET)
        with as_caller(stage, reader(stage, settings, without=action)):
            assert [(trial.action, trial.where) for trial in missing(permissions.logs(parameters("off")))] == [
                (action, where)
            ]
    with as_caller(stage, reader(stage, settings)):
        assert [trial.state for trial in permissions.logs(parameters("off"))] == ["ok", "ok"]


def test_a_missing_bucket_is_reported_by_verify(stage: Emulator, settings: Environment) -> None:
    with as_caller(stage, stage.root):
        (trial,) = missing(permissions.logs(parameters("off", bucket="nobodys-bucket")))
    assert (trial.action, trial.reason) == ("s3:ListBucket", "the bucket does not exist")
