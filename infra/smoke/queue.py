"""The queue that tells the job of new files: how many messages wait in it, and in the one for dead letters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import ClientError

from infra import names
from infra.ci_rights import QUALIFIER
from infra.settings import Environment
from infra.workspace.answers import saying

_DENIED = {"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"}
_NO_QUEUE = {"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"}
_MADE_BY_AUTO_LOADER = "databricks-auto-ingest-"

Clients = Callable[[str], Any]
"""Gives boto3's client for a service."""


@dataclass(frozen=True)
class QueueSeen:
    """A queue.

    Attributes:
        name: of the queue.
        waiting: messages that nobody has taken yet.
        taken: messages that somebody has taken and not yet deleted.
        dead_letters: messages that were taken too often; None where the queue has no place for them.
    """

    name: str
    waiting: int
    taken: int = 0
    dead_letters: int | None = None


def look(environment: Environment) -> list[QueueSeen] | None:
    """The queues of an environment, none where there is none yet; None where the job lists the bucket.

    Looks with the caller's rights or, if they do not reach so far, with the role that `cdk bootstrap` made for looking.

    Raises:
        DeploymentError: AWS refuses it.
    """
    if environment.job.notifications == "off":
        return None
    with saying("Looking at the queue"):
        try:
            return _look(environment, _own(environment))
        except ClientError as error:
            if error.response["Error"]["Code"] not in _DENIED:
                raise
        return _look(environment, _for_looking(environment))


def _look(environment: Environment, client: Clients) -> list[QueueSeen]:
    sqs = client("sqs")
    if environment.job.notifications == "auto-loader":
        return [QueueSeen(name, *found) for name in _auto_loaders(environment, client) if (found := _counts(sqs, name))]
    name = names.queue_name(environment)
    found, dead = _counts(sqs, name), _counts(sqs, names.dead_letters_name(environment))
    return [QueueSeen(name, *found, dead_letters=sum(dead) if dead else None)] if found else []


def _auto_loaders(environment: Environment, client: Clients) -> list[str]:
    """The names of Auto Loader's queues for the bucket: it gives queue and topic the same."""
    try:
        told = client("s3").get_bucket_notification_configuration(Bucket=environment.log_bucket.name)
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchBucket":
            return []
        raise
    topics = [entry["TopicArn"].rsplit(":", 1)[-1] for entry in told.get("TopicConfigurations", [])]
    return sorted({name for name in topics if name.startswith(_MADE_BY_AUTO_LOADER)})


def _counts(sqs: Any, name: str) -> tuple[int, int] | None:
    """Messages that wait and messages that are taken; None if there is no such queue."""
    try:
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        asked = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        told = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=asked)["Attributes"]
    except ClientError as error:
        if error.response["Error"]["Code"] in _NO_QUEUE:
            return None
        raise
    return int(told[asked[0]]), int(told[asked[1]])


def _own(environment: Environment) -> Clients:
    client: Clients = boto3.Session(region_name=environment.aws.region).client
    return client


def _for_looking(environment: Environment) -> Clients:
    aws = environment.aws
    role = f"cdk-{QUALIFIER}-lookup-role-{aws.account}-{aws.region}"
    arn = f"arn:{names.partition(aws.region)}:iam::{aws.account}:role/{role}"
    given = _own(environment)("sts").assume_role(RoleArn=arn, RoleSessionName="smoke")["Credentials"]
    client: Clients = boto3.Session(
        region_name=aws.region,
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    ).client
    return client
