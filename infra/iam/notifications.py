"""Permissions for file notification mode: for Auto Loader to create its own resources, or to use those of the stack.

Source of the actions: https://docs.databricks.com/aws/en/ingestion/cloud-object-storage/auto-loader/file-notification-mode.
The guide's step 8 also lists ``sqs:DeleteMessageBatch`` and ``sqs:ChangeMessageVisibilityBatch``. IAM has no such
actions; the actions without ``Batch`` authorize the batch calls.
"""

from __future__ import annotations

from infra.iam.statement import Statement, only_tls, service

AUTO_INGEST = "databricks-auto-ingest-*"
"""Name pattern of the topics and queues that Auto Loader creates. Auto Loader chooses the part that ``*`` matches."""

CHOSEN_NAME = (
    "Auto Loader chooses the rest of the name when it creates the resource. The pattern also matches the resources of "
    "other streams in this account and region"
)
"""Reason for the wildcard in :data:`AUTO_INGEST`."""

_NO_RESOURCE = "AWS supports only * as the resource of this action"


def auto_loader(*, bucket_arn: str, topics_arn: str, queues_arn: str) -> tuple[Statement, ...]:
    """Return the reader's permissions if Auto Loader creates the topic, the queue and the bucket notification.

    ``topics_arn`` and ``queues_arn`` end with :data:`AUTO_INGEST`.
    """
    return (
        Statement(
            sid="AutoLoaderBucketNotification",
            reason="Auto Loader adds its notification to the bucket; S3 cannot limit permissions to one notification",
            actions=("s3:GetBucketNotification", "s3:PutBucketNotification"),
            resources=(bucket_arn,),
        ),
        Statement(
            sid="AutoLoaderTopic",
            reason="Auto Loader creates its topic, lets the bucket publish to it and subscribes its queue",
            actions=(
                "sns:CreateTopic",
                "sns:GetTopicAttributes",
                "sns:ListSubscriptionsByTopic",
                "sns:Publish",
                "sns:SetTopicAttributes",
                "sns:Subscribe",
                "sns:TagResource",
            ),
            resources=(topics_arn,),
            wildcard=CHOSEN_NAME,
        ),
        Statement(
            sid="AutoLoaderQueue",
            reason="Auto Loader creates its queue and lets the topic send to it; the job receives and deletes messages",
            actions=(
                "sqs:ChangeMessageVisibility",
                "sqs:CreateQueue",
                "sqs:DeleteMessage",
                "sqs:GetQueueAttributes",
                "sqs:GetQueueUrl",
                "sqs:ListQueueTags",
                "sqs:ReceiveMessage",
                "sqs:SendMessage",
                "sqs:SetQueueAttributes",
                "sqs:TagQueue",
            ),
            resources=(queues_arn,),
            wildcard=CHOSEN_NAME,
        ),
        Statement(
            sid="AutoLoaderList",
            reason="Auto Loader checks whether its topic and queue already exist",
            actions=("sns:ListTopics", "sqs:ListQueues"),
            resources=("*",),
            wildcard=_NO_RESOURCE,
        ),
        Statement(
            sid="AutoLoaderTeardownTopic",
            reason="Auto Loader's resource manager removes the topic that it created",
            actions=("sns:DeleteTopic",),
            resources=(topics_arn,),
            wildcard=CHOSEN_NAME,
        ),
        Statement(
            sid="AutoLoaderTeardownQueue",
            reason="Auto Loader's resource manager removes the queue that it created",
            actions=("sqs:DeleteQueue",),
            resources=(queues_arn,),
            wildcard=CHOSEN_NAME,
        ),
        unsubscribe("AutoLoaderUnsubscribe"),
    )


def unsubscribe(sid: str) -> Statement:
    """Return the permission to remove a subscription. AWS cannot limit it to a topic."""
    return Statement(
        sid=sid,
        reason="The subscription is removed with its topic",
        actions=("sns:Unsubscribe",),
        resources=("*",),
        wildcard=_NO_RESOURCE,
    )


