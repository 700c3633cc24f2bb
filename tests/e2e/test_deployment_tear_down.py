"""Auto Loader's resources in AWS are removed and nothing else is; with MiniStack over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra.iam import registration_policies
from infra.workspace.aws.tear_down import Aws, tear_down
from infra.workspace.errors import DeploymentError
from infra.workspace.spec import Logs, WorkspaceSpec
from infra.workspace.step import Step
from local.cloud_files import resources
from tests.support.deploying import OFF, Stage, staged
from tests.support.environment_files import environment
from tests.support.ministack import Credentials, Emulator, role, running

PATH = "s3://flow-logs-bucket/AWSLogs/111122223333/vpcflowlogs/us-east-1/*"
CHECKPOINT = "/Volumes/network/flow_logs/checkpoints/test"
OURS = Logs(bucket="flow-logs-bucket", prefix="AWSLogs/", path=PATH, checkpoint=CHECKPOINT)
WILDCARD = replace(OURS, path="s3://flow-logs-bucket/AWSLogs/*/vpcflowlogs/us-east-1/*")
KEYS = "AWSLogs/111122223333/vpcflowlogs/us-east-1/"


@pytest.fixture(scope="module")
def amazon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with running(tmp_path_factory.mktemp("ministack"), tls=False) as emulator:
        yield emulator


@pytest.fixture
def account(amazon: Emulator) -> Iterator[Account]:
    account_ = Account(amazon)
    yield account_
    account_.clear()


class Account:
    """An account with the bucket; it creates the resources of streams as Auto Loader does."""

    def __init__(self, amazon: Emulator) -> None:
        self.amazon = amazon
        self.s3, self.sns, self.sqs = (amazon.client(name) for name in ("s3", "sns", "sqs"))
        self.aws = Aws(s3=self.s3, sns=self.sns, sqs=self.sqs)
        self.s3.create_bucket(Bucket="flow-logs-bucket")

    def stream(
        self,
        name: str,
        *,
        keys: str = KEYS,
        path: str | None = PATH,
        tags: dict[str, str] | None = None,
        queue_name: str | None = None,
    ) -> str:
        """Create the topic, queue, subscription and notification of a stream; return the topic's ARN."""
        tags = tags or {"vendor": "Databricks", **({"path": path} if path else {})}
        tag_list = [{"Key": key, "Value": value} for key, value in tags.items()]
        topic = self.sns.create_topic(Name=name, Tags=tag_list)["TopicArn"]
        url = self.sqs.create_queue(QueueName=queue_name or name)["QueueUrl"]
        queue = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        self.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
        entry = {
            "Id": name,
            "TopicArn": topic,
            "Events": ["s3:ObjectCreated:*"],
            "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": keys}]}},
        }
        self._put({**self.notification(), "TopicConfigurations": [*self.entries(), entry]})
        return str(topic)

    def notification(self) -> dict[str, Any]:
        configuration = self.s3.get_bucket_notification_configuration(Bucket="flow-logs-bucket")
        return {key: value for key, value in configuration.items() if key != "ResponseMetadata"}

    def entries(self) -> list[dict[str, Any]]:
        return list(self.notification().get("TopicConfigurations", []))

    def names(self) -> dict[str, list[str]]:
        """Return the names of the resources by kind."""
        return {
            "topics": sorted(topic["TopicArn"].rsplit(":", 1)[-1] for topic in self.sns.list_topics()["Topics"]),
            "queues": sorted(url.rsplit("/", 1)[-1] for url in self.sqs.list_queues().get("QueueUrls", [])),
            "subscriptions": sorted(
                subscription["TopicArn"].rsplit(":", 1)[-1]
                for subscription in self.sns.list_subscriptions()["Subscriptions"]
            ),
            "entries": sorted(entry["Id"] for entry in self.entries()),
        }

    def clear(self) -> None:
        self._put({})
        for topic in self.sns.list_topics()["Topics"]:
            self.sns.delete_topic(TopicArn=topic["TopicArn"])
        for subscription in self.sns.list_subscriptions()["Subscriptions"]:
            self.sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
        for url in self.sqs.list_queues().get("QueueUrls", []):
            self.sqs.delete_queue(QueueUrl=url)

    def _put(self, notification: dict[str, Any]) -> None:
        self.s3.put_bucket_notification_configuration(
            Bucket="flow-logs-bucket", NotificationConfiguration=notification, SkipDestinationValidation=True
        )


