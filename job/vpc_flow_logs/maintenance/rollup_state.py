"""The hourly roll-up as a table: its creation, and the state of the maintenance in its properties."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timezone

from pyspark.sql import SparkSession

from vpc_flow_logs import table
from vpc_flow_logs.failures import RunFailed
from vpc_flow_logs.maintenance.rollup_columns import CLUSTERED_BY
from vpc_flow_logs.maintenance.tables import Target
from vpc_flow_logs.sql import listed_properties, literal, quoted
from vpc_flow_logs.table_columns import HOURLY

PREFIX = "vpc_flow_logs."
"""Prefix of the table properties. The rest of a property's name is an attribute of `State`."""


@dataclass(frozen=True)
class State:
    """The progress of the roll-up and of the expiry. An attribute is None if there is no progress yet.

    Attributes:
        rolled_up_ingested_at: The newest ``ingested_at`` that the roll-up has read. The stream writes one batch at
            a time, so the batches that are committed later also have a later ``ingested_at``.
        rolled_up_hours_before: The roll-up has the hours before this time. It is the start of an hour.
        expired_records_before: Records of the hours before this time may be deleted. Their rows in the roll-up are
            final. It is the start of an hour.
        expired_ingested_before: Those records have an ``ingested_at`` before this time. Records of those hours with a
            later one were not in the roll-up yet: they are late.
        expired_hours_before: Rows of the roll-up before this time may be deleted. It is the start of an hour.
    """

    rolled_up_ingested_at: datetime | None = None
    rolled_up_hours_before: datetime | None = None
    expired_records_before: datetime | None = None
    expired_ingested_before: datetime | None = None
    expired_hours_before: datetime | None = None


def create(spark: SparkSession, target: Target) -> None:
    """Create the roll-up if it does not exist.

    Raises:
        PySparkException: The table cannot be created.
    """
    columns = ", ".join(f"`{name}` {type_} COMMENT {literal(text)}" for name, (type_, text) in HOURLY.items())
    location = f" LOCATION {literal(target.hourly_path)}" if target.hourly_path else ""
    properties = {table.MARK: "hourly", "delta.dataSkippingStatsColumns": ",".join(CLUSTERED_BY)}
    spark.sql(
        f"CREATE TABLE IF NOT EXISTS {quoted(target.hourly)} ({columns}) USING DELTA "
        f"CLUSTER BY ({', '.join(CLUSTERED_BY)}) TBLPROPERTIES ({listed_properties(properties)}){location}"
    )


def read(spark: SparkSession, target: Target) -> State:
    """Return the state; an empty one if the roll-up does not exist.

    Raises:
        RunFailed: A property is not a time.
        PySparkException: The table cannot be read.
    """
    if not spark.catalog.tableExists(quoted(target.hourly)):
        return State()
    detail = table.delta_detail(spark, quoted(target.hourly))
    return of_properties(target.hourly, {} if detail is None else detail.properties)


def of_properties(name: str, properties: Mapping[str, str]) -> State:
    """Return the state in the properties of the roll-up with this name.

    Raises:
        RunFailed: A property is not a time.
    """
    values: dict[str, datetime] = {}
    for attribute in _ATTRIBUTES:
        text = properties.get(PREFIX + attribute)
        if text is None:
            continue
        time = _time(text)
        if time is None:
            raise RunFailed(
                f"The property {PREFIX}{attribute} of table {name} is {text!r}, which is not a time such as "
                f"'2026-11-03T04:00:00+00:00'. Restore its previous value: DESCRIBE HISTORY {quoted(name)} shows all "
                "values that it had. Nothing was changed."
            )
        values[attribute] = time
    return State(**values)


def _time(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if time.tzinfo is None else time.astimezone(timezone.utc)


def write(spark: SparkSession, target: Target, state: State) -> None:
    """Write the times that are later than those in the table's properties. A state never moves backward.

    Raises:
        PySparkException: The properties cannot be changed.
    """
    old = read(spark, target)
    changed = to_properties(newer(state, than=old))
    if changed:
        spark.sql(f"ALTER TABLE {quoted(target.hourly)} SET TBLPROPERTIES ({listed_properties(changed)})")


def newer(state: State, *, than: State) -> State:
    """Return the times of a state that are later than those of another one."""
    return State(
        **{
            name: time
            for name in _ATTRIBUTES
            if (time := getattr(state, name)) is not None and time > (getattr(than, name) or _FIRST)
        }
    )


def to_properties(state: State) -> dict[str, str]:
    """Return the state as table properties.

    >>> to_properties(State(expired_hours_before=datetime(2026, 11, 3, 4, tzinfo=timezone.utc)))
    {'vpc_flow_logs.expired_hours_before': '2026-11-03T04:00:00+00:00'}
    """
    values = {attribute: getattr(state, attribute) for attribute in _ATTRIBUTES}
    return {PREFIX + attribute: time.isoformat() for attribute, time in values.items() if time is not None}


_ATTRIBUTES = tuple(field.name for field in fields(State))
_FIRST = datetime.min.replace(tzinfo=timezone.utc)
