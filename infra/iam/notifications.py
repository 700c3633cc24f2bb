"""How the job learns of new files: what Auto Loader may make for itself, or what the stack makes for it.

Source of the actions: https://docs.databricks.com/aws/en/ingestion/cloud-object-storage/auto-loader/file-notification-mode.
The guide's step 8 has two more, ``sqs:DeleteMessageBatch`` and ``sqs:ChangeMessageVisibilityBatch``: IAM has no such
actions; the single ones authorise the batch calls.
"""

from __future__ import annotations

from infra.iam.statement import Statement, only_tls, service

AUTO_INGEST = "databricks-auto-ingest-*"
"""The names of all that Auto Loader makes; it chooses what stands for the ``*``."""

CHOSEN_NAME = (
    "the name is not known before Auto Loader chooses it; all that it makes begins like this, in this account and "
    "region for other streams too"
)
"""Why :data:`AUTO_INGEST` has a wildcard."""

_NO_RESOURCE = "AWS knows no resource for this action but *"


def auto_loader(*, bucket_arn: str, topics_arn: str, queues_arn: str) -> tuple[Statement, ...]:
    """The reader's rights when Auto Loader makes topic, queue and bucket notification by itself.

    ``topics_arn`` and ``queues_arn`` end with :data:`AUTO_INGEST`.
    """
    return (
        Statement(
            sid="AutoLoaderBucketNotification",
            reason="Auto Loader adds its notification to those of the bucket; S3 has no right for one of them alone",
            actions=("s3:GetBucketNotification", "s3:PutBucketNotification"),
            resources=(bucket_arn,),
        ),
        Statement(
            sid="AutoLoaderTopic",
            reason="Auto Loader makes its topic, lets the bucket publish to it and subscribes its queue",
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
            reason="Auto Loader makes its queue, lets the topic send to it, and the job takes messages out of it",
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
            reason="Auto Loader looks whether it has made them already",
            actions=("sns:ListTopics", "sqs:ListQueues"),
            resources=("*",),
            wildcard=_NO_RESOURCE,
        ),
        Statement(
            sid="AutoLoaderTeardownTopic",
            reason="Auto Loader's resource manager removes the topic that it made",
            actions=("sns:DeleteTopic",),
            resources=(topics_arn,),
            wildcard=CHOSEN_NAME,
        ),
        Statement(
            sid="AutoLoaderTeardownQueue",
            reason="Auto Loader's resource manager removes the queue that it made",
            actions=("sqs:DeleteQueue",),
            resources=(queues_arn,),
            wildcard=CHOSEN_NAME,
        ),
        unsubscribe("AutoLoaderUnsubscribe"),
    )


def unsubscribe(sid: str) -> Statement:
    """Removing a subscription, which AWS cannot limit to a topic."""
    return Statement(
        sid=sid,
        reason="a subscription goes with its topic",
        actions=("sns:Unsubscribe",),
        resources=("*",),
        wildcard=_NO_RESOURCE,
    )


def stack_queue_use(*, bucket_arn: str, topic_arn: str, queue_arn: str) -> tuple[Statement, ...]:
    """The reader's rights when the stack has made topic, queue and notification: Databricks' reduced policy."""
    return (
        Statement(
            sid="UseBucketNotification",
            reason="Auto Loader looks at the notification; it cannot change it",
            actions=("s3:GetBucketNotification",),
            resources=(bucket_arn,),
        ),
        Statement(
            sid="UseTopic",
            reason="what Databricks documents for a topic that is there already; only on this topic",
            actions=("sns:GetTopicAttributes", "sns:ListSubscriptionsByTopic", "sns:Publish", "sns:TagResource"),
            resources=(topic_arn,),
        ),
        Statement(
            sid="UseQueue",
            reason="the job takes messages out of this queue; Databricks documents sending and tagging with it",
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
    """Who may publish to the stack's topic: S3, for this bucket."""
    return (
        Statement(
            sid="BucketPublishes",
            reason="S3 tells of new files of this bucket, as long as the bucket is this account's",
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
    """Who may send to the stack's queue: SNS, for the stack's topic."""
    return (
        Statement(
            sid="TopicSends",
            reason="SNS passes on what is published to the stack's topic",
            principals=service("sns"),
            actions=("sqs:SendMessage",),
            resources=(queue_arn,),
            conditions={"ArnEquals": {"aws:SourceArn": (topic_arn,)}},
        ),
        only_tls(sid="DenyPlainHttp", action="sqs:*", resources=(queue_arn,)),
    )


def dead_letters_policy(*, queue_arn: str) -> tuple[Statement, ...]:
    """The dead-letter queue's policy: SQS itself moves messages there and needs no right."""
    return (only_tls(sid="DenyPlainHttp", action="sqs:*", resources=(queue_arn,)),)


def notification_writer(*, bucket_arn: str, log_group_arn: str) -> tuple[Statement, ...]:
    """The rights of the function that sets the bucket's notification and removes it again."""
    return (
        Statement(
            sid="SetNotification",
            reason="the bucket outlives its stack, and CloudFormation cannot take a notification off a bucket that "
            "stays: this function adds the stack's notification, removes it with the stack, and keeps all others",
            actions=("s3:GetBucketNotification", "s3:PutBucketNotification"),
            resources=(bucket_arn,),
        ),
        write_log(log_group_arn),
    )


def write_log(*log_group_arns: str) -> Statement:
    """A function's own log; of several functions with one role, the logs of all."""
    return Statement(
        sid="WriteLog",
        reason="the function writes its own log",
        actions=("logs:CreateLogStream", "logs:PutLogEvents"),
        resources=tuple(f"{arn}:*" for arn in log_group_arns),
        wildcard="the streams of the function's own log; their names are Lambda's choice",
    )
