"""Purge: files with deletion vectors are rewritten, so that no data file holds a deleted row.

A DELETE may only mark rows in a deletion vector, depending on the table and the runtime. The expiry of this job does
not, but other DELETE statements may.
Source: https://docs.databricks.com/aws/en/delta/deletion-vectors
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from pyspark.sql import Row, SparkSession

from vpc_flow_logs.maintenance.compaction import rewritten
from vpc_flow_logs.maintenance.conflicts import retried
from vpc_flow_logs.maintenance.step import NOTHING, Outcome
from vpc_flow_logs.maintenance.tables import Target, size_of, version_of
from vpc_flow_logs.progress import counted, say
from vpc_flow_logs.sql import quoted
from vpc_flow_logs.table import delta_detail

_STEP = "purge"
_FEATURE = "deletionVectors"


def purge(spark: SparkSession, target: Target, *, dry_run: bool) -> Iterator[Outcome]:
    """Remove the deleted rows from the data files of the tables, one outcome per table.

    Raises:
        PySparkException: Spark cannot rewrite a table.
    """
    for name in target.tables:
        yield _purge(spark, name, dry_run=dry_run)


def _purge(spark: SparkSession, name: str, *, dry_run: bool) -> Outcome:
    deleted = _deleted_rows(spark, name)
    if not deleted:
        return Outcome(_STEP, name, NOTHING)
    rows = counted(deleted, "deleted row")
    if dry_run:
        return Outcome(_STEP, name, f"would rewrite the files that still hold {rows}")
    before = size_of(spark, name)
    removed, _ = retried(lambda: rewritten(spark, f"REORG TABLE {quoted(name)} APPLY (PURGE)"), say=say)
    if not removed:
        # Open source Delta Lake passes over a deletion vector in files that are already clustered.
        removed, _ = retried(lambda: rewritten(spark, f"OPTIMIZE {quoted(name)} FULL"), say=say)
    did = f"rewrote {counted(removed, 'file')} without {rows}"
    return Outcome(_STEP, name, did, before, size_of(spark, name))


def _deleted_rows(spark: SparkSession, name: str) -> int:
    """Return the number of rows that the files of a table hold, and that deletion vectors mark as deleted."""
    detail = delta_detail(spark, quoted(name))
    if detail is None or _FEATURE not in (detail.tableFeatures or []):
        return 0
    statistics = _statistics(detail)
    if "numRowsDeletedByDeletionVectors" in statistics:
        return int(statistics["numRowsDeletedByDeletionVectors"])
    # Open source Delta Lake has no such statistics. The footers of the files have the number of their rows.
    frame = spark.sql(f"SELECT * FROM {quoted(name)} VERSION AS OF {version_of(spark, name)}")
    files = [unquote(file) for file in frame.inputFiles()]
    return spark.read.parquet(*files).count() - frame.count() if files else 0


def _statistics(detail: Row) -> dict[str, Any]:
    """Return the statistics that Databricks adds to DESCRIBE DETAIL."""
    return dict(detail.asDict().get("statistics") or {})
