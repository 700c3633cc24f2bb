"""The hours that may differ from the roll-up, found from the records that arrived since the last run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from pyspark.sql import SparkSession

from vpc_flow_logs.maintenance import hours
from vpc_flow_logs.maintenance.hours import literal, within
from vpc_flow_logs.maintenance.rollup_state import State
from vpc_flow_logs.sql import quoted

OVERLAP = timedelta(hours=1)
"""Records that are this much older than the newest record count as new, because the clocks of clusters may differ."""


@dataclass(frozen=True)
class Records:
    """The records table.

    The stream may add records between two queries of a run. Each query computes whole hours, so a later query only has
    more records. A fixed version would not work with a short retention, because Delta rejects time travel beyond it.

    Attributes:
        source: The table, quoted for SQL.
        columns: SQL type of each column, by lowercase name.
    """

    source: str
    columns: dict[str, str]


@dataclass(frozen=True)
class Candidates:
    """The hours to compare with the roll-up, and facts about the records that arrived since the last run.

    Attributes:
        hours: The finished hours that may differ from the roll-up.
        newest: The newest ``ingested_at``; None if there are no records.
        late: Number of records that arrived after the expiry of their hour.
    """

    hours: frozenset[int]
    newest: datetime | None
    late: int


def records_of(spark: SparkSession, name: str) -> Records:
    """Return a records table as the source of a roll-up.

    Raises:
        PySparkException: The table cannot be read.
    """
    fields = spark.table(quoted(name)).schema.fields
    return Records(quoted(name), {field.name.lower(): field.dataType.simpleString().upper() for field in fields})


def candidates_of(spark: SparkSession, records: Records, state: State, *, now: datetime) -> Candidates:
    """Return the hours that may differ from the roll-up, and the progress of the stream.

    Raises:
        PySparkException: The table cannot be read.
    """
    finished = hours.number(now)
    expired = state.expired_records_before
    is_late = "FALSE"
    if expired and state.expired_ingested_before:
        is_late = f"event_time < {literal(expired)} AND ingested_at >= {literal(state.expired_ingested_before)}"
    rows = spark.sql(
        f"SELECT {hours.number_sql('event_time')} AS hour, unix_micros(max(ingested_at)) AS newest, "
        f"count_if({is_late}) AS late FROM {records.source} WHERE {recent(state, now=now)} GROUP BY ALL"
    ).collect()
    first = max((hours.number(time) for time in (expired, state.expired_hours_before) if time), default=None)
    newest = max((row.newest for row in rows), default=None)
    return Candidates(
        hours=frozenset(
            row.hour
            for row in rows
            if row.hour is not None and row.hour < finished and (first is None or row.hour >= first)
        ),
        newest=None if newest is None else min(hours.from_micros(newest), now),
        late=sum(row.late for row in rows),
    )


def recent(state: State, *, now: datetime) -> str:
    """Return the SQL condition for the records that the roll-up may not have read, and for those of expired hours."""
    if state.rolled_up_ingested_at is None or state.rolled_up_hours_before is None:
        return "TRUE"
    finished = range(hours.number(state.rolled_up_hours_before), hours.number(now))
    parts = [f"ingested_at >= {literal(state.rolled_up_ingested_at - OVERLAP)}", within("event_time", finished)]
    if state.expired_records_before:
        parts.append(f"event_time < {literal(state.expired_records_before)}")
    return " OR ".join(parts)