NOTHING: dict[str, list[str]] = {"topics": [], "queues": [], "subscriptions": [], "entries": []}


def _only(name: str) -> dict[str, list[str]]:
    return {kind: [name] for kind in NOTHING}


def test_all_resources_of_the_stream_are_removed_and_reported(account: Account) -> None:
    topic = account.stream("databricks-auto-ingest-1")
    assert tear_down(account.aws, [OURS]) == [
        Step("queue", "removed", topic.replace(":sns:", ":sqs:")),
        Step("topic", "removed", topic),
        Step("bucket notification", "removed", "1 created by Auto Loader on flow-logs-bucket"),
    ]
    assert account.names() == NOTHING


def test_resources_that_are_already_gone_cause_no_error(account: Account) -> None:
    assert tear_down(account.aws, [OURS, replace(OURS, bucket="no-such-bucket")]) == []


@pytest.mark.parametrize("missing", ["queue", "topic", "subscription"])
def test_a_partial_removal_is_completed(account: Account, missing: str) -> None:
    topic = account.stream("databricks-auto-ingest-1")
    if missing == "queue":
        account.sqs.delete_queue(QueueUrl=account.sqs.list_queues()["QueueUrls"][0])
    if missing == "topic":
        account.sns.delete_topic(TopicArn=topic)
    if missing in ("topic", "subscription"):
        for subscription in account.sns.list_subscriptions()["Subscriptions"]:
            account.sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
    tear_down(account.aws, [OURS])
    assert account.names() == NOTHING


@pytest.mark.parametrize(
    ("name", "keys", "path"),
    [
        ("somebody-elses-topic", KEYS, PATH),
        ("databricks-auto-ingest-2", "orders/", "s3://flow-logs-bucket/orders"),
        ("databricks-auto-ingest-2", "AWSLogs/111122223333/CloudTrail/", None),
        ("databricks-auto-ingest-2", "AWSLogs/999988887777/vpcflowlogs/us-east-1/",
         "s3://flow-logs-bucket/AWSLogs/999988887777/vpcflowlogs/us-east-1"),
    ],
    ids=["another topic", "another prefix", "another service", "another environment"],
)  # fmt: skip
def test_resources_of_others_stay(account: Account, name: str, keys: str, path: str | None) -> None:
    account.stream(name, keys=keys, path=path)
    before = account.notification()
    assert tear_down(account.aws, [OURS]) == []
    assert account.notification() == before
    assert account.names() == _only(name)


def test_notification_entries_of_others_stay_unchanged(account: Account) -> None:
    account.stream("somebody-elses-topic", keys="orders/", path=None)
    queue = account.sqs.create_queue(QueueName="theirs")["QueueUrl"]
    arn = account.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    foreign_entry = {"Id": "theirs", "QueueArn": arn, "Events": ["s3:ObjectRemoved:*"]}
    account._put({**account.notification(), "QueueConfigurations": [foreign_entry]})
    before = account.notification()
    account.stream("databricks-auto-ingest-1")
    tear_down(account.aws, [OURS])
    assert account.notification() == before


@pytest.mark.parametrize("scheme", ["s3://", "s3a://"])
@pytest.mark.parametrize("end", ["", "/", "/*"])
def test_the_path_tag_of_the_topic_is_recognized_in_every_spelling(account: Account, scheme: str, end: str) -> None:
    tagged = PATH.removesuffix("/*").replace("s3://", scheme) + end
    account.stream("databricks-auto-ingest-1", keys="AWSLogs/", path=tagged)
    tear_down(account.aws, [OURS])
    assert account.names() == NOTHING


