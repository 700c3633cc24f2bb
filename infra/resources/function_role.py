"""The role of a Lambda function, with exactly one policy, and the function's log group."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.environment import names
from infra.iam import Policy
from infra.resources.nag import acknowledge_wildcards

RETENTION = logs.RetentionDays.THREE_MONTHS
"""Retention of a function's log. The log group is deleted with the stack."""


@dataclass(frozen=True)
class FunctionRole:
    """A role to create.

    Attributes:
        name: Name of the role, and of the function.
        trust: The trust policy.
        policy: The permissions.
    """

    name: str
    trust: Policy
    policy: Policy


def make_role(scope: Construct, construct_id: str, role: FunctionRole, *, description: str) -> iam.CfnRole:
    """Create the role. Functions that use it need a dependency on it (``node.add_dependency``)."""
    resource = iam.CfnRole(
        scope,
        construct_id,
        role_name=role.name,
        description=description,
        assume_role_policy_document=role.trust.document,
        policies=[inline(role.policy)],
    )
    acknowledge_wildcards(resource, role.policy)
    return resource


def fixed_role(scope: Construct, construct_id: str, role: FunctionRole) -> iam.IRole:
    """Return a role of :func:`make_role` as an immutable reference, so that no construct can add permissions to it."""
    return iam.Role.from_role_name(scope, construct_id, role.name, mutable=False)


def inline(policy: Policy) -> iam.CfnRole.PolicyProperty:
    """Return a policy as an inline policy of a role."""
    return iam.CfnRole.PolicyProperty(policy_name=policy.name, policy_document=policy.document)


def function_log(scope: Construct, construct_id: str, function: str) -> logs.LogGroup:
    """Create a function's log group, with the name that Lambda would choose."""
    return logs.LogGroup(
        scope,
        construct_id,
        log_group_name=names.log_group_name(function),
        retention=RETENTION,
        # The name is fixed, so a log group that remained would make the next deployment fail.
        removal_policy=RemovalPolicy.DESTROY,
    )
