"""Which accounts, regions and partitions the ARNs of an environment file may be of, given where the stack goes."""

from __future__ import annotations

from collections.abc import Iterator

from infra.environment import names
from infra.environment.problems import Problem
from infra.environment.schema import Environment


def databricks_account(environment: Environment) -> Iterator[Problem]:
    """The cross-account role is one of the stack's own account."""
    account = environment.reader.databricks_role_arn.split(":")[4]
    if account != environment.aws.account:
        yield Problem(
            "reader.databricks_role_arn",
            f"is a role of account {account}, the stack is in {environment.aws.account} (aws.account): a stack cannot "
            "change a role of another account, and the grant of iam:PassRole would be lost without a word. Deploy "
            "into the account of the Databricks deployment",
        )


def role_partition(environment: Environment) -> Iterator[Problem]:
    """The cross-account role's ARN is one of the stack's partition."""
    yield from _partition(environment, "reader.databricks_role_arn", environment.reader.databricks_role_arn)


def key(environment: Environment) -> Iterator[Problem]:
    """The key is in the bucket's region and partition; its account may be another."""
    arn = environment.log_bucket.kms_key_arn
    if arn is None:
        return
    region = arn.split(":")[3]
    if region != environment.aws.region:
        yield Problem(
            "log_bucket.kms_key_arn",
            f"is a key in {region}; a bucket takes keys of its region only, {environment.aws.region} (aws.region)",
        )
    else:
        yield from _partition(environment, "log_bucket.kms_key_arn", arn)


def secret(environment: Environment) -> Iterator[Problem]:
    """The secret is where the registration function can read it."""
    if environment.workspace is None:
        return
    aws, place = environment.aws, "workspace.secret_arn"
    _, _, _, region, account, *_ = environment.workspace.secret_arn.split(":")
    if account != aws.account:
        yield Problem(
            place,
            f"is a secret of account {account}, the stack is in {aws.account} (aws.account): that account would have "
            "to let the registration function use the secret and its key, and no stack of this one can. Keep the "
            f"secret in {aws.account}",
        )
    elif region != aws.region:
        yield Problem(
            place,
            f"is a secret in {region}; the registration function reads secrets of its own region, {aws.region} "
            "(aws.region). Replicate the secret there, and name the replica's ARN",
        )
    else:
        yield from _partition(environment, place, environment.workspace.secret_arn)


def _partition(environment: Environment, place: str, arn: str) -> Iterator[Problem]:
    region = environment.aws.region
    found, partition = arn.split(":")[1], names.partition(region)
    if found != partition:
        yield Problem(place, f"begins with arn:{found}; in {region} it is arn:{partition}")


def flow_log_partitions(environment: Environment) -> Iterator[Problem]:
    """Flow logs may come from other accounts and regions, but of one partition."""
    own = names.partition(environment.aws.region)
    for number, flow_log in enumerate(environment.flow_logs, 1):
        found = names.partition(flow_log.region or environment.aws.region)
        if found != own:
            yield Problem(
                f"flow_logs[{number}].region",
                f'"{flow_log.region}" is in the partition {found}, the bucket is in {own} ({environment.aws.region}, '
                "aws.region): nothing is delivered from one to the other. Make it an environment of its own",
            )