def test_a_path_with_wildcards_is_recognized_in_a_tag_that_cannot_contain_them(account: Account) -> None:
    tags = resources.tags(stream="1", path=WILDCARD.path, checkpoint="/elsewhere")
    assert tags["path"] == "s3://flow-logs-bucket/AWSLogs/_/vpcflowlogs/us-east-1/_"
    account.stream("databricks-auto-ingest-1", keys="AWSLogs/", tags=tags)
    tear_down(account.aws, [WILDCARD])
    assert account.names() == NOTHING


@pytest.mark.parametrize("tag", [CHECKPOINT, f"dbfs:{CHECKPOINT}/", f"{CHECKPOINT}/sources/0"])
def test_the_checkpoint_tag_is_enough_for_any_path_tag(account: Account, tag: str) -> None:
    account.stream(
        "databricks-auto-ingest-1", keys="AWSLogs/", tags={"checkpointLocation": tag, "path": "spelled another way"}
    )
    tear_down(account.aws, [WILDCARD])
    assert account.names() == NOTHING


def test_a_stream_with_a_moved_checkpoint_is_recognized_by_its_path(account: Account) -> None:
    tags = resources.tags(stream="1", path=WILDCARD.path, checkpoint="/where/it/was")
    account.stream("databricks-auto-ingest-1", keys="AWSLogs/", tags=tags)
    tear_down(account.aws, [WILDCARD])
    assert account.names() == NOTHING


@pytest.mark.parametrize("prefix", ["team=net/logs+x@y/AWSLogs/", "team%3Dnet/logs%2Bx%40y/AWSLogs/"])
def test_without_tags_the_raw_or_encoded_filter_decides(account: Account, prefix: str) -> None:
    ours = Logs(
        bucket="flow-logs-bucket",
        prefix="team=net/logs+x@y/AWSLogs/",
        path="s3://flow-logs-bucket/team=net/logs+x@y/AWSLogs/*/vpcflowlogs/us-east-1/*",
    )
    account.stream("databricks-auto-ingest-1", keys=prefix, path=None)
    tear_down(account.aws, [ours])
    assert account.names() == NOTHING


@pytest.mark.parametrize(
    "tags",
    [
        {"path": "s3://flow-logs-bucket/AWSLogs/_/vpcflowlogs/eu-west-1/_"},
        {"checkpointLocation": "/Volumes/network/flow_logs/checkpoints/test2"},
        {"path": "s3://flow-logs-bucket/AWSLogs/_/CloudTrail", "checkpointLocation": "/other"},
    ],
    ids=["another path", "another checkpoint", "both"],
)
def test_a_stream_of_others_with_our_filter_stays_and_is_reported_with_the_reason(
    account: Account, tags: dict[str, str]
) -> None:
    topic = account.stream("databricks-auto-ingest-2", keys="AWSLogs/", tags=tags)
    before = account.notification()
    (step,) = tear_down(account.aws, [WILDCARD])
    assert (step.name, step.outcome) == ("bucket notification", "unchanged")
    assert step.detail.startswith(f"left databricks-auto-ingest-2 to {topic}: it covers files of {WILDCARD.path}")
    assert all(f"{name} {value}" in step.detail for name, value in tags.items())
    assert account.notification() == before
    assert account.names() == _only("databricks-auto-ingest-2")


def test_the_queue_is_found_by_its_subscription_and_not_by_its_name(account: Account) -> None:
    account.stream("databricks-auto-ingest-1", queue_name="databricks-auto-ingest-of-another-name")
    tear_down(account.aws, [OURS])
    assert account.names() == NOTHING


