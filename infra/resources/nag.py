"""Accepted cdk-nag findings, each acknowledged with a reason. Any other finding fails the tests."""

from __future__ import annotations

from aws_cdk import Acknowledgment, Validations
from constructs import Construct

from infra.iam import Policy


def acknowledge(construct: Construct, *, rule: str, reason: str) -> None:
    """Acknowledge one finding on a construct by its full ID (``AwsSolutions-IAM5[Resource::*]``)."""
    Validations.of(construct).acknowledge(Acknowledgment(id=rule, reason=reason))


def acknowledge_wildcards(construct: Construct, *policies: Policy) -> None:
    """Acknowledge resource wildcards of statements that give a reason for them. Other wildcards stay findings."""
    for policy in policies:
        for statement in policy.statements:
            for resource in statement.resources:
                if "*" in resource and statement.wildcard:
                    acknowledge(construct, rule=f"AwsSolutions-IAM5[Resource::{resource}]", reason=statement.wildcard)
