"""Policies for the registration of an environment's reader: those of two functions, three CDK functions and the waiter.

The module :mod:`infra.iam.policies` has all other policies.
"""

from __future__ import annotations

from infra.environment import names
from infra.environment.schema import Environment
from infra.iam import Policy, notifications, registration


def policies(environment: Environment) -> tuple[Policy, ...]:
    """Return all policies in review order; they apply only with ``[workspace]``."""
    return (
        function_trust(environment),
        function_policy(environment),
        provider_trust(environment),
        provider_policy(environment),
        provider_check_trust(environment),
        provider_check_policy(environment),
        waiter_trust(environment),
        waiter_policy(environment),
    )


def function_trust(environment: Environment) -> Policy:
    """Return the trust policy of the registration function's role."""
    title = f"Trust policy of the registration function's role {names.registration_name(environment)}"
    return Policy(file="registration-role-trust.json", title=title, statements=registration.trust())


def function_policy(environment: Environment) -> Policy:
    """Return the permissions of the registration function; there are no statements without ``[workspace]``."""
    workspace = environment.workspace
    name = names.registration_name(environment)
    statements = (
        ()
        if workspace is None
        else registration.registration(
            secret_arn=workspace.secret_arn,
            log_group_arns=[
                names.log_group_arn(environment, function) for function in (name, names.check_name(environment))
            ],
            bucket_arn=names.bucket_arn(environment),
            topics_arn=names.service_arn(environment, "sns", notifications.AUTO_INGEST),
            queues_arn=names.service_arn(environment, "sqs", notifications.AUTO_INGEST),
        )
    )
    title = f"Inline policy of the registration function's role {name}"
    return Policy(file="registration-role.json", name="registration", title=title, statements=statements)


def provider_trust(environment: Environment) -> Policy:
    """Return the trust policy for the role of the CDK function that CloudFormation calls."""
    title = f"Trust policy of the provider's role {names.provider_name(environment)}"
    return Policy(file="provider-role-trust.json", title=title, statements=registration.trust())


def provider_policy(environment: Environment) -> Policy:
    """Return the permissions of the CDK function that CloudFormation calls."""
    name = names.provider_name(environment)
    return Policy(
        file="provider-role.json",
        name="provider",
        title=f"Inline policy of the provider's role {name} (CDK function that CloudFormation calls)",
        statements=registration.provider(
            log_group_arn=names.log_group_arn(environment, name),
            function_arn=names.function_arn(environment, names.registration_name(environment)),
            waiter_arn=names.service_arn(environment, "states", f"stateMachine:{names.waiter_name(environment)}"),
        ),
    )


def provider_check_trust(environment: Environment) -> Policy:
    """Return the trust policy for the role of the CDK functions that the waiter calls."""
    title = f"Trust policy of the provider's role {names.provider_check_name(environment)}"
    return Policy(file="provider-check-role-trust.json", title=title, statements=registration.trust())


def provider_check_policy(environment: Environment) -> Policy:
    """Return the permissions of the CDK functions that the waiter calls."""
    name = names.provider_check_name(environment)
    return Policy(
        file="provider-check-role.json",
        name="provider-check",
        title=f"Inline policy of the provider's role {name} (CDK functions that the waiter calls)",
        statements=registration.provider_check(
            log_group_arn=names.log_group_arn(environment, names.provider_name(environment)),
            function_arn=names.function_arn(environment, names.check_name(environment)),
        ),
    )


def waiter_trust(environment: Environment) -> Policy:
    """Return the trust policy for the role of the CDK state machine that waits for the registration."""
    title = f"Trust policy of the waiter's role {names.waiter_name(environment)}"
    statements = registration.waiter_trust(account=environment.aws.account)
    return Policy(file="waiter-role-trust.json", title=title, statements=statements)


def waiter_policy(environment: Environment) -> Policy:
    """Return the permissions of the CDK state machine that waits for the registration."""
    functions = (names.provider_check_name(environment), names.provider_timeout_name(environment))
    return Policy(
        file="waiter-role.json",
        name="waiter",
        title=f"Inline policy of the waiter's role {names.waiter_name(environment)} (CDK state machine)",
        statements=registration.waiter(function_arns=[names.function_arn(environment, name) for name in functions]),
    )
