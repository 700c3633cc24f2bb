"""The summary that a run prints at its end: what it wrote, where, and warnings."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from vpc_flow_logs import progress
from vpc_flow_logs.counts import Counts
from vpc_flow_logs.fields import column_name, is_known
from vpc_flow_logs.parameters import Parameters
from vpc_flow_logs.paths import quarantine_path
from vpc_flow_logs.progress import contents, counted
from vpc_flow_logs.sql import quoted
from vpc_flow_logs.table import quarantine_name


def lines(
    spark: SparkSession, parameters: Parameters, *, total: Counts, batches: int, started: datetime
) -> Iterator[str]:
    """Yield the lines of the summary.

    Args:
        spark: The session.
        parameters: The parameters of the job.
        total: The counts of everything that the run wrote.
        batches: Number of micro-batches that the run wrote.
        started: Start time of the run.
    """
    name, quarantine = parameters.table_name, quarantine_name(parameters.table_name)
    if total.files:
        unseen = [field for field in parameters.headers if not is_known(field) and _is_empty(spark, name, field)]
        if note := progress.unseen_fields_line(unseen):
            yield note
    if total.lines > total.records:
        reasons = _reasons(spark, quarantine, started)
        yield from progress.quarantine_warning(total, reasons, quarantine_table=quarantine)
    yield f"done: {counted(batches, 'batch', 'batches')}, {contents(total)}"
    yield f"records:    table {name}{_at(parameters.delta_output_path)}"
    yield f"quarantine: table {quarantine}{_at(quarantine_path(parameters.delta_output_path))}"


def _is_empty(spark: SparkSession, table_name: str, field: str) -> bool:
    """Return whether no row has a value for a field. Used to find typing mistakes among undocumented names."""
    return spark.table(quoted(table_name)).where(F.col(f"`{column_name(field)}`").isNotNull()).isEmpty()


def _reasons(spark: SparkSession, quarantine: str, started: datetime) -> dict[str, int]:
    entries = spark.table(quoted(quarantine)).where(F.col("ingested_at") >= F.lit(started))
    reasons = entries.groupBy("reason").agg(F.sum("lines").alias("number")).orderBy(F.desc("number")).limit(10)
    return {row.reason: row.number for row in reasons.collect()}


def _at(path: str) -> str:
    return f" at {path}" if path else ""
