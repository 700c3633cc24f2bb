"""What the function may do that registers the reader with the workspace: its log, one secret, and the tear-down."""

from __future__ import annotations

from infra.policies.notifications import CHOSEN_NAME, unsubscribe, write_log
from infra.policies.statement import Statement, service


def trust() -> tuple[Statement, ...]:
    """Who may take on the function's role."""
    return (
        Statement(
            sid="Function",
            reason="Lambda runs the function with this role",
            principals=service("lambda"),
            actions=("sts:AssumeRole",),
        ),
    )


def read_secret(*, secret_arn: str) -> Statement:
    """The workspace's credentials."""
    return Statement(
        sid="ReadSecret",
        reason="the credentials for the workspace are in this secret, and in no template",
        actions=("secretsmanager:GetSecretValue",),
        resources=(secret_arn,),
    )


def registration(
    *, secret_arn: str, log_group_arn: str, bucket_arn: str, topics_arn: str, queues_arn: str
) -> tuple[Statement, ...]:
    """The function's rights.

    The tear-down begins at the bucket's notification, goes on to the topic named there and to the queue that is
    subscribed; with any ``notifications``, for a change away from ``auto-loader`` takes down what that left.
    """
    return (
        write_log(log_group_arn),
        read_secret(secret_arn=secret_arn),
        Statement(
            sid="TeardownBucketNotification",
            reason="destroying the stack removes Auto Loader's notification from this bucket and keeps all others",
            actions=("s3:GetBucketNotification", "s3:PutBucketNotification"),
            resources=(bucket_arn,),
        ),
        Statement(
            sid="TeardownTopic",
            reason="destroying the stack removes the topic that the notification named; its tags say whose it is",
            actions=("sns:DeleteTopic", "sns:ListSubscriptionsByTopic", "sns:ListTagsForResource"),
            resources=(topics_arn,),
            wildcard=CHOSEN_NAME,
        ),
        Statement(
            sid="TeardownQueue",
            reason="destroying the stack removes the queue that was subscribed to that topic",
            actions=("sqs:DeleteQueue", "sqs:GetQueueUrl"),
            resources=(queues_arn,),
            wildcard=CHOSEN_NAME,
        ),
        unsubscribe("TeardownUnsubscribe"),
    )
