"""Names, ARNs and folders that follow from an environment, so that nobody has to be asked for them twice."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from infra.environment import partitions
from infra.environment.schema import Environment
from vpc_flow_logs.paths import parts, quarantine_path, scheme_of, without_trailing_slash

ENVIRONMENT_TAG = "vpc-flow-logs-environment"
"""Tag of all that a deployment makes; its value is the environment's name."""


def partition(region: str) -> str:
    """The partition of a region, which every ARN begins with, such as ``aws`` or ``aws-us-gov``."""
    return partitions.of(region).name


def bucket_arn(environment: Environment) -> str:
    """ARN of the log bucket."""
    return f"arn:{partition(environment.aws.region)}:s3:::{environment.log_bucket.name}"


def logs_prefix(environment: Environment) -> str:
    """The keys that AWS delivers below: ``[prefix/]AWSLogs/``."""
    prefix = environment.log_bucket.prefix
    return f"{prefix}/AWSLogs/" if prefix else "AWSLogs/"


def event_filter(prefix: str) -> str:
    """Return the value of a bucket notification's filter for the keys below a prefix.

    S3 compares a filter with the percent-encoded key, so a filter with ``=``, ``+`` or ``@`` in it never matches.
    Source: https://github.com/aws/aws-cdk/pull/28012

    >>> event_filter("team=net/AWSLogs/")
    'team%3Dnet/AWSLogs/'
    """
    return quote(prefix, safe="/!-_.*'()")


def role_arn(environment: Environment) -> str:
    """ARN of the reader role."""
    return _iam_arn(environment, f"role/{environment.reader.role_name}")


def profile_arn(environment: Environment) -> str:
    """ARN of the reader role's instance profile, which has the role's name."""
    return _iam_arn(environment, f"instance-profile/{environment.reader.role_name}")


def registration_name(environment: Environment) -> str:
    """Name of the function that registers the reader with the workspace, and of its role."""
    return f"{stack_name(environment)}-registration"


def check_name(environment: Environment) -> str:
    """Name of the function that tells whether the registration is complete; it has the registration's role."""
    return f"{registration_name(environment)}-check"


def provider_name(environment: Environment) -> str:
    """Name of CDK's function that CloudFormation calls, and of its role."""
    return f"{stack_name(environment)}-provider"


def provider_check_name(environment: Environment) -> str:
    """Name of CDK's function that the waiter calls, and of its role."""
    return f"{provider_name(environment)}-check"


def provider_timeout_name(environment: Environment) -> str:
    """Name of CDK's function that the waiter calls when it is too late; it has the role of the check."""
    return f"{provider_name(environment)}-timeout"


def waiter_name(environment: Environment) -> str:
    """Name of CDK's state machine that waits for the registration, and of its role."""
    return f"{stack_name(environment)}-waiter"


def function_arn(environment: Environment, name: str) -> str:
    """ARN of a function of the stack."""
    return service_arn(environment, "lambda", f"function:{name}")


def log_group_name(function: str) -> str:
    """Name of a function's log group, Lambda's own choice."""
    return f"/aws/lambda/{function}"


def log_group_arn(environment: Environment, function: str) -> str:
    """ARN of a function's log group."""
    return service_arn(environment, "logs", f"log-group:{log_group_name(function)}")


def _iam_arn(environment: Environment, resource: str) -> str:
    return f"arn:{partition(environment.aws.region)}:iam::{environment.aws.account}:{resource}"


def databricks_role_name(environment: Environment) -> str:
    """Name of the cross-account role, without the path that its ARN may have."""
    return environment.reader.databricks_role_arn.rsplit("/", 1)[1]


def stack_name(environment: Environment) -> str:
    """Name of the main stack; topic, queue and function are named after it too."""
    return f"vpc-flow-logs-{environment.name}"


def stack_of(environment: Environment, account: str, region: str) -> str:
    """Name of the stack for the flow logs of an account and region: the main one, or one of its own."""
    main = stack_name(environment)
    return (
        main if (account, region) == (environment.aws.account, environment.aws.region) else f"{main}-{account}-{region}"
    )


def service_arn(environment: Environment, service: str, resource: str) -> str:
    """ARN of a resource in the account and region of ``[aws]``."""
    aws = environment.aws
    return f"arn:{partition(aws.region)}:{service}:{aws.region}:{aws.account}:{resource}"


def topic_name(environment: Environment) -> str:
    """Name of the topic that the stack makes with ``notifications = "stack"``."""
    return stack_name(environment)


def topic_arn(environment: Environment) -> str:
    """ARN of that topic."""
    return service_arn(environment, "sns", topic_name(environment))


def queue_name(environment: Environment) -> str:
    """Name of the queue that the stack makes with ``notifications = "stack"``."""
    return stack_name(environment)


def queue_arn(environment: Environment) -> str:
    """ARN of that queue."""
    return service_arn(environment, "sqs", queue_name(environment))


def dead_letters_name(environment: Environment) -> str:
    """Name of the queue for messages that the job could not take."""
    return f"{stack_name(environment)}-dead-letters"


def notification_writer_name(environment: Environment) -> str:
    """Name of the function that sets the bucket's notification with ``notifications = "stack"``, and of its role."""
    return f"{stack_name(environment)}-notification"


@dataclass(frozen=True, order=True)
class Folder:
    """A folder of a bucket that the job writes: the bucket's name and the key prefix, without a slash at its end."""

    bucket: str
    prefix: str


def output_folders(environment: Environment) -> list[Folder]:
    """Return the folders in S3 that the reader role writes: table, quarantine table and checkpoint, where they are.

    Unity Catalog writes to the folders of an external location with the location's own credential.
    """
    covered = environment.job.external_location
    delta = "" if covered else without_trailing_slash(environment.job.delta_output_path)
    paths = [delta, quarantine_path(delta)] if delta else []
    paths.append(environment.job.checkpoint_path)
    named = [parts(path) for path in paths if scheme_of(path) == "s3"]
    return sorted(Folder(bucket=bucket, prefix="/".join(keys)) for bucket, *keys in named)
