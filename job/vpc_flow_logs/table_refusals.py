"""The reasons that the tables cannot have a name or be in a folder: another table or other files are there.

Functions that run a statement raise `pyspark.errors.PySparkException` if Spark or the catalog rejects it.
"""

from __future__ import annotations

from pyspark.errors import AnalysisException
from pyspark.sql import Row, SparkSession

from vpc_flow_logs.failures import headline
from vpc_flow_logs.folders import Folders, NotAFolder
from vpc_flow_logs.paths import quarantine_path, same
from vpc_flow_logs.sql import at_path, quoted
from vpc_flow_logs.table import MARK, delta_detail, quarantine_name

_NEXT_TO = {"quarantine": "quarantine table", "hourly": "hourly roll-up"}
_A = {"records": "a records", "quarantine": "a quarantine", "hourly": "an hourly"}


def name_refusals(spark: SparkSession, table_name: str, path: str | None) -> list[str]:
    """Return all reasons that the tables cannot have these names. ``path`` is None if it is not known to be valid."""
    schema, _, _ = table_name.rpartition(".")
    try:
        if schema and not _schema_exists(spark, schema):
            return [f"schema {schema!r} does not exist; run CREATE SCHEMA {quoted(schema)}, or use another schema"]
        records = name_refusal(spark, table_name, path, "records")
        quarantine_at = None if path is None else quarantine_path(path)
        return records + name_refusal(spark, quarantine_name(table_name), quarantine_at, "quarantine")
    except AnalysisException as error:
        return [f"{table_name!r} cannot be used: {headline(error)}"]


def _schema_exists(spark: SparkSession, schema: str) -> bool:
    # Not Catalog.databaseExists, because it first asks the Hive metastore, with the whole text as one name.
    try:
        spark.sql(f"DESCRIBE SCHEMA {quoted(schema)}")
    except AnalysisException as error:
        if error.getCondition() == "SCHEMA_NOT_FOUND":
            return False
        raise
    return True


def name_refusal(spark: SparkSession, name: str, path: str | None, kind: str) -> list[str]:
    """Return the reasons that a table of this kind cannot have this name. ``path`` is None if it is not known."""
    if not spark.catalog.tableExists(quoted(name)):
        return []
    detail = delta_detail(spark, quoted(name))
    if detail is None or detail.properties.get(MARK) != kind:
        if detail is not None and (other := _next_to(detail, name)):
            noun, records = other
            return [f"{name!r} is the {noun} of {records!r}; use --table-name {records}"]
        return [f"{name!r} exists and is not {_A[kind]} table of this job; use another name"]
    if path and not same(detail.location, path):
        return [f"table {name!r} is at {detail.location!r}, not at {path!r}; use that path or another table name"]
    return []


def path_refusals(spark: SparkSession, folders: Folders, path: str) -> list[str]:
    """Return the reasons that the tables cannot be at the path: a folder that is not empty and has no table of the job.

    Raises:
        StorageError: A folder without a Delta table cannot be accessed.
    """
    kinds = {"records": path, "quarantine": quarantine_path(path)}
    return [problem for kind, folder in kinds.items() for problem in path_refusal(spark, folders, folder, kind)]


def path_refusal(spark: SparkSession, folders: Folders, path: str, kind: str) -> list[str]:
    """Return the reasons that a table of this kind cannot be at the path. It raises the errors of `path_refusals`."""
    detail = delta_detail(spark, at_path(path))
    if detail is not None and detail.properties.get(MARK) == kind:
        return []
    if detail is not None and (other := _next_to(detail, path)):
        noun, records = other
        return [f"{path!r} is the folder of the {noun} of the table in {records!r}; use --delta-output-path {records}"]
    try:
        names = folders.names(path) or []
    except NotAFolder:
        return [f"{path!r} is a file; use a folder"]
    # A run that was interrupted while it created the table leaves a log without a commit.
    if detail is None and not any(not name.startswith(".") and name != "_delta_log" for name in names):
        return []
    return [f"{path!r} is not empty and has no {kind} table of this job; use a new or empty folder"]


def _next_to(detail: Row, place: str) -> tuple[str, str] | None:
    """Return the noun of a table that the job keeps next to a records table, and the place of that table, or None.

    Args:
        detail: Delta's description of the table.
        place: Its name or its folder.
    """
    kind = detail.properties.get(MARK, "")
    noun, suffix = _NEXT_TO.get(kind), f"_{kind}"
    return (noun, place.removesuffix(suffix)) if noun and place.endswith(suffix) else None
