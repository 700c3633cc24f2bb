"""The expiry step: delete the rows that are older than the retention period.

Expiry cuts at whole UTC hours, and deletes only records that the roll-up has read. Records without a time, and records
with a time in the future, are in no finished hour: they expire by the time at which the job read them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pyspark.sql import SparkSession

from vpc_flow_logs.maintenance import hours, rollup_state
from vpc_flow_logs.maintenance.conflicts import retried
from vpc_flow_logs.maintenance.hours import literal
from vpc_flow_logs.maintenance.rollup_state import State
from vpc_flow_logs.maintenance.settings import setting
from vpc_flow_logs.maintenance.step import NOTHING, Outcome
from vpc_flow_logs.maintenance.tables import Target, size_of
from vpc_flow_logs.progress import counted, say
from vpc_flow_logs.sql import quoted

DELETION_VECTORS = "spark.databricks.delta.delete.deletionVectors.persistent"
"""Setting that lets DELETE mark rows in deletion vectors. Without it, DELETE removes the rows from the files."""

_RESOLUTION = timedelta(microseconds=1)
"""Resolution of a timestamp in Spark."""


@dataclass(frozen=True)
class Expired:
    """The rows of a table that expire.

    Attributes:
        table: Name of the table.
        before: The time before which rows expire. It is the start of an hour.
        condition: SQL condition for these rows.
        state: The state that a roll-up must know even if the deletion is interrupted.
    """

    table: str
    before: datetime
    condition: str
    state: State = field(default_factory=State)


def expire(
    spark: SparkSession,
    target: Target,
    *,
    keep_days: int | None,
    keep_hourly_days: int | None,
    now: datetime,
    dry_run: bool,
    policies: Mapping[str, str] | None = None,
) -> Iterator[Outcome]:
    """Delete the expired rows of each table, and yield the outcome for it.

    Args:
        spark: The session.
        target: The tables. The roll-up step must have run before, in the same run.
        keep_days: Retention period of the records and of the quarantine table, in days; None to keep all rows.
        keep_hourly_days: Retention period of the roll-up, in days; None to keep all rows.
        now: The current time, with a time zone.
        dry_run: Delete nothing, and yield what would be deleted.
        policies: The Auto-TTL policies by table. Databricks deletes the rows of these tables.

    Raises:
        RunFailed: The state in the properties of the roll-up is damaged.
        PySparkException: A table cannot be read or written.
    """
    state = rollup_state.read(spark, target)
    if dry_run:  # the state that the roll-up would have written
        state = State(rolled_up_ingested_at=now, rolled_up_hours_before=hours.start(hours.number(now)))
    for name, days, expired in (
        (target.records, keep_days, records),
        (target.quarantine, keep_days, quarantine),
        (target.hourly, keep_hourly_days, hourly),
    ):
        if not spark.catalog.tableExists(quoted(name)):
            continue
        if policy := (policies or {}).get(name):
            yield Outcome(step="expiry", table=name, result=f"left to Auto-TTL: {policy}")
            continue
        if days is None:
            option = "--keep-hourly-days" if name == target.hourly else "--keep-days"
            yield Outcome(step="expiry", table=name, result=f"kept all rows, because {option} is not set")
            continue
        yield _delete(spark, target, expired(name, hours.cut(now, days), state), dry_run=dry_run)


def records(name: str, cut: datetime, state: State) -> Expired:
    """Return the records that expire: those that the roll-up has read, and those that are in no finished hour.

    Args:
        name: Name of the records table.
        cut: The time before which records expire.
        state: The state after the roll-up.
    """
    read, finished = state.rolled_up_ingested_at, state.rolled_up_hours_before
    if read is None or finished is None:  # the roll-up found an empty table
        return Expired(name, cut, "FALSE")
    before, unread = min(cut, finished), read + _RESOLUTION
    return Expired(
        name,
        before,
        f"(event_time < {literal(before)} AND ingested_at < {literal(unread)}) "
        f"OR ((event_time IS NULL OR event_time >= {literal(finished)}) AND ingested_at < {literal(cut)})",
        State(expired_records_before=before, expired_ingested_before=unread),
    )


def quarantine(name: str, cut: datetime, state: State) -> Expired:
    """Return the entries of the quarantine table that expire, by the time at which the job read the file."""
    return Expired(name, cut, f"ingested_at < {literal(cut)}")


def hourly(name: str, cut: datetime, state: State) -> Expired:
    """Return the rows of the roll-up that expire."""
    return Expired(name, cut, f"hour < {literal(cut)}", State(expired_hours_before=cut))


def _delete(spark: SparkSession, target: Target, expired: Expired, *, dry_run: bool) -> Outcome:
    """Delete the rows. If there are none, write no commit."""
    at = quoted(expired.table)
    rows = spark.sql(f"SELECT 1 FROM {at} WHERE {expired.condition}").count()
    if not rows:
        return Outcome(step="expiry", table=expired.table, result=NOTHING)
    number = f"{counted(rows, 'row')} before {expired.before:%Y-%m-%d %H:%M} UTC"
    before = size_of(spark, expired.table)
    if dry_run:
        return Outcome(step="expiry", table=expired.table, result=f"would delete {number}", before=before, after=before)
    # Write the state first: an hour that may have lost rows is never computed again, even if the run ends here.
    retried(lambda: rollup_state.write(spark, target, expired.state), say=say)
    with setting(spark, DELETION_VECTORS, "false"):
        retried(lambda: spark.sql(f"DELETE FROM {at} WHERE {expired.condition}"), say=say)
    after = size_of(spark, expired.table)
    return Outcome(step="expiry", table=expired.table, result=f"deleted {number}", before=before, after=after)
