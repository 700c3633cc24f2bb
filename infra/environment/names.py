"""Names, ARNs and folders derived from an environment, so that the file does not repeat them."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from infra.environment import partitions
from infra.environment.schema import Environment
from infra.workspace.aws.arn import Arn
from vpc_flow_logs.paths import hourly_path, parts, quarantine_path, scheme_of, without_trailing_slash

ENVIRONMENT_TAG = "vpc-flow-logs-environment"
"""Tag key on every resource that a deployment creates. The value is the environment's name."""


def partition(region: str) -> str:
    """Return the partition of a region as ARNs name it, such as ``aws`` or ``aws-us-gov``."""
    return partitions.of(region).name


def bucket_arn(environment: Environment) -> str:
    """Return the ARN of the log bucket."""
    return str(Arn(partition=partition(environment.aws.region), service="s3", resource=environment.log_bucket.name))


def logs_prefix(environment: Environment) -> str:
    """Return the key prefix that AWS delivers to: ``[prefix/]AWSLogs/``."""
    prefix = environment.log_bucket.prefix
    return f"{prefix}/AWSLogs/" if prefix else "AWSLogs/"


def event_filter(prefix: str) -> str:
    """Return the filter value of a bucket notification for the keys below a prefix.

    S3 compares a filter with the percent-encoded key, so a filter that contains ``=``, ``+`` or ``@`` never matches.
    Source: https://github.com/aws/aws-cdk/pull/28012

    >>> event_filter("team=net/AWSLogs/")
    'team%3Dnet/AWSLogs/'
    """
    return quote(prefix, safe="/!-_.*'()")


def role_arn(environment: Environment) -> str:
    """Return the ARN of the reader role."""
    return iam_arn(environment, f"role/{environment.reader.role_name}")


def profile_arn(environment: Environment) -> str:
    """Return the ARN of the reader role's instance profile, which has the same name as the role."""
    return iam_arn(environment, f"instance-profile/{environment.reader.role_name}")


def registration_name(environment: Environment) -> str:
    """Return the name of the function that registers the reader with the workspace; its role has the same name."""
    return f"{stack_name(environment)}-registration"


def check_name(environment: Environment) -> str:
    """Return the name of the function that reports whether the registration is complete; it uses the same role."""
    return f"{registration_name(environment)}-check"


def provider_name(environment: Environment) -> str:
    """Return the name of the CDK function that CloudFormation calls; its role has the same name."""
    return f"{stack_name(environment)}-provider"


def provider_check_name(environment: Environment) -> str:
    """Return the name of the CDK function that the waiter calls; its role has the same name."""
    return f"{provider_name(environment)}-check"


def provider_timeout_name(environment: Environment) -> str:
    """Return the name of the CDK function that the waiter calls on timeout; it uses the role of the check function."""
    return f"{provider_name(environment)}-timeout"


def waiter_name(environment: Environment) -> str:
    """Return the name of the CDK state machine that waits for the registration; its role has the same name."""
    return f"{stack_name(environment)}-waiter"


def function_arn(environment: Environment, name: str) -> str:
    """Return the ARN of one of the stack's functions."""
    return service_arn(environment, "lambda", f"function:{name}")


def log_group_name(function: str) -> str:
    """Return the name of a function's log group, which Lambda derives from the function's name."""
    return f"/aws/lambda/{function}"


def log_group_arn(environment: Environment, function: str) -> str:
    """Return the ARN of a function's log group."""
    return service_arn(environment, "logs", f"log-group:{log_group_name(function)}")


def iam_arn(environment: Environment, resource: str) -> str:
    """Return the ARN of an IAM resource in the account of ``[aws]``."""
    aws = environment.aws
    return str(Arn(partition=partition(aws.region), service="iam", account=aws.account, resource=resource))


def databricks_role_name(environment: Environment) -> str:
    """Return the name of the cross-account role, without the path that its ARN may contain."""
    return environment.reader.databricks_role_arn.rsplit("/", 1)[1]


def stack_name(environment: Environment) -> str:
    """Return the name of the main stack. The topic, the queue and the functions take their names from it."""
    return f"vpc-flow-logs-{environment.name}"


def stack_of(environment: Environment, account: str, region: str) -> str:
    """Return the name of the stack for the flow logs of an account and region: the main stack or a separate one."""
    main = stack_name(environment)
    return (
        main if (account, region) == (environment.aws.account, environment.aws.region) else f"{main}-{account}-{region}"
    )


def service_arn(environment: Environment, service: str, resource: str) -> str:
    """Return the ARN of a resource in the account and region of ``[aws]``."""
    aws = environment.aws
    arn = Arn(
        partition=partition(aws.region), service=service, region=aws.region, account=aws.account, resource=resource
    )
    return str(arn)


def topic_name(environment: Environment) -> str:
    """Return the name of the topic that the stack creates with ``notifications = "stack"``."""
    return stack_name(environment)


def topic_arn(environment: Environment) -> str:
    """Return the ARN of that topic."""
    return service_arn(environment, "sns", topic_name(environment))


def queue_name(environment: Environment) -> str:
    """Return the name of the queue that the stack creates with ``notifications = "stack"``."""
    return stack_name(environment)


def queue_arn(environment: Environment) -> str:
    """Return the ARN of that queue."""
    return service_arn(environment, "sqs", queue_name(environment))


def dead_letters_name(environment: Environment) -> str:
    """Return the name of the dead-letter queue, for messages that the job could not process."""
    return f"{stack_name(environment)}-dead-letters"


def notification_writer_name(environment: Environment) -> str:
    """Return the name of the function that sets the bucket notification, and of its role.

    The function exists only with ``notifications = "stack"``.
    """
    return f"{stack_name(environment)}-notification"


@dataclass(frozen=True, order=True)
class Folder:
    """A folder in S3 that the job writes to.

    Attributes:
        bucket: The name of the bucket.
        prefix: The key prefix, without a trailing slash.
    """

    bucket: str
    prefix: str


def output_folders(environment: Environment) -> list[Folder]:
    """Return the S3 folders that the reader role writes to: those of the tables and the checkpoint.

    The maintenance job writes the hourly roll-up, so its folder is left out without that job. Folders below an external
    location are left out, because Unity Catalog writes there with the location's credential.
    """
    covered = environment.job.external_location
    delta = "" if covered else without_trailing_slash(environment.job.delta_output_path)
    paths = [delta, quarantine_path(delta)] if delta else []
    if delta and environment.maintenance.enabled:
        paths.append(hourly_path(delta))
    paths.append(environment.job.checkpoint_path)
    in_s3 = [parts(path) for path in paths if scheme_of(path) == "s3"]
    return sorted(Folder(bucket=bucket, prefix="/".join(keys)) for bucket, *keys in in_s3)
