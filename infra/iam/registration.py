"""What may be done by what registers the reader with the workspace: our two functions, and CDK's beside them.

CloudFormation calls the provider (CDK's function); that calls the registration function, and has a waiter (CDK's state
machine) ask the check function, by way of the provider's check, until the registration is complete or too late.
"""

from __future__ import annotations

from collections.abc import Sequence

from infra.iam.notifications import CHOSEN_NAME, unsubscribe, write_log
from infra.iam.statement import Statement, service


def trust() -> tuple[Statement, ...]:
    """Who may take on a function's role."""
    return (
        Statement(
            sid="Function",
            reason="Lambda runs the function with this role",
            principals=service("lambda"),
            actions=("sts:AssumeRole",),
        ),
    )


def waiter_trust(*, account: str) -> tuple[Statement, ...]:
    """Who may take on the waiter's role."""
    return (
        Statement(
            sid="StateMachine",
            reason="Step Functions runs the waiter with this role, as long as the waiter is this account's",
            principals=service("states"),
            actions=("sts:AssumeRole",),
            conditions={"StringEquals": {"aws:SourceAccount": (account,)}},
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
    *, secret_arn: str, log_group_arns: Sequence[str], bucket_arn: str, topics_arn: str, queues_arn: str
) -> tuple[Statement, ...]:
    """The function's rights.

    The tear-down begins at the bucket's notification, goes on to the topic named there and to the queue that is
    subscribed; with any ``notifications``, for a change away from ``auto-loader`` takes down what that left.
    """
    return (
        write_log(*log_group_arns),
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


def provider(*, log_group_arn: str, function_arn: str, waiter_arn: str) -> tuple[Statement, ...]:
    """The rights of CDK's function that CloudFormation calls."""
    return (
        write_log(log_group_arn),
        *_call(function_arn),
        Statement(
            sid="StartWaiter",
            reason="a run that proves bucket access outlasts one call: the waiter asks again until it ended",
            actions=("states:StartExecution",),
            resources=(waiter_arn,),
        ),
    )


def provider_check(*, log_group_arn: str, function_arn: str) -> tuple[Statement, ...]:
    """The rights of CDK's functions that the waiter calls: one asks ours, one tells CloudFormation it is too late."""
    return (write_log(log_group_arn), *_call(function_arn))


def waiter(*, function_arns: Sequence[str]) -> tuple[Statement, ...]:
    """The rights of CDK's state machine: calls of CDK's two functions for it."""
    return (
        Statement(
            sid="CallProvider",
            reason="the waiter has the provider ask whether the registration is complete, and say when it is too late",
            actions=("lambda:InvokeFunction",),
            resources=tuple(function_arns),
        ),
    )


def _call(function_arn: str) -> tuple[Statement, ...]:
    """Calling one function, which may have been made a moment ago."""
    return (
        Statement(
            sid="CallRegistration",
            reason="the provider passes on what CloudFormation asks for, to this one function",
            actions=("lambda:InvokeFunction",),
            resources=(function_arn,),
        ),
        Statement(
            sid="AwaitRegistration",
            reason="a function that was just made or changed takes no calls yet: the provider looks until it does",
            actions=("lambda:GetFunction",),
            resources=(function_arn,),
        ),
    )
