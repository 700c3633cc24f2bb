"""The roll-up step: bring the sums of all finished hours up to date.

The step reads the records that arrived since its last run, to find the hours that they belong to, and then all records
of those hours. It reads no others, so its cost does not depend on the age of the table.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from pyspark.sql import SparkSession

from vpc_flow_logs.maintenance import hours, rollup_columns, rollup_state
from vpc_flow_logs.maintenance.candidates import Records, candidates_of, records_of
from vpc_flow_logs.maintenance.conflicts import retried
from vpc_flow_logs.maintenance.hours import within
from vpc_flow_logs.maintenance.rollup_state import State
from vpc_flow_logs.maintenance.step import NOTHING, Outcome
from vpc_flow_logs.maintenance.tables import Target, size_of
from vpc_flow_logs.progress import counted, say
from vpc_flow_logs.sql import quoted
from vpc_flow_logs.table_columns import HOURLY

MOST_HOURS = 31 * 24
"""Maximum number of hours in a commit."""


@dataclass(frozen=True)
class Changes:
    """The hours that differ from the roll-up.

    Attributes:
        added: Hours that the roll-up did not have.
        replaced: Hours with other sums.
        kept: Hours that lost records; the roll-up keeps their sums.
        rows: Number of rows of the roll-up that were written.
    """

    added: int = 0
    replaced: int = 0
    kept: int = 0
    rows: int = 0

    def __add__(self, other: Changes) -> Changes:
        return Changes(
            added=self.added + other.added,
            replaced=self.replaced + other.replaced,
            kept=self.kept + other.kept,
            rows=self.rows + other.rows,
        )


def roll_up(spark: SparkSession, target: Target, *, now: datetime, dry_run: bool) -> Outcome:
    """Write the sums of the hours that are finished and new or changed, and then the state.

    Args:
        spark: The session.
        target: The tables. The roll-up is created if it does not exist.
        now: The current time, with a time zone.
        dry_run: Write nothing, and return what would be written.

    Raises:
        RunFailed: The state in the properties of the roll-up is damaged.
        PySparkException: A table cannot be read or written.
    """
    exists = target.hourly in target.existing
    if not exists and not dry_run:
        retried(lambda: rollup_state.create(spark, target), say=say)
        exists = True
    state = rollup_state.read(spark, target)
    before = size_of(spark, target.hourly) if exists else None
    records = records_of(spark, target.records)
    candidates = candidates_of(spark, records, state, now=now)
    changes = Changes()
    for portion in hours.portions(candidates.hours, MOST_HOURS):
        work = partial(_update, spark, target.hourly if exists else None, records, portion, dry_run=dry_run)
        changes += retried(work, say=say)
        if len(candidates.hours) > MOST_HOURS:
            say(f"roll-up: compared the hours before {hours.start(portion[-1] + 1):%Y-%m-%d %H:%M} UTC")
    after = size_of(spark, target.hourly) if changes.rows and not dry_run else before
    if not dry_run:
        progress = State(rolled_up_ingested_at=candidates.newest, rolled_up_hours_before=hours.start(hours.number(now)))
        retried(lambda: rollup_state.write(spark, target, progress), say=say)
    result = described(changes, candidates.late, dry_run=dry_run)
    return Outcome(step="roll-up", table=target.hourly, result=result, before=before, after=after)


def _update(
    spark: SparkSession, hourly: str | None, records: Records, portion: Iterable[int], *, dry_run: bool
) -> Changes:
    """Compare hours with the roll-up, and replace those that differ in one commit.

    Args:
        spark: The session.
        hourly: Name of the roll-up; None if it does not exist.
        records: The records.
        portion: The hours. Each has records.
        dry_run: Write nothing.
    """
    existing, gained = set[int](), dict[int, int]()
    if hourly is not None:
        existing = _existing(spark, hourly, portion)
        gained = _gained(spark, hourly, records, existing) if existing else {}
    added = set(portion) - existing
    # The job itself deletes no records of these hours. If someone else does, the roll-up keeps the sums.
    replaced = {hour for hour, more in gained.items() if more >= 0}
    changes = Changes(added=len(added), replaced=len(replaced), kept=len(gained) - len(replaced))
    differing = added | replaced
    if not differing:
        return changes
    if hourly is None or dry_run:
        sums = spark.sql(rollup_columns.query(records.source, records.columns, within("event_time", differing)))
        return replace(changes, rows=sums.count())
    _replace(spark, hourly, records, differing)
    written = spark.sql(f"SELECT 1 FROM {quoted(hourly)} WHERE {within('hour', differing)}")
    return replace(changes, rows=written.count())


def _existing(spark: SparkSession, hourly: str, portion: Iterable[int]) -> set[int]:
    """Return the hours that the roll-up has."""
    number = hours.number_sql("hour")
    rows = spark.sql(
        f"SELECT DISTINCT {number} AS hour FROM {quoted(hourly)} WHERE {within('hour', portion)}"
    ).collect()
    return {row.hour for row in rows}


def _gained(spark: SparkSession, hourly: str, records: Records, existing: Iterable[int]) -> dict[int, int]:
    """Return the hours that differ from the roll-up, each with the number of records that the roll-up lacks.

    A row that is equal on both sides cancels out. Unlike in a join, NULL equals NULL.
    """
    sums = rollup_columns.query(records.source, records.columns, within("event_time", existing))
    listed = ", ".join(HOURLY)
    rows = spark.sql(
        f"SELECT {hours.number_sql('hour')} AS hour, sum(side * records) AS gained FROM ("
        f"SELECT {listed}, sum(side) AS side FROM (SELECT {listed}, 1 AS side FROM ({sums}) UNION ALL "
        f"SELECT {listed}, -1 AS side FROM {quoted(hourly)} WHERE {within('hour', existing)}) "
        f"GROUP BY {listed} HAVING sum(side) <> 0) GROUP BY ALL"
    ).collect()
    return {row.hour: row.gained for row in rows}


def _replace(spark: SparkSession, hourly: str, records: Records, differing: Iterable[int]) -> None:
    sums = spark.sql(rollup_columns.query(records.source, records.columns, within("event_time", differing)))
    (
        sums.write.format("delta")
        .mode("overwrite")
        .option("replaceWhere", within("hour", differing))
        .saveAsTable(quoted(hourly))
    )


def described(changes: Changes, late: int, *, dry_run: bool) -> str:
    """Return the result of the step as text.

    >>> described(Changes(added=24, replaced=1, rows=3120), 12, dry_run=False)
    'added 24 hours, replaced 1 hour, wrote 3,120 rows; left out late records of expired hours: 12'
    >>> described(Changes(added=1, rows=5), 0, dry_run=True)
    'would add 1 hour, write 5 rows'
    """
    verbs = ("add", "replace", "write") if dry_run else ("added", "replaced", "wrote")
    numbers = ((changes.added, "hour"), (changes.replaced, "hour"), (changes.rows, "row"))
    parts = [f"{verb} {counted(number, noun)}" for verb, (number, noun) in zip(verbs, numbers, strict=True) if number]
    result = f"{'would ' if dry_run else ''}{', '.join(parts)}" if parts else NOTHING
    if late:
        result += f"; left out late records of expired hours: {late:,}"
    if changes.kept:
        result += f"; kept the sums of {counted(changes.kept, 'hour')} with deleted records"
    return result
