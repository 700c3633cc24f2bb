"""The smoke test's check of the queue, on an AWS that enforces policies, with the caller's or CI's permissions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.iam import ci_policies
from infra.iam.ci_policies import CiAccess
from infra.smoke.queue import ObservedQueue, observe
from infra.workspace.errors import DeploymentError
from tests.support.environment_files import OFF, STACK, environment
from tests.support.ministack import Credentials, Emulator, role, running

_QUEUE = "vpc-flow-logs-test"
_DEAD = "vpc-flow-logs-test-dead-letters"
_AUTO = "databricks-auto-ingest-0123"
_BUCKET = "flow-logs-bucket"
_LOOKUP = "cdk-hnb659fds-lookup-role-111122223333-us-east-1"

# The actions used here of AWS's ReadOnlyAccess, which `cdk bootstrap` attaches to this role.
_READ = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["sqs:Get*", "sqs:List*", "sns:Get*", "sns:List*", "s3:Get*", "s3:List*"],
            "Resource": "*",
        }
    ],
}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with running(tmp_path_factory.mktemp("ministack"), tls=True) as emulator:
        _make_lookup_role(emulator)
        yield emulator


def _make_lookup_role(stage: Emulator) -> None:
    iam = stage.client("iam")
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{stage.account}:root"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    iam.create_role(RoleName=_LOOKUP, AssumeRolePolicyDocument=json.dumps(trust))
    iam.put_role_policy(RoleName=_LOOKUP, PolicyName="read", PolicyDocument=json.dumps(_READ))


@pytest.fixture
def signed_in(stage: Emulator, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that points boto3 at the stage as a caller."""

    def sign_in(credentials: Credentials | None = None) -> None:
        for name, value in stage.environment(credentials).items():
            monkeypatch.setenv(name, value)

    return sign_in


@pytest.fixture
def queues(stage: Emulator) -> Iterator[Any]:
    """Yield a function that creates queues with messages; delete them afterward."""
    sqs = stage.client("sqs")
    urls = []

    def create(**messages: int) -> None:
        for name, count in messages.items():
            urls.append(sqs.create_queue(QueueName=name)["QueueUrl"])
            for number in range(count):
                sqs.send_message(QueueUrl=urls[-1], MessageBody=str(number))

    yield create
    for url in urls:
        sqs.delete_queue(QueueUrl=url)


def test_the_stacks_queue_and_its_dead_letters_are_counted(queues: Any, signed_in: Any, tmp_path: Path) -> None:
    signed_in()
    test = environment(tmp_path, STACK)
    assert observe(test) == []
    queues(**{_QUEUE: 3, _DEAD: 1})
    assert observe(test) == [ObservedQueue(_QUEUE, waiting=3, dead_letters=1)]


@pytest.fixture
def notified(stage: Emulator) -> Iterator[Any]:
    """Create the bucket; yield functions that add notifications to topics and subscribe queues to a topic."""
    s3, sns = stage.client("s3"), stage.client("sns")
    s3.create_bucket(Bucket=_BUCKET)
    topics: dict[str, str] = {}

    def notify(**prefixes: str) -> None:
        topics.update({name: sns.create_topic(Name=name)["TopicArn"] for name in prefixes})
        entries = [
            {
                "TopicArn": topics[name],
                "Events": ["s3:ObjectCreated:*"],
                "Id": name,
                "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": prefix}]}},
            }
            for name, prefix in prefixes.items()
        ]
        s3.put_bucket_notification_configuration(
            Bucket=_BUCKET,
            NotificationConfiguration={"TopicConfigurations": entries},
            SkipDestinationValidation=True,
        )

    def subscribe(topic: str, *queues: str) -> None:
        for name in queues:
            endpoint = f"arn:aws:sqs:us-east-1:{stage.account}:{name}"
            sns.subscribe(TopicArn=topics[topic], Protocol="sqs", Endpoint=endpoint)

    yield notify, subscribe
    for topic in topics.values():
        sns.delete_topic(TopicArn=topic)
    s3.delete_bucket(Bucket=_BUCKET)


def test_auto_loaders_queue_is_found_by_its_subscription_and_not_by_its_name(
    notified: Any, queues: Any, signed_in: Any, tmp_path: Path
) -> None:
    signed_in()
    test = environment(tmp_path)
    notify, subscribe = notified
    assert observe(test) == []
    queues(**{_AUTO: 2, "databricks-auto-ingest-of-another-bucket": 9, "theirs": 4})
    notify(**{"databricks-auto-ingest-of-the-topic": f"AWSLogs/{test.aws.account}/vpcflowlogs/us-east-1/"})
    assert observe(test) == [], "found a queue without a subscription"
    subscribe("databricks-auto-ingest-of-the-topic", _AUTO, "theirs")
    assert observe(test) == [ObservedQueue(_AUTO, waiting=2)]


def test_the_queue_of_a_stream_on_other_files_is_ignored(
    notified: Any, queues: Any, signed_in: Any, tmp_path: Path
) -> None:
    signed_in()
    notify, subscribe = notified
    queues(**{_AUTO: 2})
    notify(**{"databricks-auto-ingest-1": "orders/"})
    subscribe("databricks-auto-ingest-1", _AUTO)
    assert observe(environment(tmp_path)) == []


def test_without_a_bucket_or_a_subscription_there_is_no_queue(notified: Any, signed_in: Any, tmp_path: Path) -> None:
    signed_in()
    test = environment(tmp_path)
    notify, _ = notified
    notify(**{"databricks-auto-ingest-1": "AWSLogs/"})
    assert observe(environment(tmp_path, ('"flow-logs-bucket"', '"no-such-bucket"'), name="other")) == []
    assert observe(test) == []


def test_a_job_without_notifications_has_no_queue(signed_in: Any, tmp_path: Path) -> None:
    signed_in()
    assert observe(environment(tmp_path, OFF)) is None


def test_the_deploy_role_of_ci_reads_the_queue_through_the_lookup_role(
    stage: Emulator, queues: Any, signed_in: Any, tmp_path: Path
) -> None:
    test = environment(tmp_path, STACK)
    _, deploy = ci_policies.policies(CiAccess(environment=test, repository="octo-org/flow-logs"))
    signed_in(role(stage, "ci-deploy", {"deploy": json.dumps(deploy.document)}))
    queues(**{_QUEUE: 3})
    assert observe(test) == [ObservedQueue(_QUEUE, waiting=3)]


def test_a_caller_without_permission_sees_which_request_was_rejected(
    stage: Emulator, signed_in: Any, tmp_path: Path
) -> None:
    signed_in(role(stage, "nobody", {}))
    with pytest.raises(DeploymentError, match="Reading the queue: AWS rejected the request"):
        observe(environment(tmp_path, STACK))
