"""Rules for the places of table and checkpoint, which depend on the catalog that the table's name selects.

A name of three parts is a table of Unity Catalog, a shorter one a table of the workspace's default catalog. Only
``hive_metastore.schema.name`` is certain to be a table of the Hive metastore, which new workspaces do not have.
Sources: https://docs.databricks.com/aws/en/sql/language-manual/sql-ref-external-locations,
https://docs.databricks.com/aws/en/catalogs/default
"""

from __future__ import annotations

from collections.abc import Iterator

from infra.environment.problems import Problem
from infra.environment.schema import Environment
from vpc_flow_logs.paths import parts, scheme_of

PRIVILEGES = ("CREATE EXTERNAL TABLE", "READ FILES")
"""What the job's service principal needs on an external location: to create the table, and to look into its folder."""

_HIVE = ("hive_metastore", "spark_catalog")


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
