"""What Auto Loader made in AWS, taken down: queue, subscription, topic, and the bucket's notification entry.

It tears nothing down itself. Only entries of this bucket that lead to a `databricks-auto-ingest-` topic and filter on
what the job reads are ours; every other entry of the bucket's notification stays as it is.
Source: https://docs.databricks.com/aws/en/ingestion/cloud-object-storage/auto-loader/file-notification-mode
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from infra.workspace.answers import saying
from infra.workspace.outcome import Step
from infra.workspace.spec import Logs

_MADE_BY_AUTO_LOADER = "databricks-auto-ingest-"
_GONE = {
    "NoSuchBucket", "NotFound", "NotFoundException", "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue",
    "ResourceNotFound", "ResourceNotFoundException",
}  # fmt: skip


@dataclass(frozen=True)
class Aws:
    """boto3's clients for S3, SNS and SQS, in the region of the bucket."""

    s3: Any
    sns: Any
    sqs: Any


def tear_down(aws: Aws, streams: Sequence[Logs]) -> list[Step]:
    """Take down what Auto Loader made for streams. What is gone already is no error.

    The entry of the bucket goes last: it is what leads to the rest, for a second try as well.
    """
    steps = []
    for bucket in sorted({stream.bucket for stream in streams}):
        of_bucket = [stream for stream in streams if stream.bucket == bucket]
        with saying(f"Taking down what Auto Loader made for the bucket {bucket}"):
            ours = [entry for entry in _entries(aws, bucket) if _is_ours(aws, entry, of_bucket)]
            topics = sorted({entry["TopicArn"] for entry in ours})
            for topic in topics:
                steps += _take_down_topic(aws, topic)
            if ours:
                _drop_entries(aws, bucket, {entry["Id"] for entry in ours})
                steps.append(Step("bucket notification", "removed", f"{len(ours)} of Auto Loader's on {bucket}"))
    return steps


def _entries(aws: Aws, bucket: str) -> list[dict[str, Any]]:
    return list(_notification(aws, bucket).get("TopicConfigurations", []))


def _notification(aws: Aws, bucket: str) -> dict[str, Any]:
    with _gone_is_fine():
        found = aws.s3.get_bucket_notification_configuration(Bucket=bucket)
        return {key: value for key, value in found.items() if key != "ResponseMetadata"}
    return {}


def _drop_entries(aws: Aws, bucket: str, ids: set[str]) -> None:
    # Read anew: S3 knows only the whole configuration, and others may have changed it since.
    found = _notification(aws, bucket)
    kept = [entry for entry in found.get("TopicConfigurations", []) if entry["Id"] not in ids]
    others = {key: value for key, value in found.items() if key != "TopicConfigurations"}
    aws.s3.put_bucket_notification_configuration(
        Bucket=bucket,
        NotificationConfiguration={**others, "TopicConfigurations": kept} if kept else others,
        # Whether the topics and queues of others still take messages is not for this call to find out.
        SkipDestinationValidation=True,
    )


def _is_ours(aws: Aws, entry: dict[str, Any], streams: Iterable[Logs]) -> bool:
    topic = entry["TopicArn"]
    if not topic.rsplit(":", 1)[-1].startswith(_MADE_BY_AUTO_LOADER):
        return False
    filters = _filter_prefix(entry)
    tagged = _tagged_path(aws, topic)
    return any(
        filters.startswith(stream.prefix.rstrip("/"))
        and (_bare(tagged) == _bare(stream.path) if tagged else filters.rstrip("/") == _own_prefix(stream))
        for stream in streams
    )


def _own_prefix(stream: Logs) -> str:
    """What Auto Loader filters on for a path: all before its first wildcard."""
    key = _bare(stream.path).partition("/")[2]
    return re.split(r"[*?\[{]", key, maxsplit=1)[0].rstrip("/")


def _filter_prefix(entry: dict[str, Any]) -> str:
    rules = entry.get("Filter", {}).get("Key", {}).get("FilterRules", [])
    return next((rule["Value"] for rule in rules if rule["Name"].lower() == "prefix"), "")


def _tagged_path(aws: Aws, topic: str) -> str | None:
    with _gone_is_fine():
        tags = aws.sns.list_tags_for_resource(ResourceArn=topic).get("Tags", [])
        return next((tag["Value"] for tag in tags if tag["Key"] == "path"), None)
    return None


def _take_down_topic(aws: Aws, topic: str) -> list[Step]:
    """Queue first, then subscription, then topic: each leads to the one before it."""
    steps = []
    subscriptions = _subscriptions(aws, topic)
    # Auto Loader gives both one name; so a queue whose subscription is gone is found as well.
    queues = {topic.replace(":sns:", ":sqs:")}
    queues |= {found["Endpoint"] for found in subscriptions if found["Protocol"] == "sqs"}
    for queue in sorted(queues):
        if queue.rsplit(":", 1)[-1].startswith(_MADE_BY_AUTO_LOADER) and _delete_queue(aws, queue):
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


def _bare(path: str) -> str:
    """A path without scheme, wildcard at its end, and slashes."""
    return re.sub(r"^[a-z0-9]+://", "", path).rstrip("/").removesuffix("/*").rstrip("/")


@contextmanager
def _gone_is_fine() -> Iterator[None]:
    """Leave the block when what it asks for does not exist."""
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] not in _GONE:
            raise
