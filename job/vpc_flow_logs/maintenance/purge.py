"""Purge: files with deletion vectors are rewritten, so that no data file contains a deleted row.

A DELETE may only mark rows in a deletion vector, depending on the table and the runtime. The expiry of this job does
not, but other DELETE statements may.
Source: https://docs.databricks.com/aws/en/delta/deletion-vectors
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote

from pyspark.sql import SparkSession

from vpc_flow_logs.maintenance.compaction import rewritten
from vpc_flow_logs.maintenance.conflicts import retried
from vpc_flow_logs.maintenance.settings import setting
from vpc_flow_logs.maintenance.step import NOTHING, Outcome
from vpc_flow_logs.maintenance.tables import Target, size_of
from vpc_flow_logs.progress import counted, say
from vpc_flow_logs.sql import quoted
from vpc_flow_logs.table import delta_detail

_STEP = "purge"
_FEATURE = "deletionVectors"
_MARKED_ROWS = "numRowsDeletedByDeletionVectors"

_CLUSTERED = "spark.databricks.delta.optimize.clustering.mergeStrategy.minCubeSize.threshold"
"""Setting: a group of clustered files of at least this size in bytes is not rewritten."""

_NO_LIMIT = str(1 << 60)

_DELETION_VECTORS = "spark.databricks.delta.update.deletionVectors.persistent"
"""Setting that lets UPDATE write only the changed rows. Without it, UPDATE writes whole files."""


def purge(spark: SparkSession, target: Target, *, dry_run: bool) -> Iterator[Outcome]:
    """Remove the deleted rows from the data files of the tables, one outcome per table.

    Raises:
        PySparkException: Spark cannot rewrite a table.
    """
    for name in target.tables:
        yield _purge(spark, name, dry_run=dry_run)


def _purge(spark: SparkSession, name: str, *, dry_run: bool) -> Outcome:
    reported = _reported_rows(spark, name)
    deleted = _counted_rows(spark, name) if reported is None else reported
    if not deleted:
        return Outcome(_STEP, name, NOTHING)
    rows = counted(deleted, "deleted row")
    if dry_run:
        return Outcome(_STEP, name, f"would rewrite the files that contain {rows}")
    before = size_of(spark, name)
    if reported is None:
        _purge_open_source(spark, name)
    else:
        _reorganize(spark, name)
    return Outcome(_STEP, name, f"rewrote the files that contained {rows}", before, size_of(spark, name))


def _reorganize(spark: SparkSession, name: str) -> int:
    """Rewrite the files with deletion vectors; return their number."""
    return retried(lambda: rewritten(spark, f"REORG TABLE {quoted(name)} APPLY (PURGE)"), say=say)[0]


def _purge_open_source(spark: SparkSession, name: str) -> None:
    """Rewrite the files with deletion vectors, even those that REORG leaves out.

    In open source Delta Lake, REORG leaves out large groups of clustered files, and a single group of any size.
    """
    with setting(spark, _CLUSTERED, _NO_LIMIT):
        if _reorganize(spark, name):
            return
    column = quoted(spark.table(quoted(name)).columns[0])
    with setting(spark, _DELETION_VECTORS, "false"):
        retried(lambda: spark.sql(f"UPDATE {quoted(name)} SET {column} = {column}"), say=say)


def _reported_rows(spark: SparkSession, name: str) -> int | None:
    """Return the number of deleted rows in the files; None if the runtime does not report it.

    Databricks reports it in the column ``statistics`` of DESCRIBE DETAIL, which open source Delta Lake does not have.
    """
    detail = delta_detail(spark, quoted(name))
    if detail is None or _FEATURE not in (detail.tableFeatures or []):
        return 0
    statistics = detail.asDict().get("statistics") or {}
    return int(statistics[_MARKED_ROWS]) if _MARKED_ROWS in statistics else None


def _counted_rows(spark: SparkSession, name: str) -> int:
    """Return the number of deleted rows in the files, from the numbers of rows in the files and in the table."""
    # Use one query, because the stream may add files between two queries.
    counts = spark.sql(
        f"SELECT _metadata.file_path AS file, count(*) AS rows FROM {quoted(name)} GROUP BY ALL"
    ).collect()
    files = [unquote(row.file) for row in counts]
    return spark.read.parquet(*files).count() - sum(row.rows for row in counts) if files else 0
