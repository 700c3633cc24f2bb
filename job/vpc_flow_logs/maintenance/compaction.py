"""Compaction: many small files become few, sorted by the clustering columns.

OPTIMIZE is incremental. It leaves out files that are already clustered, and commits nothing if there is nothing to do.
Source: https://docs.databricks.com/aws/en/delta/clustering
"""

from __future__ import annotations

from collections.abc import Iterator

from pyspark.sql import SparkSession

from vpc_flow_logs.maintenance import services
from vpc_flow_logs.maintenance.conflicts import retried
from vpc_flow_logs.maintenance.step import NOTHING, Outcome
from vpc_flow_logs.maintenance.tables import Target, size_of
from vpc_flow_logs.progress import counted, say
from vpc_flow_logs.sql import quoted

_STEP = "compact"


def compact(spark: SparkSession, target: Target, *, dry_run: bool) -> Iterator[Outcome]:
    """Compact the tables, one outcome per table.

    Raises:
        PySparkException: Spark cannot rewrite a table.
    """
    for name in target.tables:
        yield _compact(spark, name, dry_run=dry_run)


def _compact(spark: SparkSession, name: str, *, dry_run: bool) -> Outcome:
    if services.of(spark, name).predictive_optimization:
        return Outcome(_STEP, name, services.LEFT)
    before = size_of(spark, name)
    if before.files <= 1:
        return Outcome(_STEP, name, NOTHING)
    if dry_run:
        return Outcome(_STEP, name, f"would run OPTIMIZE on {counted(before.files, 'file')}")
    removed, added = retried(lambda: rewritten(spark, f"OPTIMIZE {quoted(name)}"), say=say)
    if not removed:
        return Outcome(_STEP, name, NOTHING)
    result = f"rewrote {counted(removed, 'file')} as {counted(added, 'file')}"
    return Outcome(_STEP, name, result, before, size_of(spark, name))


def rewritten(spark: SparkSession, statement: str) -> tuple[int, int]:
    """Run an OPTIMIZE or REORG statement; return the numbers of files that it removed and added.

    Raises:
        PySparkException: Spark cannot rewrite the table.
    """
    row = spark.sql(statement).first()
    return (0, 0) if row is None else (row.metrics.numFilesRemoved, row.metrics.numFilesAdded)
