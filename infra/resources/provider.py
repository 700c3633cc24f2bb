"""CDK's provider of custom resources, with roles and names of ours in place of those that it makes for itself.

CDK would give each of its functions a managed policy and every version of both handlers; here each role has one policy
that the review shows. Names are set because policies name what they allow, and the review shows them in full.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as stepfunctions
from aws_cdk import custom_resources as custom
from constructs import Construct, IConstruct

from infra.resources.function_role import FunctionRole, fixed_role, function_log, inline, make_role
from infra.resources.nag import acknowledge

QUERY_INTERVAL = Duration.seconds(30)
"""How long the waiter waits before it asks again whether the registration is complete."""

TOTAL_TIMEOUT = Duration.minutes(42)
"""How long the waiter waits in total: starting a cluster and running the proof of access take up to 40 minutes.

Step Functions adds the duration of each call. CloudFormation gives up after one hour without a response, with a message
that does not name the cause: 84 calls of up to 12 seconds each, with 30 seconds between them, take 59 minutes.
"""


@dataclass(frozen=True)
class ProviderRoles:
    """The roles of CDK's functions, whose names the functions have too.

    Attributes:
        provider: of the function that CloudFormation calls.
        check: of the function that the waiter calls, and of the one that it calls when it is too late.
        timeout_name: name of that last function.
        waiter: of the state machine.
    """

    provider: FunctionRole
    check: FunctionRole
    timeout_name: str
    waiter: FunctionRole


class NarrowProvider(Construct):
    """A provider that calls two functions: one begins, the other tells whether it is done.

    Attributes:
        service_token: what a custom resource names as its provider.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        on_event: lambda_.IFunction,
        is_complete: lambda_.IFunction,
        roles: ProviderRoles,
    ) -> None:
        super().__init__(scope, construct_id)
        described = "CDK's provider of the Databricks registration"
        role = make_role(self, "Role", roles.provider, description=described)
        check_role = make_role(self, "CheckRole", roles.check, description=described)
        provider = custom.Provider(
            self,
            "Framework",
            on_event_handler=on_event,
            is_complete_handler=is_complete,
            query_interval=QUERY_INTERVAL,
            total_timeout=TOTAL_TIMEOUT,
            provider_function_name=roles.provider.name,
            framework_on_event_role=fixed_role(self, "FixedRole", roles.provider),
            framework_complete_and_timeout_role=fixed_role(self, "FixedCheckRole", roles.check),
            log_group=function_log(self, "Log", roles.provider.name),
            disable_waiter_state_machine_logging=True,
        )
        provider.node.add_dependency(role, check_role)
        for entry, name in (("isComplete", roles.check.name), ("onTimeout", roles.timeout_name)):
            function = provider.node.find_child(f"framework-{entry}").node.default_child
            cast(lambda_.CfnFunction, function).function_name = name
        waiter_role = fixed_role(self, "FixedWaiterRole", roles.waiter)
        _narrow_waiter(provider.node.find_child("waiter-state-machine"), roles.waiter, waiter_role.role_arn)
        self.service_token = provider.service_token


def _narrow_waiter(waiter: IConstruct, wanted: FunctionRole, role_arn: str) -> None:
    """Give CDK's state machine its name, and its role the policy of ours in place of CDK's."""
    machine = cast(stepfunctions.CfnStateMachine, waiter.node.find_child("Resource"))
    machine.state_machine_name = wanted.name
    # By name, as the functions have theirs: CDK has the machine wait for its role anyway.
    machine.role_arn = role_arn
    acknowledge(machine, rule="AwsSolutions-SF1", reason="it does nothing but to call functions, which have logs")
    acknowledge(
        machine, rule="AwsSolutions-SF2", reason="two steps in a row, run at a deploy: there is nothing to trace"
    )
    role = waiter.node.find_child("Role")
    role.node.try_remove_child("DefaultPolicy")
    resource = cast(iam.CfnRole, role.node.default_child)
    resource.role_name = wanted.name
    resource.description = "CDK's waiter for the Databricks registration"
    resource.assume_role_policy_document = wanted.trust.document
    resource.policies = [inline(wanted.policy)]
