"""Count the messages in the queue of new files and in its dead-letter queue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from infra.environment import deliveries, names
from infra.environment.schema import Environment
from infra.smoke.aws import Clients, read_aws
from infra.workspace.aws import auto_loader
from infra.workspace.aws.arn import Arn
from infra.workspace.spec import Logs

_NO_QUEUE = {"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"}
_NO_TOPIC = {"NotFound", "NotFoundException"}


@dataclass(frozen=True)
class ObservedQueue:
    """A queue and its message counts.

    Attributes:
        name: Name of the queue.
        waiting: Number of messages that the job has not received yet.
        in_flight: Number of messages that were received but not deleted yet.
        dead_letters: Number of messages that were received too many times; None without a dead-letter queue.
    """

    name: str
    waiting: int
    in_flight: int = 0
    dead_letters: int | None = None


def observe(environment: Environment) -> list[ObservedQueue] | None:
    """Return the queues of an environment: an empty list before they exist, None if the job lists the bucket.

    Raises:
        DeploymentError: AWS denies access or rejects the request.
    """
    if environment.job.notifications == "off":
        return None
    return read_aws("Reading the queue", environment, lambda client: _observe(environment, client))


def _observe(environment: Environment, client: Clients) -> list[ObservedQueue]:
    sqs = client("sqs")
    if environment.job.notifications == "auto-loader":
        queues = _auto_loaders(environment, client)
        return [
            ObservedQueue(name, *counts) for name, owner in queues if (counts := _counts(sqs, name, owner)) is not None
        ]
    name, owner = names.queue_name(environment), environment.aws.account
    counts, dead = _counts(sqs, name, owner), _counts(sqs, names.dead_letters_name(environment), owner)
    return [ObservedQueue(name, *counts, dead_letters=sum(dead) if dead else None)] if counts else []


def _auto_loaders(environment: Environment, client: Clients) -> list[tuple[str, str]]:
    """Return the name and account of each queue that receives events for the job's files from an Auto Loader topic.

    Follow the bucket's notifications to topics and their subscriptions, because Databricks does not document that a
    topic and its queue have the same name.
    """
    bucket = environment.log_bucket.name
    logs = Logs(bucket=bucket, prefix=names.logs_prefix(environment), path=deliveries.logs_path(environment))
    try:
        notifications = client("s3").get_bucket_notification_configuration(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchBucket":
            return []
        raise
    topics = {
        entry["TopicArn"]
        for entry in notifications.get("TopicConfigurations", [])
        if auto_loader.has_auto_loader_name(entry["TopicArn"]) and auto_loader.covers_files_of(entry, [logs])
    }
    subscribed = {queue for topic in topics for queue in _subscribed(client("sns"), topic)}
    queues = [Arn.parse(queue) for queue in subscribed if auto_loader.has_auto_loader_name(queue)]
    return sorted((queue.resource, queue.account) for queue in queues)


def _subscribed(sns: Any, topic: str) -> list[str]:
    """Return the ARNs of the queues that subscribe to a topic, or an empty list if the topic does not exist."""
    queues: list[str] = []
    try:
        for page in sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic):
            queues += [each["Endpoint"] for each in page.get("Subscriptions", []) if each["Protocol"] == "sqs"]
    except ClientError as error:
        if error.response["Error"]["Code"] not in _NO_TOPIC:
            raise
    return queues


def _counts(sqs: Any, name: str, owner: str) -> tuple[int, int] | None:
    """Return the numbers of waiting and received messages, or None if the queue does not exist."""
    try:
        url = sqs.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=owner)["QueueUrl"]
        attributes = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=attributes)["Attributes"]
    except ClientError as error:
        if error.response["Error"]["Code"] in _NO_QUEUE:
            return None
        raise
    return int(counts[attributes[0]]), int(counts[attributes[1]])
