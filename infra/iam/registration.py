"""Permissions of the functions that register the reader with the workspace: two of this repository, and those of CDK.

CloudFormation calls the provider, a CDK function, which calls the registration function. The provider then starts the
waiter, a CDK state machine. The waiter calls the check function through the provider's check until the registration is
complete or times out.
"""

from __future__ import annotations

from collections.abc import Sequence

from infra.iam.notifications import CHOSEN_NAME, unsubscribe, write_log
from infra.iam.statement import Statement, service


def trust() -> tuple[Statement, ...]:
    """Return the trust policy of a function's role."""
    return (
        Statement(
            sid="Function",
            reason="Lambda runs the function with this role",
            principals=service("lambda"),
            actions=("sts:AssumeRole",),
        ),
    )


def waiter_trust(*, account: str) -> tuple[Statement, ...]:
    """Return the trust policy of the waiter's role."""
    return (
        Statement(
            sid="StateMachine",
            reason="Step Functions runs the waiter with this role, if the waiter belongs to this account",
            principals=service("states"),
            actions=("sts:AssumeRole",),
            conditions={"StringEquals": {"aws:SourceAccount": (account,)}},
        ),
    )


def read_secret(*, secret_arn: str) -> Statement:
    """Return the permission to read the workspace credentials."""
    return Statement(
        sid="ReadSecret",
        reason="The credentials for the workspace are in this secret, not in a template",
        actions=("secretsmanager:GetSecretValue",),
        resources=(secret_arn,),
    )


def registration(
    *, secret_arn: str, log_group_arns: Sequence[str], bucket_arn: str, topics_arn: str, queues_arn: str
) -> tuple[Statement, ...]:
    """Return the permissions of the registration function.

    The tear-down starts at the bucket notification, continues to the topic that it names, and ends at the subscribed
    queue. The permissions are the same for every value of ``notifications``, because a change from ``auto-loader`` to
    another value removes the resources that Auto Loader created.
    """
    return (
        write_log(*log_group_arns),
        read_secret(secret_arn=secret_arn),
        Statement(
            sid="TeardownBucketNotification",
            reason="Destroying the stack removes Auto Loader's notification from this bucket and keeps all others",
            actions=("s3:GetBucketNotification", "s3:PutBucketNotification"),
            resources=(bucket_arn,),
        ),
        Statement(
            sid="TeardownTopic",
            reason="Destroying the stack removes the topic that the notification names; its tags identify the owner",
            actions=("sns:DeleteTopic", "sns:ListSubscriptionsByTopic", "sns:ListTagsForResource"),
            resources=(topics_arn,),
            wildcard=CHOSEN_NAME,
        ),
        Statement(
            sid="TeardownQueue",
            reason="Destroying the stack removes the queue that is subscribed to that topic",
            actions=("sqs:DeleteQueue", "sqs:GetQueueUrl"),
            resources=(queues_arn,),
            wildcard=CHOSEN_NAME,
        ),
        unsubscribe("TeardownUnsubscribe"),
    )


def provider(*, log_group_arn: str, function_arn: str, waiter_arn: str) -> tuple[Statement, ...]:
    """Return the permissions of the CDK function that CloudFormation calls."""
    return (
        write_log(log_group_arn),
        *_call(function_arn),
        Statement(
            sid="StartWaiter",
            reason="A run that verifies bucket access takes longer than one call; the waiter checks until it ends",
            actions=("states:StartExecution",),
            resources=(waiter_arn,),
        ),
    )


def provider_check(*, log_group_arn: str, function_arn: str) -> tuple[Statement, ...]:
    """Return the permissions of the CDK functions that the waiter calls.

    One calls the check function, the other reports a timeout to CloudFormation.
    """
    return (write_log(log_group_arn), *_call(function_arn))


def waiter(*, function_arns: Sequence[str]) -> tuple[Statement, ...]:
    """Return the permissions of the CDK state machine: it calls two CDK functions."""
    return (
        Statement(
            sid="CallProvider",
            reason="The waiter lets the provider check whether the registration is complete, and report a timeout",
            actions=("lambda:InvokeFunction",),
            resources=tuple(function_arns),
        ),
    )


def _call(function_arn: str) -> tuple[Statement, ...]:
    """Return the permissions to call a function that may just have been created."""
    return (
        Statement(
            sid="CallRegistration",
            reason="The provider forwards CloudFormation's requests to this one function",
            actions=("lambda:InvokeFunction",),
            resources=(function_arn,),
        ),
        Statement(
            sid="AwaitRegistration",
            reason="A function that was just created or changed accepts no calls yet; the provider waits until it does",
            actions=("lambda:GetFunction",),
            resources=(function_arn,),
        ),
    )
