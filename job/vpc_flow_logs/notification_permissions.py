"""Test the permissions for finding new files: those for Auto Loader's setup, or those for an existing queue.

The tests change nothing. They name a queue or topic that does not exist, or a receipt handle that no message has. Calls
that would change something anyway are left out. AWS checks the permission of the caller before anything else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

from vpc_flow_logs.parameters import Parameters
from vpc_flow_logs.paths import parts, scheme_of
from vpc_flow_logs.permissions import ABSENT, Calls, account_of, bucket_arn, partition
from vpc_flow_logs.trial import Trial, merged

AUTO_INGEST = "databricks-auto-ingest-"
"""Prefix of the names of all AWS resources that Auto Loader creates."""

_INVALID = ("ReceiptHandleIsInvalid", "InvalidParameterValue", "ReadCountOutOfRange")
"""Errors for an invalid receipt handle or number, which only a caller with the permission gets."""
_QUEUE_URL = re.compile(r"https://(?:sqs\.(?P<region>[a-z0-9-]+)\.)?[^/]*/(?P<account>[0-9]{12})/(?P<name>[^/]+)")


def notifications(parameters: Parameters) -> list[Trial]:
    """Test the permissions that the ``--notifications`` mode needs.

    Raises:
        ImportError: boto3 is not installed.
    """
    if scheme_of(parameters.vpc_logs_path) != "s3":
        return []
    if parameters.notifications == "auto-loader":
        return merged(_auto_loader(parameters))
    if parameters.notifications == "queue" and parameters.queue_url:
        return merged(_queue(parameters.queue_url, parameters.region_name))
    return []


def _auto_loader(parameters: Parameters) -> Iterator[Trial]:
    region, bucket = parameters.region_name, parts(parameters.vpc_logs_path)[0]
    s3, sqs, sns = (Calls(service, region=region) for service in ("s3", "sqs", "sns"))
    arn = bucket_arn(bucket, region)
    get = s3.client.get_bucket_notification_configuration
    yield s3.trial("s3:GetBucketNotification", arn, lambda: get(Bucket=bucket))
    yield sqs.trial("sqs:ListQueues", "*", lambda: sqs.client.list_queues(QueueNamePrefix=AUTO_INGEST))
    yield sns.trial("sns:ListTopics", "*", sns.client.list_topics)
    account = account_of(region)
    if account is None:
        yield Trial("untried", "sqs:* and sns:*", f"{AUTO_INGEST}*", "sts:GetCallerIdentity returned no account")
    else:
        # No queue or topic has this name.
        name = f"{AUTO_INGEST}{uuid4()}"
        yield from _missing_queue(sqs, name, account=account, region=region)
        yield from _missing_topic(sns, name, account=account, region=region)
    actions = "s3:PutBucketNotification, sns:CreateTopic, sqs:CreateQueue"
    yield Trial("untried", actions, f"{bucket} and {AUTO_INGEST}*", "a test would create resources")


def _missing_queue(calls: Calls, name: str, *, account: str, region: str) -> Iterator[Trial]:
    url = f"{calls.client.meta.endpoint_url}/{account}/{name}"
    handle, where = "none", f"arn:{partition(region)}:sqs:{region}:{account}:{AUTO_INGEST}*"
    sqs = calls.client
    tried: dict[str, Callable[[], Any]] = {
        "sqs:GetQueueUrl": lambda: sqs.get_queue_url(QueueName=name),
        "sqs:GetQueueAttributes": lambda: sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"]),
        "sqs:SetQueueAttributes": lambda: sqs.set_queue_attributes(QueueUrl=url, Attributes={"DelaySeconds": "0"}),
        "sqs:TagQueue": lambda: sqs.tag_queue(QueueUrl=url, Tags={"vendor": "Databricks"}),
        "sqs:ReceiveMessage": lambda: sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=1),
        "sqs:DeleteMessage": lambda: sqs.delete_message(QueueUrl=url, ReceiptHandle=handle),
    }
    for action, call in tried.items():
        yield calls.trial(action, where, call, granted=ABSENT)


def _missing_topic(calls: Calls, name: str, *, account: str, region: str) -> Iterator[Trial]:
    of_account = f"arn:{partition(region)}:sns:{region}:{account}"
    topic, queue = f"{of_account}:{name}", f"{of_account}:{name}".replace(":sns:", ":sqs:", 1)
    sns, tag = calls.client, [{"Key": "vendor", "Value": "Databricks"}]
    tried: dict[str, Callable[[], Any]] = {
        "sns:GetTopicAttributes": lambda: sns.get_topic_attributes(TopicArn=topic),
        "sns:SetTopicAttributes": lambda: sns.set_topic_attributes(
            TopicArn=topic, AttributeName="DisplayName", AttributeValue="none"
        ),
        "sns:ListSubscriptionsByTopic": lambda: sns.list_subscriptions_by_topic(TopicArn=topic),
        "sns:Subscribe": lambda: sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue),
        "sns:TagResource": lambda: sns.tag_resource(ResourceArn=topic, Tags=tag),
    }
    for action, call in tried.items():
        yield calls.trial(action, f"{of_account}:{AUTO_INGEST}*", call, granted=ABSENT)


def _queue(url: str, region: str) -> Iterator[Trial]:
    match = _QUEUE_URL.fullmatch(url)
    region = (match["region"] if match else None) or region
    name, account = (match["name"], match["account"]) if match else (url.rpartition("/")[2], "")
    calls, where = Calls("sqs", region=region), f"arn:{partition(region)}:sqs:{region}:{account}:{name}"
    sqs, handle = calls.client, "none"
    # No message has this handle. SQS returns at most ten messages per call, so it rejects a call for eleven. If it did
    # return messages, they would be visible again immediately.
    tried: dict[str, Callable[[], Any]] = {
        "sqs:GetQueueAttributes": lambda: sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"]),
        "sqs:ReceiveMessage": lambda: sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=11, VisibilityTimeout=0),
        "sqs:DeleteMessage": lambda: sqs.delete_message(QueueUrl=url, ReceiptHandle=handle),
        "sqs:ChangeMessageVisibility": lambda: sqs.change_message_visibility(
            QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0
        ),
    }
    for action, call in tried.items():
        yield calls.trial(action, where, call, granted=_INVALID)
