"""Remove what Auto Loader created in AWS: queue, subscription, topic, and the bucket's notification.

Auto Loader removes nothing itself. Only notifications of this bucket that `infra.workspace.aws.auto_loader` recognizes
are ours. Every other one stays as it is; one that covers our files and stays is reported with the reason.
Source: https://docs.databricks.com/aws/en/ingestion/cloud-object-storage/auto-loader/file-notification-mode
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from infra.workspace.aws import auto_loader
from infra.workspace.explain import saying
from infra.workspace.spec import Logs
from infra.workspace.step import Step

_GONE = {
    "NoSuchBucket", "NotFound", "NotFoundException", "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue",
    "ResourceNotFound", "ResourceNotFoundException",
}  # fmt: skip


@dataclass(frozen=True)
class Aws:
    """boto3 clients for S3, SNS and SQS, in the region of the bucket."""

    s3: Any
    sns: Any
    sqs: Any


def tear_down(aws: Aws, streams: Sequence[Logs]) -> list[Step]:
    """Remove what Auto Loader created for streams, and report what stays. What is already gone is not an error.

    The bucket's notification goes last: it leads to the rest, also in a second try.
    """
    steps = []
    for bucket in sorted({stream.bucket for stream in streams}):
        of_bucket = [stream for stream in streams if stream.bucket == bucket]
        with saying(f"Removing what Auto Loader created for the bucket {bucket}"):
            ours, others = _sorted_out(aws, bucket, of_bucket)
            for topic in sorted({entry["TopicArn"] for entry in ours}):
                steps += _remove_topic(aws, topic)
            if ours:
                _drop_entries(aws, bucket, {entry["Id"] for entry in ours})
                steps.append(Step("bucket notification", "removed", f"{len(ours)} of Auto Loader's on {bucket}"))
            steps += others
    return steps


def _sorted_out(aws: Aws, bucket: str, streams: Sequence[Logs]) -> tuple[list[dict[str, Any]], list[Step]]:
    """Return the bucket's notifications that are ours, and a step for each that covers our files and stays."""
    ours, others = [], []
    for entry in _notification(aws, bucket).get("TopicConfigurations", []):
        if not auto_loader.is_auto_loaders(entry["TopicArn"]):
            continue
        tags = _tags(aws, entry["TopicArn"])
        if auto_loader.is_ours(entry, tags, streams):
            ours.append(entry)
        elif auto_loader.may_be_ours(entry, streams):
            others.append(Step("bucket notification", "unchanged", _why_it_stays(entry, tags, streams)))
    return ours, others


def _why_it_stays(entry: dict[str, Any], tags: dict[str, str], streams: Sequence[Logs]) -> str:
    paths = ", ".join(sorted({stream.path for stream in streams}))
    return (
        f"left {entry['Id']} to {entry['TopicArn']}: it covers files of {paths}, but names another stream "
        f"({auto_loader.described(entry, tags)}). If no other job uses it, delete the notification, the topic and the "
        "queue that subscribes to it"
    )


def _notification(aws: Aws, bucket: str) -> dict[str, Any]:
    with _gone_is_fine():
        found = aws.s3.get_bucket_notification_configuration(Bucket=bucket)
        return {key: value for key, value in found.items() if key != "ResponseMetadata"}
    return {}


def _drop_entries(aws: Aws, bucket: str, ids: set[str]) -> None:
    # Read again: S3 has only the whole configuration, and others may have changed it since.
    found = _notification(aws, bucket)
    kept = [entry for entry in found.get("TopicConfigurations", []) if entry["Id"] not in ids]
    others = {key: value for key, value in found.items() if key != "TopicConfigurations"}
    aws.s3.put_bucket_notification_configuration(
        Bucket=bucket,
        NotificationConfiguration={**others, "TopicConfigurations": kept} if kept else others,
        # This call does not test whether the topics and queues of others still accept messages.
        SkipDestinationValidation=True,
    )


def _tags(aws: Aws, topic: str) -> dict[str, str]:
    with _gone_is_fine():
        return {tag["Key"]: tag["Value"] for tag in aws.sns.list_tags_for_resource(ResourceArn=topic).get("Tags", [])}
    return {}


def _remove_topic(aws: Aws, topic: str) -> list[Step]:
    """Remove queue, then subscription, then topic: each leads to the one before it."""
    steps = []
    subscriptions = _subscriptions(aws, topic)
    # Equal names are not promised, but where they are equal they lead to a queue whose subscription is gone.
    queues = {topic.replace(":sns:", ":sqs:")}
    queues |= {found["Endpoint"] for found in subscriptions if found["Protocol"] == "sqs"}
    for queue in sorted(queues):
        if not auto_loader.is_auto_loaders(queue):
            steps.append(Step("queue", "unchanged", f"left {queue}: its name is not one of Auto Loader's"))
        elif _delete_queue(aws, queue):
            steps.append(Step("queue", "removed", queue))
    for found in subscriptions:
        if found["SubscriptionArn"].startswith("arn:"):  # not while it waits for a confirmation
            with _gone_is_fine():
                aws.sns.unsubscribe(SubscriptionArn=found["SubscriptionArn"])
    with _gone_is_fine():
        aws.sns.delete_topic(TopicArn=topic)
        steps.append(Step("topic", "removed", topic))
    return steps


def _subscriptions(aws: Aws, topic: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    with _gone_is_fine():
        for page in aws.sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic):
            found += page.get("Subscriptions", [])
    return found


def _delete_queue(aws: Aws, arn: str) -> bool:
    account, name = arn.split(":")[4:6]
    with _gone_is_fine():
        url = aws.sqs.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)["QueueUrl"]
        aws.sqs.delete_queue(QueueUrl=url)
        return True
    return False


@contextmanager
def _gone_is_fine() -> Iterator[None]:
    """Leave the block when what it asks for does not exist."""
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] not in _GONE:
            raise
