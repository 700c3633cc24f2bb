"""Rules for locations: the accounts, regions and partitions of ARNs, and the paths of the table and the checkpoint.

A table name with three parts selects Unity Catalog; a shorter name selects the workspace's default catalog. Only
``hive_metastore.schema.name`` always selects the Hive metastore, which new workspaces do not have.
Sources: https://docs.databricks.com/aws/en/sql/language-manual/sql-ref-external-locations,
https://docs.databricks.com/aws/en/catalogs/default
"""

from __future__ import annotations

from collections.abc import Iterator

from infra.environment import names
from infra.environment.problems import Problem
from infra.environment.schema import Environment
from infra.workspace.aws.arn import Arn
from vpc_flow_logs.paths import parts, scheme_of

PRIVILEGES = ("CREATE EXTERNAL TABLE", "READ FILES")
"""Privileges on an external location that the job's service principal needs to create the table and list its folder."""

_HIVE = ("hive_metastore", "spark_catalog")


def databricks_account(environment: Environment) -> Iterator[Problem]:
    """Yield a problem if the cross-account role is not in the stack's account."""
    account = Arn.parse(environment.reader.databricks_role_arn).account
    if account != environment.aws.account:
        yield Problem(
            "reader.databricks_role_arn",
            f"is a role in account {account}, but the stack is in {environment.aws.account} (aws.account). A stack "
            "cannot change a role in another account: the iam:PassRole grant would be lost silently. Deploy to the "
            "account of the Databricks deployment",
        )


def role_partition(environment: Environment) -> Iterator[Problem]:
    """Yield a problem if the cross-account role's ARN is not in the stack's partition."""
    yield from _partition(environment, "reader.databricks_role_arn", environment.reader.databricks_role_arn)


def key(environment: Environment) -> Iterator[Problem]:
    """Yield a problem if the key is not in the bucket's region and partition. It may be in another account."""
    arn = environment.log_bucket.kms_key_arn
    if arn is None:
        return
    region = Arn.parse(arn).region
    if region != environment.aws.region:
        yield Problem(
            "log_bucket.kms_key_arn",
            f"is a key in {region}; the key must be in the bucket's region, {environment.aws.region} (aws.region)",
        )
    else:
        yield from _partition(environment, "log_bucket.kms_key_arn", arn)


def secret(environment: Environment) -> Iterator[Problem]:
    """Yield a problem if the registration function cannot read the secret."""
    if environment.workspace is None:
        return
    aws, place = environment.aws, "workspace.secret_arn"
    arn = Arn.parse(environment.workspace.secret_arn)
    if arn.account != aws.account:
        yield Problem(
            place,
            f"is a secret in account {arn.account}, but the stack is in {aws.account} (aws.account). The stack cannot "
            "grant the registration function access to a secret and its key in another account. Store the secret in "
            f"{aws.account}",
        )
    elif arn.region != aws.region:
        yield Problem(
            place,
            f"is a secret in {arn.region}; the registration function reads secrets only in its own region, "
            f"{aws.region} (aws.region). Replicate the secret to {aws.region} and use the replica's ARN",
        )
    else:
        yield from _partition(environment, place, environment.workspace.secret_arn)


def _partition(environment: Environment, place: str, arn: str) -> Iterator[Problem]:
    region = environment.aws.region
    given, partition = Arn.parse(arn).partition, names.partition(region)
    if given != partition:
        yield Problem(place, f"begins with arn:{given}; an ARN in {region} begins with arn:{partition}")


def flow_log_partitions(environment: Environment) -> Iterator[Problem]:
    """Yield a problem for each flow log outside the bucket's partition. Its account and region may differ."""
    own = names.partition(environment.aws.region)
    for number, flow_log in enumerate(environment.flow_logs, 1):
        partition = names.partition(flow_log.region or environment.aws.region)
        if partition != own:
            yield Problem(
                f"flow_logs[{number}].region",
                f'"{flow_log.region}" is in the partition {partition}, but the bucket is in {own} '
                f"({environment.aws.region}, aws.region). Flow logs cannot be delivered across partitions. Create a "
                "separate environment for it",
            )


def is_hive(table: str) -> bool:
    """Return whether a table name selects the Hive metastore.

    >>> is_hive("hive_metastore.default.flow_logs"), is_hive("flow_logs")
    (True, False)
    """
    catalog, *inner = table.split(".")
    return catalog in _HIVE and len(inner) == 2


def kind(table: str) -> str:
    """Return a description of the kind of table that a name selects.

    >>> kind("network.flow_logs.staging")
    'a Unity Catalog table'
    """
    if is_hive(table):
        return "a Hive metastore table"
    if table.count(".") == 2:
        return "a Unity Catalog table"
    return "a table in the workspace's default catalog, which is in Unity Catalog in new workspaces"


def external_location(environment: Environment) -> Iterator[Problem]:
    """Yield a problem if the table, its folder and ``external_location`` do not match."""
    job = environment.job
    in_s3, hive = scheme_of(job.delta_output_path) == "s3", is_hive(job.table)
    if job.external_location and hive:
        yield Problem(
            "job.external_location",
            f'applies only to Unity Catalog tables, and "{job.table}" is not one. Remove the key',
        )
    elif job.external_location and not in_s3:
        yield Problem(
            "job.external_location",
            "applies only if job.delta_output_path is in S3 (s3://bucket/folder). Remove the key",
        )
    elif in_s3 and not hive and not job.external_location:
        instead = (
            ""
            if job.table.count(".") == 2
            else f'Or set job.table to "{_hive_name(job.table)}" to use the Hive metastore. '
        )
        yield Problem(
            "job.delta_output_path",
            f'"{job.delta_output_path}" is the folder of "{job.table}", {kind(job.table)}. Unity Catalog creates a '
            "table in S3 only if an external location covers its folder, regardless of the reader role's "
            f"permissions. Remove the key to use a managed table. {instead}Or, if an external location covers the "
            f"folder, set external_location = true and grant the service principal {' and '.join(PRIVILEGES)} on it",
        )


def place_warnings(environment: Environment) -> Iterator[str]:
    """Yield a warning for each path that works only in some workspaces."""
    job = environment.job
    if is_hive(job.table):
        return
    checkpoint = job.checkpoint_path
    if _in_dbfs_root(checkpoint):
        yield (
            f'job.checkpoint_path: "{checkpoint}" is in the DBFS root, which new workspaces do not have. Use a folder '
            "in a volume (/Volumes/catalog/schema/volume/folder)"
        )
    elif scheme_of(checkpoint) == "s3" and job.table.count(".") == 2:
        yield (
            f'job.checkpoint_path: "{checkpoint}" is not in a volume, where Databricks expects the checkpoints of '
            "Unity Catalog tables. Use a folder in a volume (/Volumes/catalog/schema/volume/folder)"
        )
    if job.delta_output_path and _in_dbfs_root(job.delta_output_path):
        yield (
            f'job.delta_output_path: "{job.delta_output_path}" is in the DBFS root, where Unity Catalog does not '
            "create tables. Remove the key to use a managed table"
        )


def _in_dbfs_root(path: str) -> bool:
    """Return whether a path is in DBFS but not in a volume. Clusters also show volumes in DBFS, below ``/Volumes``."""
    return scheme_of(path) in ("", "dbfs") and parts(path)[:1] != ["Volumes"]


def _hive_name(table: str) -> str:
    return f"hive_metastore.{table}" if "." in table else f"hive_metastore.default.{table}"