def test_a_subscribed_queue_of_others_stays_and_is_reported(account: Account) -> None:
    topic = account.stream("databricks-auto-ingest-1")
    url = account.sqs.create_queue(QueueName="theirs")["QueueUrl"]
    arn = account.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    account.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    steps = tear_down(account.aws, [OURS])
    assert Step("queue", "unchanged", f"left {arn}: its name does not begin with databricks-auto-ingest-") in steps
    assert account.names() == {**NOTHING, "queues": ["theirs"]}


def test_a_pending_subscription_does_not_block_the_removal(account: Account) -> None:
    """SNS lists a pending subscription with ``PendingConfirmation`` instead of an ARN; other requests reject it."""
    topic = account.stream("databricks-auto-ingest-1")
    account.sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="oncall@example.com")
    unsubscribed: list[str] = []

    def mark_as_pending(parsed: dict[str, Any], **_: Any) -> None:
        for subscription in parsed["Subscriptions"]:
            subscription["SubscriptionArn"] = (
                "PendingConfirmation" if subscription["Protocol"] == "email" else subscription["SubscriptionArn"]
            )

    # MiniStack confirms every subscription immediately.
    account.sns.meta.events.register("after-call.sns.ListSubscriptionsByTopic", mark_as_pending)
    account.sns.meta.events.register(
        "provide-client-params.sns.Unsubscribe", lambda params, **_: unsubscribed.append(params["SubscriptionArn"])
    )
    tear_down(account.aws, [OURS])
    assert len(unsubscribed) == 1
    assert unsubscribed[0].startswith(topic)
    assert account.names() == NOTHING


def test_without_tags_the_prefix_before_the_first_wildcard_decides(account: Account) -> None:
    account.stream("databricks-auto-ingest-1", keys="AWSLogs/", path=None)
    tear_down(account.aws, [replace(OURS, path="s3://flow-logs-bucket/AWSLogs/*/vpcflowlogs/*/*")])
    assert account.names() == NOTHING


def test_a_bucket_with_a_prefix_has_its_streams_under_the_prefix(account: Account) -> None:
    ours = Logs(
        bucket="flow-logs-bucket",
        prefix="net/AWSLogs/",
        path="s3://flow-logs-bucket/net/AWSLogs/111122223333/vpcflowlogs/us-east-1/*",
    )
    account.stream("databricks-auto-ingest-1", keys=f"net/{KEYS}", path=ours.path)
    account.stream("databricks-auto-ingest-2")
    tear_down(account.aws, [ours])
    assert account.names() == _only("databricks-auto-ingest-2")


def test_a_request_that_aws_rejects_is_reported_with_its_bucket(account: Account) -> None:
    account.stream("databricks-auto-ingest-1")
    policy = json.dumps({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "sqs:ListQueues", "Resource": "*"}],
    })  # fmt: skip
    powerless: Credentials = role(account.amazon, "powerless", {"none": policy})
    aws = Aws(**{name: account.amazon.client(name, powerless) for name in ("s3", "sns", "sqs")})
    with pytest.raises(DeploymentError, match=r"for the bucket flow-logs-bucket: AWS rejected the request"):
        tear_down(aws, [OURS])


def test_the_functions_permissions_are_sufficient(account: Account, tmp_path: Path) -> None:
    document = registration_policies.function_policy(environment(tmp_path)).document
    function = role(account.amazon, "registration", {"registration": json.dumps(document)})
    aws = Aws(**{name: account.amazon.client(name, function) for name in ("s3", "sns", "sqs")})
    account.stream("somebody-elses-topic", keys="orders/", path=None)
    account.stream("databricks-auto-ingest-1")
    tear_down(aws, [OURS])
    assert account.names() == _only("somebody-elses-topic")


# With the workspace


@pytest.fixture
def stage(tmp_path: Path, account: Account) -> Iterator[Stage]:
    with staged(tmp_path) as staged_workspace:
        staged_workspace.bucket = _RealBucket(account)  # type: ignore[assignment]
        yield staged_workspace


class _RealBucket:
    def __init__(self, account: Account) -> None:
        self.clients = account.aws


