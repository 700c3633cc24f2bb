"""Remove the AWS resources that Auto Loader created: queue, subscription, topic, and the bucket's notification.

Auto Loader does not remove them. Only notifications of this bucket that `infra.workspace.aws.auto_loader` recognizes
belong to this deployment. All others stay unchanged; those that cover this deployment's files are reported.
Source: https://docs.databricks.com/aws/en/ingestion/cloud-object-storage/auto-loader/file-notification-mode
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from botocore.exceptions import ClientError

from infra.workspace.aws import auto_loader
from infra.workspace.aws.arn import Arn
from infra.workspace.errors import DeploymentError, composed
from infra.workspace.explain import explaining
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
    """Remove Auto Loader's resources for streams, and report what stays. Missing resources are not an error.

    The bucket's notification is removed last, because a second attempt finds the other resources through it.
    """
    steps = []
    for bucket in sorted({stream.bucket for stream in streams}):
        of_bucket = [stream for stream in streams if stream.bucket == bucket]
        with explaining(f"Removing Auto Loader's resources for the bucket {bucket}"):
            own, others = _classified(aws, bucket, of_bucket)
            for topic in sorted({entry["TopicArn"] for entry in own}):
                steps += _remove_topic(aws, topic)
            if own:
                _drop_entries(aws, bucket, {entry["Id"] for entry in own})
                steps.append(Step("bucket notification", "removed", f"{len(own)} created by Auto Loader on {bucket}"))
            steps += others
    return steps


def tear_down_reachable(aws: Aws, streams: Sequence[Logs], *, bucket: str) -> tuple[list[Step], list[Logs]]:
    """Remove Auto Loader's resources; return the steps, and the streams of former buckets without permissions.

    The function has permissions only on ``bucket``, that of the settings. Streams of other buckets stay in the memory
    because a deployment by hand may have permissions on them.
    """
    steps = tear_down(aws, [stream for stream in streams if stream.bucket == bucket])
    kept = []
    for stream in streams:
        if stream.bucket != bucket:
            try:
                steps += tear_down(aws, [stream])
            except DeploymentError as error:
                kept.append(stream)
                advice = "A deployment by hand with permissions on that bucket removes them"
                text = composed(f"left for {stream.bucket}", detail=str(error), advice=advice)
                steps.append(Step("Auto Loader resources", "unchanged", text))
    return steps, kept


def _classified(aws: Aws, bucket: str, streams: Sequence[Logs]) -> tuple[list[dict[str, Any]], list[Step]]:
    """Return this deployment's notifications on the bucket, and a step for each other one that covers its files."""
    own, others = [], []
    for entry in _notification(aws, bucket).get("TopicConfigurations", []):
        if not auto_loader.has_auto_loader_name(entry["TopicArn"]):
            continue
        tags = _tags(aws, entry["TopicArn"])
        if auto_loader.was_created_by(entry, tags, streams):
            own.append(entry)
        elif auto_loader.covers_files_of(entry, streams):
            others.append(Step("bucket notification", "unchanged", _why_it_stays(entry, tags, streams)))
    return own, others


def _why_it_stays(entry: dict[str, Any], tags: dict[str, str], streams: Sequence[Logs]) -> str:
    paths = ", ".join(sorted({stream.path for stream in streams}))
    return (
        f"left {entry['Id']} to {entry['TopicArn']}: it covers files of {paths}, but belongs to another stream "
        f"({auto_loader.described(entry, tags)}). If no job uses it, delete the notification, the topic and the "
        "queue that subscribes to it"
    )


def _notification(aws: Aws, bucket: str) -> dict[str, Any]:
    with _ignore_missing():
        response = aws.s3.get_bucket_notification_configuration(Bucket=bucket)
        return {key: value for key, value in response.items() if key != "ResponseMetadata"}
    return {}


def _drop_entries(aws: Aws, bucket: str, ids: set[str]) -> None:
    # Read again: S3 replaces the whole configuration, and others may have changed it since the first read.
    current = _notification(aws, bucket)
    remaining = [entry for entry in current.get("TopicConfigurations", []) if entry["Id"] not in ids]
    others = {key: value for key, value in current.items() if key != "TopicConfigurations"}
    aws.s3.put_bucket_notification_configuration(
        Bucket=bucket,
        NotificationConfiguration={**others, "TopicConfigurations": remaining} if remaining else others,
        # Without this, the call fails if topics or queues of others no longer accept messages.
        SkipDestinationValidation=True,
    )


def _tags(aws: Aws, topic: str) -> dict[str, str]:
    with _ignore_missing():
        return {tag["Key"]: tag["Value"] for tag in aws.sns.list_tags_for_resource(ResourceArn=topic).get("Tags", [])}
    return {}


def _remove_topic(aws: Aws, topic: str) -> list[Step]:
    """Remove queue, subscription and topic in this order, because each is found through the next."""
    steps = []
    subscriptions = _subscriptions(aws, topic)
    # The topic and the queue may have the same name; this also finds a queue without a subscription.
    queues = {str(replace(Arn.parse(topic), service="sqs"))}
    queues |= {subscription["Endpoint"] for subscription in subscriptions if subscription["Protocol"] == "sqs"}
    for queue in sorted(queues):
        if not auto_loader.has_auto_loader_name(queue):
            steps.append(Step("queue", "unchanged", f"left {queue}: its name does not begin with {auto_loader.PREFIX}"))
        elif _delete_queue(aws, queue):
            steps.append(Step("queue", "removed", queue))
    for subscription in subscriptions:
        if subscription["SubscriptionArn"].startswith("arn:"):  # not while it waits for a confirmation
            with _ignore_missing():
                aws.sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
    with _ignore_missing():
        aws.sns.delete_topic(TopicArn=topic)
        steps.append(Step("topic", "removed", topic))
    return steps


def _subscriptions(aws: Aws, topic: str) -> list[dict[str, Any]]:
    subscriptions: list[dict[str, Any]] = []
    with _ignore_missing():
        for page in aws.sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic):
            subscriptions += page.get("Subscriptions", [])
    return subscriptions


def _delete_queue(aws: Aws, arn: str) -> bool:
    queue = Arn.parse(arn)
    with _ignore_missing():
        url = aws.sqs.get_queue_url(QueueName=queue.resource, QueueOwnerAWSAccountId=queue.account)["QueueUrl"]
        aws.sqs.delete_queue(QueueUrl=url)
        return True
    return False


@contextmanager
def _ignore_missing() -> Iterator[None]:
    """Suppress the errors that AWS returns for a resource that does not exist."""
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] not in _GONE:
            raise