def stack_queue_use(*, bucket_arn: str, topic_arn: str, queue_arn: str) -> tuple[Statement, ...]:
    """Return the reader's permissions if the stack creates the resources: the reduced policy of Databricks."""
    return (
        Statement(
            sid="UseBucketNotification",
            reason="Auto Loader reads the notification configuration; it cannot change it",
            actions=("s3:GetBucketNotification",),
            resources=(bucket_arn,),
        ),
        Statement(
            sid="UseTopic",
            reason="Databricks documents these actions for an existing topic; here they apply only to this topic",
            actions=("sns:GetTopicAttributes", "sns:ListSubscriptionsByTopic", "sns:Publish", "sns:TagResource"),
            resources=(topic_arn,),
        ),
        Statement(
            sid="UseQueue",
            reason="The job receives and deletes messages in this queue; Databricks also documents sending and tagging",
            actions=(
                "sqs:ChangeMessageVisibility",
                "sqs:DeleteMessage",
                "sqs:GetQueueAttributes",
                "sqs:GetQueueUrl",
                "sqs:ReceiveMessage",
                "sqs:SendMessage",
                "sqs:TagQueue",
            ),
            resources=(queue_arn,),
        ),
    )


def topic_policy(*, topic_arn: str, bucket_arn: str, account: str) -> tuple[Statement, ...]:
    """Return the topic policy: S3 may publish to the stack's topic, for this bucket."""
    return (
        Statement(
            sid="BucketPublishes",
            reason="S3 publishes events for new files in this bucket, if the bucket belongs to this account",
            principals=service("s3"),
            actions=("sns:Publish",),
            resources=(topic_arn,),
            conditions={
                "StringEquals": {"aws:SourceAccount": (account,)},
                "ArnEquals": {"aws:SourceArn": (bucket_arn,)},
            },
        ),
        only_tls(sid="DenyPlainHttp", action="sns:Publish", resources=(topic_arn,)),
    )


def queue_policy(*, queue_arn: str, topic_arn: str) -> tuple[Statement, ...]:
    """Return the queue policy: SNS may send to the stack's queue, for the stack's topic."""
    return (
        Statement(
            sid="TopicSends",
            reason="SNS forwards the messages that are published to the stack's topic",
            principals=service("sns"),
            actions=("sqs:SendMessage",),
            resources=(queue_arn,),
            conditions={"ArnEquals": {"aws:SourceArn": (topic_arn,)}},
        ),
        only_tls(sid="DenyPlainHttp", action="sqs:*", resources=(queue_arn,)),
    )


def dead_letters_policy(*, queue_arn: str) -> tuple[Statement, ...]:
    """Return the policy of the dead-letter queue. SQS needs no permission to move messages there."""
    return (only_tls(sid="DenyPlainHttp", action="sqs:*", resources=(queue_arn,)),)


def notification_writer(*, bucket_arn: str, log_group_arn: str) -> tuple[Statement, ...]:
    """Return the permissions of the function that sets and removes the bucket notification."""
    return (
        Statement(
            sid="SetNotification",
            reason="The bucket outlives its stack, and CloudFormation cannot remove a notification from a bucket that "
            "stays. This function adds the stack's notification, removes it with the stack, and keeps all others",
            actions=("s3:GetBucketNotification", "s3:PutBucketNotification"),
            resources=(bucket_arn,),
        ),
        write_log(log_group_arn),
    )


def write_log(*log_group_arns: str) -> Statement:
    """Return the permission to write to the log of a function, or to the logs of all functions that share a role."""
    return Statement(
        sid="WriteLog",
        reason="The function writes to its own log",
        actions=("logs:CreateLogStream", "logs:PutLogEvents"),
        resources=tuple(f"{arn}:*" for arn in log_group_arns),
        wildcard="All streams of the function's log group; Lambda chooses their names",
    )
