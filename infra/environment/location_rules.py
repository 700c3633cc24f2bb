"""Check where things may lie: the accounts, regions and partitions of ARNs, and the places of table and checkpoint.

A table's name of three parts selects Unity Catalog, a shorter one the workspace's default catalog. Only
``hive_metastore.schema.name`` is certain to be a table of the Hive metastore, which new workspaces do not have.
Sources: https://docs.databricks.com/aws/en/sql/language-manual/sql-ref-external-locations,
https://docs.databricks.com/aws/en/catalogs/default
"""

from __future__ import annotations

from collections.abc import Iterator

from infra.environment import names
from infra.environment.problems import Problem
from infra.environment.schema import Environment
from vpc_flow_logs.paths import parts, scheme_of

PRIVILEGES = ("CREATE EXTERNAL TABLE", "READ FILES")
"""What the job's service principal needs on an external location: to create the table, and to look into its folder."""

_HIVE = ("hive_metastore", "spark_catalog")


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


def is_hive(table: str) -> bool:
    """Return whether a table's name selects the Hive metastore.

    >>> is_hive("hive_metastore.default.flow_logs"), is_hive("flow_logs")
    (True, False)
    """
    catalog, *inner = table.split(".")
    return catalog in _HIVE and len(inner) == 2


def kind(table: str) -> str:
    """Return what a table is, in words, by its name.

    >>> kind("network.flow_logs.staging")
    'a table of Unity Catalog'
    """
    if is_hive(table):
        return "a table of the Hive metastore"
    if table.count(".") == 2:
        return "a table of Unity Catalog"
    return "a table of the workspace's default catalog, which is in Unity Catalog in new workspaces"


def external_location(environment: Environment) -> Iterator[Problem]:
    """Yield a problem unless table, folder and ``external_location`` go together."""
    job = environment.job
    in_s3, hive = scheme_of(job.delta_output_path) == "s3", is_hive(job.table)
    if job.external_location and hive:
        yield Problem(
            "job.external_location", f'is for tables of Unity Catalog, and "{job.table}" is not one: leave the key out'
        )
    elif job.external_location and not in_s3:
        yield Problem(
            "job.external_location",
            "is for a job.delta_output_path in S3 (s3://bucket/folder), which an external location covers: "
            "leave the key out",
        )
    elif in_s3 and not hive and not job.external_location:
        instead = "" if job.table.count(".") == 2 else f'Or name "{_hive_name(job.table)}" to use the Hive metastore. '
        yield Problem(
            "job.delta_output_path",
            f'"{job.delta_output_path}" is the folder of "{job.table}", {kind(job.table)}. Unity Catalog creates a '
            "table in S3 only where an external location covers its folder, whatever the reader role may do. Leave "
            f"the key out for a managed table. {instead}Or, if there is an external location, set external_location "
            f"= true, and grant the service principal {' and '.join(PRIVILEGES)} on it",
        )


def place_warnings(environment: Environment) -> Iterator[str]:
    """Yield a sentence for each place that works in some workspaces only."""
    job = environment.job
    if is_hive(job.table):
        return
    checkpoint = job.checkpoint_path
    if _in_dbfs_root(checkpoint):
        yield (
            f'job.checkpoint_path: "{checkpoint}" is in the DBFS root, which new workspaces do not have: name a folder '
            "in a volume (/Volumes/catalog/schema/volume/folder)"
        )
    elif scheme_of(checkpoint) == "s3" and job.table.count(".") == 2:
        yield (
            f'job.checkpoint_path: "{checkpoint}" is not in a volume, where Databricks wants the checkpoints of tables '
            "of Unity Catalog: name a folder in one (/Volumes/catalog/schema/volume/folder)"
        )
    if job.delta_output_path and _in_dbfs_root(job.delta_output_path):
        yield (
            f'job.delta_output_path: "{job.delta_output_path}" is in the DBFS root, where Unity Catalog creates no '
            "tables: leave the key out for a managed table"
        )


def _in_dbfs_root(path: str) -> bool:
    """Return whether a path is one of DBFS and not of a volume, which a cluster shows below ``/Volumes`` there."""
    return scheme_of(path) in ("", "dbfs") and parts(path)[:1] != ["Volumes"]


def _hive_name(table: str) -> str:
    return f"hive_metastore.{table}" if "." in table else f"hive_metastore.default.{table}"
