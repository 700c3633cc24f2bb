"""Create the AWS resources that Auto Loader creates for a stream: queue, topic, subscription, bucket notification.

Names, tags and calls are those of Auto Loader's file notification mode, and need only the permissions that Databricks
documents.
Source: https://docs.databricks.com/aws/en/ingestion/cloud-object-storage/auto-loader/file-notification-mode
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from local.cloud_files.aws import calling, code, setup_failed
from local.cloud_files.overlaps import KINDS, described, overlapping, rule
from local.cloud_files.values import TAG_CHARACTERS

PREFIX = "databricks-auto-ingest-"
"""The prefix of all names."""

EVENT = "s3:ObjectCreated:*"
_ACCOUNT = "aws:SourceAccount"
RETENTION = 14 * 86_400
"""Seconds that the queue keeps a message, the maximum of SQS. The stream can be stopped for this time."""

_MISSING = {"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist", "NotFound", "NotFoundException"}


@dataclass(frozen=True)
class Clients:
    """boto3 clients for the three services."""

    s3: Any
    sns: Any
    sqs: Any


@dataclass(frozen=True)
class Plan:
    """The resources that a stream needs.

    Attributes:
        stream: the stream's ID, part of all names.
        bucket: the bucket that sends the events.
        prefix: the prefix in the notification's filter.
        tags: the tags of topic and queue.
        same_account: whether to accept only events of buckets in the topic's account
            (``cloudFiles.restrictNotificationSetupToSameAWSAccountId``).
    """

    stream: str
    bucket: str
    prefix: str
    tags: Mapping[str, str]
    same_account: bool = False

    @property
    def name(self) -> str:
        """The name of queue, topic and notification."""
        return f"{PREFIX}{self.stream}"


def tags(*, stream: str, path: str, checkpoint: str) -> dict[str, str]:
    """Return Auto Loader's own tags; characters that AWS does not allow in a value, such as ``*``, become ``_``."""
    values = {"vendor": "Databricks", "path": path, "checkpointLocation": checkpoint, "streamId": stream}
    return {name: re.sub(f"[^{TAG_CHARACTERS}]", "_", value)[:256] for name, value in values.items()}


def ensure(clients: Clients, plan: Plan, *, before_change: Callable[[], None]) -> tuple[str, str]:
    """Find the resources that the stream needs, and create missing ones.

    Args:
        clients: clients with the role's credentials.
        plan: the resources that the stream needs.
        before_change: called before each change, because events may have been lost.

    Returns:
        The queue's URL and ARN.

    Raises:
        CloudFilesError: ``CF_EVENT_NOTIFICATION_SETUP_FAILED``, with the failed call and the reason.
    """
    url, queue = _queue(clients.sqs, plan, before_change)
    topic = queue.replace(":sqs:", ":sns:", 1)
    bucket = f"arn:{topic.split(':')[1]}:s3:::{plan.bucket}"
    _topic(clients.sns, plan, topic=topic, bucket=bucket, before_change=before_change)
    _allow_topic(clients.sqs, url=url, queue=queue, topic=topic, before_change=before_change)
    _subscription(clients.sns, topic=topic, queue=queue, before_change=before_change)
    _notification(clients.s3, plan, topic=topic, bucket=bucket, before_change=before_change)
    return url, queue


def _queue(sqs: Any, plan: Plan, before_change: Callable[[], None]) -> tuple[str, str]:
    with calling("sqs:GetQueueUrl", plan.name, setup=True):
        try:
            url = sqs.get_queue_url(QueueName=plan.name)["QueueUrl"]
        except ClientError as error:
            if code(error) not in _MISSING:
                raise
            url = None
    if url is None:
        before_change()
        with calling("sqs:CreateQueue", plan.name, setup=True):
            url = sqs.create_queue(QueueName=plan.name, Attributes={"MessageRetentionPeriod": str(RETENTION)})[
                "QueueUrl"
            ]
        with calling("sqs:TagQueue", plan.name, setup=True):
            sqs.tag_queue(QueueUrl=url, Tags=dict(plan.tags))
    with calling("sqs:GetQueueAttributes", plan.name, setup=True):
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return str(url), str(arn)


