"""`verify` meets each right that the job will need, and changes nothing: the reader role with one right taken away."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import reduce
from pathlib import Path
from typing import Any

import pytest

from infra.assets.wheel import build_wheel
from infra.config import Environment
from infra.workspace.errors import DeploymentError
from infra.workspace.wheel.wheel_file import read_wheel
from local.aws import Emulator, running
from tests.support.buckets import (
    BUCKET,
    LOGS,
    as_caller,
    documents,
    make_bucket,
    make_stack_notifications,
    reader,
    without_action,
)
from tests.support.clouds import clouds
from tests.support.environment_files import STACK, environment
from tests.support.ministack import ACCOUNT
from vpc_flow_logs import notification_rights, rights
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
    with running(tmp_path_factory.mktemp("aws"), account=ACCOUNT) as found:
        settings = environment(tmp_path_factory.mktemp("settings"))
        reader(found, settings)
        make_bucket(found, settings)
        found.client("s3").put_object(Bucket=BUCKET, Key=KEY, Body=b"version\n2\n")
        yield found


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
        return notification_rights.notifications(parameters("auto-loader"))


def made(stage: Emulator) -> list[Any]:
    """All that trying could have made or changed."""
    sqs, sns, s3 = (stage.client(service) for service in ("sqs", "sns", "s3"))
    urls = sorted(sqs.list_queues().get("QueueUrls", []))
    told = s3.get_bucket_notification_configuration(Bucket=BUCKET)
    told.pop("ResponseMetadata")
    attributes = [sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"] for url in urls]
    return [urls, attributes, sorted(topic["TopicArn"] for topic in sns.list_topics()["Topics"]), told]


def test_with_the_rights_of_the_stack_nothing_is_missing_and_nothing_is_made(
    stage: Emulator, settings: Environment
) -> None:
    before = made(stage)
    found = auto_loader(stage, settings)
    assert missing(found) == []
    assert {action for trial in found if trial.state == "ok" for action in trial.what.split(", ")} == {*AUTO_LOADER}
    assert [trial.what for trial in found if trial.state == "untried"] == [
        "s3:PutBucketNotification, sns:CreateTopic, sqs:CreateQueue"
    ]
    assert made(stage) == before


@pytest.mark.parametrize("action", AUTO_LOADER)
def test_each_right_of_auto_loaders_set_up_is_missed(stage: Emulator, settings: Environment, action: str) -> None:
    (lacking,) = missing(auto_loader(stage, settings, without=action))
    assert (lacking.what, lacking.where) == (action, AUTO_LOADER[action])
    assert lacking.words.startswith("denied (")


def test_a_message_in_the_given_queue_is_neither_taken_nor_counted(
    stage: Emulator, stack: Environment, queue: str
) -> None:
    sqs = stage.client("sqs")
    sqs.purge_queue(QueueUrl=queue)
    sqs.send_message(QueueUrl=queue, MessageBody="of the job")
    with as_caller(stage, reader(stage, stack)):
        found = notification_rights.notifications(parameters("queue", queue_url=queue))
    assert [(trial.state, trial.what, trial.where) for trial in found] == [("ok", ", ".join(QUEUE), STACK_QUEUE)]
    asked = {"QueueUrl": queue, "MessageSystemAttributeNames": ["ApproximateReceiveCount"]}
    (message,) = sqs.receive_message(**asked)["Messages"]
    assert (message["Body"], message["Attributes"]["ApproximateReceiveCount"]) == ("of the job", "1")


@pytest.mark.parametrize("action", QUEUE)
def test_each_right_to_the_given_queue_is_missed(stage: Emulator, stack: Environment, queue: str, action: str) -> None:
    with as_caller(stage, reader(stage, stack, without=action)):
        found = notification_rights.notifications(parameters("queue", queue_url=queue))
    assert [(trial.what, trial.where) for trial in missing(found)] == [(action, STACK_QUEUE)]


def test_a_queue_that_is_not_there_is_missed(stage: Emulator, stack: Environment, queue: str) -> None:
    stack_ = reader(stage, stack)
    stage.client("sqs").delete_queue(QueueUrl=queue)
    with as_caller(stage, stack_):
        (found,) = missing(notification_rights.notifications(parameters("queue", queue_url=queue)))
    assert found.words == "the queue does not exist"


def test_listing_and_reading_are_told_apart(stage: Emulator, settings: Environment) -> None:
    for action, where in (("s3:ListBucket", BUCKET_ARN), ("s3:GetObject", f"{BUCKET_ARN}/{KEY}")):
        # The bucket's own policy lets the reader in too.
        stage.client("s3").delete_bucket_policy(Bucket=BUCKET)
        with as_caller(stage, reader(stage, settings, without=action)):
            assert [(trial.what, trial.where) for trial in missing(rights.logs(parameters("off")))] == [(action, where)]
    with as_caller(stage, reader(stage, settings)):
        assert [trial.state for trial in rights.logs(parameters("off"))] == ["ok", "ok"]


def test_a_bucket_that_is_not_there_is_missed(stage: Emulator, settings: Environment) -> None:
    with as_caller(stage, stage.root):
        (found,) = missing(rights.logs(parameters("off", bucket="nobodys-bucket")))
    assert (found.what, found.words) == ("s3:ListBucket", "the bucket does not exist")


def test_a_verify_run_on_a_cluster_names_every_right_that_is_missing_in_one_message(tmp_path: Path) -> None:
    taken = ("s3:ListBucket", "s3:GetBucketNotification", "sqs:ListQueues", "sns:Subscribe")
    wheel = read_wheel(build_wheel(tmp_path / "wheel"))
    with clouds(tmp_path) as here:
        here.deploy(wheel)
        assert "ok:       sqs:ListQueues, sns:ListTopics on *" in here.verify(wheel)
        iam, reader_ = here.aws.client("iam"), here.environment.reader.role_name
        here.aws.client("s3").delete_bucket_policy(Bucket=BUCKET)
        for name, document in documents(here.environment).items():
            less = json.dumps(reduce(without_action, taken, document))
            iam.put_role_policy(RoleName=reader_, PolicyName=name, PolicyDocument=less)
        with pytest.raises(DeploymentError) as failed:
            here.verify(wheel)
        said = here.output("verify")
    assert f"s3:ListBucket on {BUCKET_ARN}: denied" in said
    message = said[said.index("The run failed: ") :]
    assert "4 things are missing" in message
    # CloudFormation's event, which is cut at 900 characters, has all of them too.
    assert [action for action in taken if action not in message or action not in str(failed.value)] == []
