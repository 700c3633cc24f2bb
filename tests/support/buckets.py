"""Helpers for tests of streams over buckets: the deployed reader role, a bucket, and streams without Spark."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import boto3
import botocore.session

from infra.config import Environment
from infra.environment import names
from infra.iam import policies
from local.aws import Credentials, Emulator
from local.cloud_files import aws
from local.cloud_files.behavior import Behavior
from local.cloud_files.intake import Intake
from local.cloud_files.options import Options
from tests.support.ministack import role

BUCKET = "flow-logs-bucket"
LOGS = "AWSLogs/111122223333/vpcflowlogs/us-east-1/2026/11/24"
PATH = f"s3://{BUCKET}/AWSLogs/*/vpcflowlogs/*"
REGION = "us-east-1"


_DESCRIPTIONS = botocore.session.get_session().get_component("data_loader")
"""Loads boto3's descriptions of the services, and keeps them."""


@dataclass(frozen=True)
class Reusing(Emulator):
    """An emulator that creates one client per service and caller. Each new client opens a new TLS connection."""

    @classmethod
    def of(cls, emulator: Emulator) -> Reusing:
        return cls(**{each.name: getattr(emulator, each.name) for each in fields(emulator)})

    @cache  # noqa: B019 - there is one instance per module
    def client(self, service: str, credentials: Credentials | None = None, *, region: str | None = None) -> Any:
        return super().client(service, credentials, region=region)


def make_bucket(stage: Emulator, environment: Environment) -> None:
    """Create the log bucket with the bucket policy of the stack; the reader role must exist."""
    s3 = stage.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policies.bucket_policy(environment).document))


def documents(environment: Environment) -> dict[str, dict[str, Any]]:
    """Return the inline policies of the reader role, by name."""
    return {policy.name: policy.document for policy in policies.reader_policies(environment)}


def reader(stage: Emulator, environment: Environment, *, without: str | None = None) -> Credentials:
    """Assume the reader role with the policies of the stack, optionally without one action."""
    inline = documents(environment)
    if without is not None:
        kept = {name: without_action(document, without) for name, document in inline.items()}
        assert kept != inline, f"no policy allows {without}"
        inline = kept
    iam, name = stage.client("iam"), environment.reader.role_name
    for policy in _inline_policies(iam, name):
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
    if _exists(iam, name):
        iam.delete_role(RoleName=name)
    return role(stage, name, {policy: json.dumps(document) for policy, document in inline.items()})


def make_stack_notifications(stage: Emulator, environment: Environment, *, bucket: str = BUCKET) -> str:
    """Create topic, queue, subscription and notification as the stack does; return the URL of the queue."""
    sns, sqs, s3 = (stage.client(service) for service in ("sns", "sqs", "s3"))
    topic = sns.create_topic(Name=names.topic_name(environment))["TopicArn"]
    sns.set_topic_attributes(
        TopicArn=topic,
        AttributeName="Policy",
        AttributeValue=json.dumps(policies.topic_policy(environment).document),
    )
    policy = json.dumps(policies.queue_policy(environment).document)
    url = sqs.create_queue(QueueName=names.queue_name(environment), Attributes={"Policy": policy})["QueueUrl"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=names.queue_arn(environment))
    rules = [{"Name": "prefix", "Value": names.logs_prefix(environment)}]
    notification = {"TopicArn": topic, "Events": ["s3:ObjectCreated:*"], "Filter": {"Key": {"FilterRules": rules}}}
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"TopicConfigurations": [notification]}
    )
    return str(url)


def clean(stage: Emulator) -> None:
    """Delete all objects and notifications of the bucket, all topics and all queues."""
    s3, sns, sqs = (stage.client(service) for service in ("s3", "sns", "sqs"))
    s3.put_bucket_notification_configuration(Bucket=BUCKET, NotificationConfiguration={})
    for entry in s3.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        s3.delete_object(Bucket=BUCKET, Key=entry["Key"])
    for topic in sns.list_topics()["Topics"]:
        sns.delete_topic(TopicArn=topic["TopicArn"])
    for url in sqs.list_queues().get("QueueUrls", []):
        sqs.delete_queue(QueueUrl=url)


@contextmanager
def as_caller(stage: Emulator, credentials: Credentials) -> Iterator[None]:
    """Configure boto3 for the emulator and these credentials in the environment variables, as in a job run."""
    aws.client.cache_clear()
    session = mock.patch.object(boto3.session, "Session", _session)
    try:
        with mock.patch.dict("os.environ", stage.environment(credentials), clear=True), session:
            yield
    finally:
        aws.client.cache_clear()


def _session(
    *, botocore_session: botocore.session.Session | None = None, create: type[boto3.session.Session] = boto3.Session
) -> boto3.session.Session:
    """Return a new session that does not read the descriptions again, by default with credentials from variables."""
    core = botocore_session or botocore.session.get_session()
    core.register_component("data_loader", _DESCRIPTIONS)
    return create(botocore_session=core)


class Reading:
    """A stream that the tests drive in place of Spark: offsets, micro-batches and commits."""

    def __init__(self, state: Path, *, path: str = PATH, behavior: Behavior | None = None, **options: str) -> None:
        prefixed = {f"cloudFiles.{name}": value for name, value in options.items() if name != "pathGlobFilter"}
        plain = {name: value for name, value in options.items() if name == "pathGlobFilter"}
        given = {"cloudFiles.format": "binaryFile", "path": path, "cloudFiles.region": REGION, **prefixed, **plain}
        self.options = Options.parse(given)
        self.intake = Intake.open(self.options, state=state / "cloud_files", behavior=behavior or Behavior())
        self._state = state / "offset"
        self.offset = int(self._state.read_text()) if self._state.exists() else self.intake.first

    def batch(self) -> list[str]:
        """Read the available files, commit them, and return their paths."""
        end = self.intake.latest(self.offset)
        paths = [file.path for file in self.intake.files(self.offset, end)]
        self.offset = end
        self._state.write_text(str(end))
        return paths

    def until(self, count: int, *, seconds: float = 90, more: bool = True) -> list[str]:
        """Read until at least `count` files have arrived, and one more batch if `more`; return the sorted paths."""
        paths: list[str] = []
        until(lambda: len(paths.__iadd__(self.batch())) >= count, seconds=seconds)
        return sorted(paths + (self.batch() if more else []))

    def close(self) -> None:
        """Release the state, as a process does when it ends."""
        self.intake._log.close()


def until(condition: Callable[[], bool], *, seconds: float = 90) -> None:
    """Wait until a condition is true; fail after the given time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"the condition was not true within {seconds} s"
        time.sleep(0.1)


def without_action(document: dict[str, Any], action: str) -> dict[str, Any]:
    """Return the policy document with an action removed from every statement."""
    statements = []
    for statement in document["Statement"]:
        allowed = statement["Action"]
        actions = [allowed] if isinstance(allowed, str) else allowed
        kept = [other for other in actions if other != action]
        if kept:
            statements.append({**statement, "Action": kept})
    return {**document, "Statement": statements}


def _exists(iam: Any, name: str) -> bool:
    return any(candidate["RoleName"] == name for candidate in iam.list_roles()["Roles"])


def _inline_policies(iam: Any, name: str) -> list[str]:
    return list(iam.list_role_policies(RoleName=name)["PolicyNames"]) if _exists(iam, name) else []