def _topic(sns: Any, plan: Plan, *, topic: str, bucket: str, before_change: Callable[[], None]) -> None:
    account = topic.split(":")[4] if plan.same_account else None
    policy = _policy(action="sns:Publish", resource=topic, source=bucket, account=account)
    with calling("sns:GetTopicAttributes", topic, setup=True):
        try:
            current = sns.get_topic_attributes(TopicArn=topic)["Attributes"].get("Policy")
        except ClientError as error:
            if code(error) not in _MISSING:
                raise
            current = None
    if current is None:
        before_change()
        with calling("sns:CreateTopic", topic, setup=True):
            sns.create_topic(Name=plan.name)
        with calling("sns:TagResource", topic, setup=True):
            listed = [{"Key": key, "Value": value} for key, value in plan.tags.items()]
            sns.tag_resource(ResourceArn=topic, Tags=listed)
    if not _is_policy(current, policy):
        before_change()
        with calling("sns:SetTopicAttributes", topic, setup=True):
            sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps(policy))


def _allow_topic(sqs: Any, *, url: str, queue: str, topic: str, before_change: Callable[[], None]) -> None:
    policy = _policy(action="sqs:SendMessage", resource=queue, source=topic)
    with calling("sqs:GetQueueAttributes", queue, setup=True):
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"]).get("Attributes", {})
    if not _is_policy(attributes.get("Policy"), policy):
        before_change()
        with calling("sqs:SetQueueAttributes", queue, setup=True):
            sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})


def _subscription(sns: Any, *, topic: str, queue: str, before_change: Callable[[], None]) -> None:
    with calling("sns:ListSubscriptionsByTopic", topic, setup=True):
        pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
        if any(each["Endpoint"] == queue for page in pages for each in page["Subscriptions"]):
            return
    before_change()
    with calling("sns:Subscribe", topic, setup=True):
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)


def _notification(s3: Any, plan: Plan, *, topic: str, bucket: str, before_change: Callable[[], None]) -> None:
    with calling("s3:GetBucketNotification", bucket, setup=True):
        answer = s3.get_bucket_notification_configuration(Bucket=plan.bucket)
    answer.pop("ResponseMetadata", None)
    own = {"Id": plan.name, "TopicArn": topic, "Events": [EVENT], "Filter": _filter(plan.prefix)}
    topics = answer.get("TopicConfigurations", [])
    if any(_is_notification(each, own) for each in topics):
        return
    # An outdated entry of this stream would conflict with the new one.
    answer["TopicConfigurations"] = [each for each in topics if each["TopicArn"] != topic]
    other = overlapping(own, [each for kind in KINDS for each in answer.get(kind, [])])
    if other is not None:
        raise setup_failed(
            "OTHER",
            f"s3:PutBucketNotification on {bucket}: InvalidArgument: Configuration is ambiguously defined. Cannot have"
            " overlapping suffixes in two rules if the prefixes are overlapping for the same event type: the new"
            f" notification has the prefix {plan.prefix!r}, and the bucket has {described(other)}; remove that"
            " notification, or set cloudFiles.queueUrl to its queue",
        )
    answer["TopicConfigurations"].append(own)
    before_change()
    with calling("s3:PutBucketNotification", bucket, setup=True):
        s3.put_bucket_notification_configuration(Bucket=plan.bucket, NotificationConfiguration=answer)


def _filter(prefix: str) -> dict[str, Any]:
    return {"Key": {"FilterRules": [{"Name": "prefix", "Value": prefix}]}}


def _is_notification(current: Mapping[str, Any], desired: Mapping[str, Any]) -> bool:
    same_keys = rule(current, "prefix") == rule(desired, "prefix") and not rule(current, "suffix")
    return current["TopicArn"] == desired["TopicArn"] and current["Events"] == desired["Events"] and same_keys


def _policy(*, action: str, resource: str, source: str, account: str | None = None) -> dict[str, Any]:
    own = {"StringEquals": {_ACCOUNT: account}} if account else {}
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "DatabricksAutoIngest",
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": action,
                "Resource": resource,
                "Condition": {"ArnEquals": {"aws:SourceArn": source}, **own},
            }
        ],
    }


def _is_policy(current: str | None, desired: Mapping[str, Any]) -> bool:
    """Compare policies by Sid and account condition only, because AWS returns the rest in a different form."""
    if not current:
        return False
    (own,) = desired["Statement"]
    statements = json.loads(current).get("Statement", [])
    return any(each.get("Sid") == own["Sid"] and _limited(each) == _limited(own) for each in statements)


def _limited(statement: Mapping[str, Any]) -> bool:
    return any(_ACCOUNT in keys for keys in statement.get("Condition", {}).values())
