"""Vacuum: data files that the tables no longer use are deleted from the storage.

VACUUM runs without RETAIN, so the table's own retention applies.
Source: https://docs.databricks.com/aws/en/delta/vacuum
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

from pyspark.sql import SparkSession

from vpc_flow_logs import history
from vpc_flow_logs.failures import texts
from vpc_flow_logs.maintenance import services, unused
from vpc_flow_logs.maintenance.conflicts import retried
from vpc_flow_logs.maintenance.retention import PROPERTY, retention_of
from vpc_flow_logs.maintenance.step import NOTHING, Outcome
from vpc_flow_logs.maintenance.tables import Target, version_of
from vpc_flow_logs.progress import counted, say
from vpc_flow_logs.sql import quoted
from vpc_flow_logs.table import delta_detail

LONGEST_BATCH = timedelta(days=1)
"""A micro-batch commits its files within this time.

Below this retention, only files that the log lists as removed are deleted (VACUUM LITE). VACUUM lists the folder and
would also delete the files that a running batch has written and not yet committed.
"""

_SERVICE_RETENTION = timedelta(days=7)
"""The shortest retention that predictive optimization uses, even if the table's property is shorter."""

_STEP = "vacuum"
_LOG_TOO_SHORT = "DELTA_CANNOT_VACUUM_LITE"
_LAST_COMMITS = 20
_LOOK_BACK = 200


def vacuum(spark: SparkSession, target: Target, *, now: datetime, dry_run: bool) -> Iterator[Outcome]:
    """Delete the unused files of the tables, one outcome per table.

    Raises:
        PySparkException: Spark cannot delete the files.
    """
    for name in target.tables:
        yield Outcome(_STEP, name, _vacuum(spark, name, now=now, dry_run=dry_run))


def _vacuum(spark: SparkSession, name: str, *, now: datetime, dry_run: bool) -> str:
    detail = delta_detail(spark, quoted(name))
    properties = {} if detail is None else detail.properties
    retention = retention_of(properties)
    if services.of(spark, name).predictive_optimization and (retention is None or retention >= _SERVICE_RETENTION):
        return services.LEFT
    if retention is not None and not _can_be_unused(spark, name, retention):
        return _with_retention(NOTHING, retention, now)
    if dry_run:
        files = spark.sql(f"VACUUM {quoted(name)} DRY RUN").count()
        return f"would delete {counted(files, 'file')}" if files else NOTHING
    is_short = retention is None or retention < LONGEST_BATCH
    try:
        number = retried(lambda: _deleted(spark, name, "LITE" if is_short else ""), say=say)
    except Exception as error:  # PySpark does not convert every exception of Delta
        if not any(_LOG_TOO_SHORT in text for text in texts(error)):
            raise
        return (
            f"not possible: the log no longer lists all removed files; pause the job and run VACUUM {quoted(name)} once"
        )
    done = "deleted unused files" if number is None else f"deleted {counted(number, 'file')}" if number else NOTHING
    if retention is None:
        return f"{done}; replaced files stay for {properties.get(PROPERTY)}"
    return _with_retention(done, retention, now)


def _with_retention(done: str, retention: timedelta, now: datetime) -> str:
    if not retention:
        return done
    return f"{done}; files that were replaced today stay until {now + retention:%Y-%m-%d %H:%M} UTC"


def _can_be_unused(spark: SparkSession, name: str, retention: timedelta) -> bool:
    recent = history.commits(spark, quoted(name), limit=_LOOK_BACK)
    return unused.can_be_unused(recent, retention=retention, now=datetime.now(timezone.utc))


def _deleted(spark: SparkSession, name: str, mode: str) -> int | None:
    """Run VACUUM; return the number of deleted files, or None if the runtime does not log it."""
    version = version_of(spark, name)
    spark.sql(f"VACUUM {quoted(name)} {mode}".strip())
    commits = spark.sql(f"DESCRIBE HISTORY {quoted(name)} LIMIT {_LAST_COMMITS}")
    for commit in commits.select("version", "operation", "operationMetrics").collect():
        if commit.operation == "VACUUM END" and commit.version > version:
            number = (commit.operationMetrics or {}).get("numDeletedFiles")
            return None if number is None else int(number)
    return None
