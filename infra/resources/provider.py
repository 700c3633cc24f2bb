"""CDK's provider framework for custom resources, with the stack's own roles and names.

By default, CDK gives each of its functions a managed policy and access to every version of both handlers. Here, each
role has exactly one policy, which the review shows. Function names are fixed because the policies refer to them.
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
"""Time between two checks of whether the registration is complete."""

TOTAL_TIMEOUT = Duration.minutes(42)
"""Total time that the waiter waits. Starting a cluster and verifying access take up to 40 minutes.

The duration of each call is not included: 84 calls of up to 12 seconds each, 30 seconds apart, take 59 minutes. After
one hour without a response, CloudFormation gives up with a message that does not name the cause.
"""


@dataclass(frozen=True)
class ProviderRoles:
    """The roles of CDK's functions. Each function has the name of its role.

    Attributes:
        provider: Role of the function that CloudFormation calls.
        check: Role of the function that the waiter calls, and of the function that it calls on a timeout.
        timeout_name: Name of the function for the timeout.
        waiter: Role of the state machine.
    """

    provider: FunctionRole
    check: FunctionRole
    timeout_name: str
    waiter: FunctionRole


class NarrowProvider(Construct):
    """A provider that calls two functions: one starts the work, the other reports whether it is complete.

    Attributes:
        service_token: The ARN that a custom resource names as its provider.
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
        description = "CDK's provider framework for the Databricks registration"
        role = make_role(self, "Role", roles.provider, description=description)
        check_role = make_role(self, "CheckRole", roles.check, description=description)
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


def _narrow_waiter(waiter: IConstruct, function_role: FunctionRole, role_arn: str) -> None:
    """Set the name of CDK's state machine, and replace the policy of its role with the reviewed one."""
    machine = cast(stepfunctions.CfnStateMachine, waiter.node.find_child("Resource"))
    machine.state_machine_name = function_role.name
    # An ARN composed from the role's name, as for the functions. CDK adds the dependency on the role in any case.
    machine.role_arn = role_arn
    acknowledge(machine, rule="AwsSolutions-SF1", reason="it only calls functions, which have logs")
    acknowledge(
        machine, rule="AwsSolutions-SF2", reason="it runs two steps during a deployment; there is nothing to trace"
    )
    role = waiter.node.find_child("Role")
    role.node.try_remove_child("DefaultPolicy")
    resource = cast(iam.CfnRole, role.node.default_child)
    resource.role_name = function_role.name
    resource.description = "CDK's waiter for the Databricks registration"
    resource.assume_role_policy_document = function_role.trust.document
    resource.policies = [inline(function_role.policy)]
