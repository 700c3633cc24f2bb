"""A role of a function, with a policy of ours and nothing else, and the log that it writes to."""

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
"""How long a function's log is kept; it goes with the stack."""


@dataclass(frozen=True)
class FunctionRole:
    """A role to make: its name, which the function has too, who may take it on, and what it may do."""

    name: str
    trust: Policy
    policy: Policy


def make_role(scope: Construct, construct_id: str, role: FunctionRole, *, description: str) -> iam.CfnRole:
    """The role. What runs with it has to wait for it (``node.add_dependency``)."""
    made = iam.CfnRole(
        scope,
        construct_id,
        role_name=role.name,
        description=description,
        assume_role_policy_document=role.trust.document,
        policies=[inline(role.policy)],
    )
    acknowledge_wildcards(made, role.policy)
    return made


def fixed_role(scope: Construct, construct_id: str, role: FunctionRole) -> iam.IRole:
    """A role of :func:`make_role` for constructs that would grant more to it: its policy stays what it is."""
    return iam.Role.from_role_name(scope, construct_id, role.name, mutable=False)


def inline(policy: Policy) -> iam.CfnRole.PolicyProperty:
    """A policy as an inline policy of a role."""
    return iam.CfnRole.PolicyProperty(policy_name=policy.name, policy_document=policy.document)


def function_log(scope: Construct, construct_id: str, function: str) -> logs.LogGroup:
    """The log of a function, under the name that Lambda would choose itself."""
    return logs.LogGroup(
        scope,
        construct_id,
        log_group_name=names.log_group_name(function),
        retention=RETENTION,
        # Its name is fixed: one that stayed would keep the next deploy from making it.
        removal_policy=RemovalPolicy.DESTROY,
    )