def test_destroy_removes_auto_loaders_resources(stage: Stage, account: Account) -> None:
    spec = stage.spec()
    assert spec.logs == OURS
    stage.deploy(spec)
    account.stream("databricks-auto-ingest-1")
    stage.destroy(spec)
    assert account.names() == NOTHING


def test_switching_away_from_auto_loader_removes_its_resources_after_the_job_changed(
    stage: Stage, account: Account
) -> None:
    stage.deploy(stage.spec())
    account.stream("databricks-auto-ingest-1")
    deployment = stage.deploy(stage.spec(OFF))
    assert account.names() == NOTHING
    names = [step.name for step in deployment.steps]
    assert names.index("job") < names.index("queue")
    stage.server.clear_log()
    account.stream("databricks-auto-ingest-1")
    stage.deploy(stage.spec(OFF))
    assert stage.writing() == []
    assert account.names() == _only("databricks-auto-ingest-1"), (
        "the deployment removed a stream that it no longer owns"
    )


def test_a_former_bucket_without_access_fails_no_deploy_and_stays_remembered(
    stage: Stage, account: Account, tmp_path: Path
) -> None:
    stage.deploy(stage.spec(('"flow-logs-bucket"', '"former-bucket"')))
    document = registration_policies.function_policy(environment(tmp_path)).document
    function = role(account.amazon, "registration-2", {"registration": json.dumps(document)})
    full_access = stage.bucket.clients
    stage.bucket.clients = Aws(**{name: account.amazon.client(name, function) for name in ("s3", "sns", "sqs")})
    account.s3.create_bucket(Bucket="former-bucket")
    deployment = stage.deploy(stage.spec())
    assert "left for former-bucket" in deployment.steps[-1].detail
    stage.bucket.clients = full_access
    deployment = stage.deploy(stage.spec())
    assert all("former-bucket" not in step.detail for step in deployment.steps)
    assert b"former-bucket" not in stage.server.state.objects["/vpc-flow-logs/test/deployment.json"].content


def test_a_stored_stream_without_a_checkpoint_counts_as_the_same_stream(stage: Stage, account: Account) -> None:
    spec = stage.spec()
    stage.deploy(spec)
    memory = stage.server.state.objects["/vpc-flow-logs/test/deployment.json"]
    older = json.loads(memory.content)
    assert older["streams"][0].pop("checkpoint") == CHECKPOINT
    memory.content = json.dumps(older).encode()
    tags = {"checkpointLocation": CHECKPOINT, "path": "spelled another way"}
    account.stream("databricks-auto-ingest-1", tags=tags)
    stage.deploy(spec)
    assert account.names() == _only("databricks-auto-ingest-1"), "the deployment removed the running job's stream"
    stage.destroy(spec)
    assert account.names() == NOTHING


def test_destroy_without_stored_state_removes_the_streams_of_the_environment_file(
    stage: Stage, account: Account
) -> None:
    stage.deploy(stage.spec())
    account.stream("databricks-auto-ingest-1")
    del stage.server.state.objects["/vpc-flow-logs/test/deployment.json"]
    stage.destroy(stage.spec())
    assert account.names() == NOTHING


def test_switching_away_from_auto_loader_without_stored_state_removes_the_former_stream(
    stage: Stage, account: Account
) -> None:
    before = stage.spec()
    stage.deploy(before)
    account.stream("databricks-auto-ingest-1")
    del stage.server.state.objects["/vpc-flow-logs/test/deployment.json"]
    stage.deploy(stage.spec(OFF), previous_streams=[before.logs])
    assert account.names() == NOTHING


def test_settings_from_an_older_version_have_an_empty_checkpoint(stage: Stage) -> None:
    raw = json.loads(stage.spec().to_json())
    assert raw["logs"].pop("checkpoint") == CHECKPOINT
    older = WorkspaceSpec.from_json(json.dumps(raw))
    assert older.logs.checkpoint == ""
    assert older.logs == stage.spec().logs
