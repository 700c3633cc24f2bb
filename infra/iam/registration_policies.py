"""Which policy an environment gives to what registers its reader: two functions of ours, three of CDK's, the waiter.

As :mod:`infra.iam.policies`, which has the rest.
"""

from __future__ import annotations

from infra.environment import names
from infra.environment.schema import Environment
from infra.iam import Policy, notifications, registration


def policies(environment: Environment) -> tuple[Policy, ...]:
    """All of them, in the order in which a reviewer reads them; they make sense with ``[workspace]`` only."""
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
    """Who may be the role of the registration function."""
    title = f"Trust of the registration function's role {names.registration_name(environment)}"
    return Policy(file="registration-role-trust.json", title=title, statements=registration.trust())


def function_policy(environment: Environment) -> Policy:
    """The rights of the registration function; no statements without ``[workspace]``."""
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
    """Who may be the role of CDK's function that CloudFormation calls."""
    title = f"Trust of the provider's role {names.provider_name(environment)}"
    return Policy(file="provider-role-trust.json", title=title, statements=registration.trust())


def provider_policy(environment: Environment) -> Policy:
    """The rights of CDK's function that CloudFormation calls."""
    name = names.provider_name(environment)
    return Policy(
        file="provider-role.json",
        name="provider",
        title=f"Inline policy of the provider's role {name} (CDK's function that CloudFormation calls)",
        statements=registration.provider(
            log_group_arn=names.log_group_arn(environment, name),
            function_arn=names.function_arn(environment, names.registration_name(environment)),
            waiter_arn=names.service_arn(environment, "states", f"stateMachine:{names.waiter_name(environment)}"),
        ),
    )


def provider_check_trust(environment: Environment) -> Policy:
    """Who may be the role of CDK's functions that the waiter calls."""
    title = f"Trust of the provider's role {names.provider_check_name(environment)}"
    return Policy(file="provider-check-role-trust.json", title=title, statements=registration.trust())


def provider_check_policy(environment: Environment) -> Policy:
    """The rights of CDK's functions that the waiter calls."""
    name = names.provider_check_name(environment)
    return Policy(
        file="provider-check-role.json",
        name="provider-check",
        title=f"Inline policy of the provider's role {name} (CDK's functions that the waiter calls)",
        statements=registration.provider_check(
            log_group_arn=names.log_group_arn(environment, names.provider_name(environment)),
            function_arn=names.function_arn(environment, names.check_name(environment)),
        ),
    )


def waiter_trust(environment: Environment) -> Policy:
    """Who may be the role of CDK's state machine that waits for the registration."""
    title = f"Trust of the waiter's role {names.waiter_name(environment)}"
    statements = registration.waiter_trust(account=environment.aws.account)
    return Policy(file="waiter-role-trust.json", title=title, statements=statements)


def waiter_policy(environment: Environment) -> Policy:
    """The rights of CDK's state machine that waits for the registration."""
    functions = (names.provider_check_name(environment), names.provider_timeout_name(environment))
    return Policy(
        file="waiter-role.json",
        name="waiter",
        title=f"Inline policy of the waiter's role {names.waiter_name(environment)} (CDK's state machine)",
        statements=registration.waiter(function_arns=[names.function_arn(environment, name) for name in functions]),
    )
