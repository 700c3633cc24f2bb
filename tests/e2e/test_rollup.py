"""The hourly roll-up: its sums equal those of the records, and a run reads only what is new."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from local.traffic.files import key
from tests.support.ingesting import START, Place, file_of, flow_log, ingest, table_of
from tests.support.rolling_up import Sums, Tables, hour_of, raw_sums, record, rollup_sums
from vpc_flow_logs.fields import DEFAULT_FORMAT, FIELDS, TGW_DEFAULT_FORMAT
from vpc_flow_logs.maintenance import rollup, rollup_state
from vpc_flow_logs.maintenance.hours import from_micros, literal
from vpc_flow_logs.maintenance.rollup import roll_up
from vpc_flow_logs.maintenance.step import Outcome
from vpc_flow_logs.maintenance.tables import size_of, target_of

pytestmark = pytest.mark.lts

NINE = datetime(2026, 11, 3, 9, tzinfo=timezone.utc)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
COUNT = 100
"""Number of records in a file of each format."""
V5 = tuple(field.name for field in FIELDS if field.version <= 5)


def run(tables: Tables, *, now: datetime, dry_run: bool = False) -> Outcome:
    """Roll up."""
    return roll_up(tables.spark, tables.target, now=now, dry_run=dry_run)


def check(tables: Tables, *, now: datetime) -> None:
    """Compare the roll-up with the records."""
    assert rollup_sums(tables.spark, tables.name) == raw_sums(tables.spark, tables.name, before=now)


# Equal sums


@pytest.mark.parametrize("headers", [[field.name for field in FIELDS], ["srcaddr", "start"]], ids=len)
def test_sums_equal_those_of_the_records_in_every_format(
    spark: SparkSession, tmp_path: Path, headers: list[str]
) -> None:
    """The fields have columns, or are in ``other_fields``, with ``-`` in names from text and ``_`` from Parquet."""
    where = Place(tmp_path, f"rolled_up_{len(headers)}", headers=headers)
    kinds: list[tuple[tuple[str, ...], dict[str, Any]]] = [
        (DEFAULT_FORMAT, {}),
        (V5, {}),
        (V5, {"file_format": "parquet"}),
        (TGW_DEFAULT_FORMAT, {}),
    ]
    statuses = set()
    for seed, (fields, changes) in enumerate(kinds):
        records, log = table_of(fields, count=COUNT, seed=seed), flow_log(fields, **changes)
        statuses |= set(records.column("log-status").to_pylist())
        when = datetime.fromtimestamp(START, tz=timezone.utc) + seed * HOUR / 2
        where.deliver(file_of(records, fields, **changes), key(log, when, part=seed))
    where.deliver(b"srcaddr start log-status vpc-id\n- 1760000000 SKIPDATA vpc-1\n", "skipped.log")
    assert "NODATA" in statuses
    ingest(spark, where)
    now = datetime.now(timezone.utc)
    target = target_of(spark, table_name=where.table_name, path=where.delta)
    roll_up(spark, target, now=now, dry_run=False)
    sums = rollup_sums(spark, where.table_name)
    assert sums == raw_sums(spark, where.table_name, before=now)
    assert sum(records for records, _, _ in sums.values()) == 4 * COUNT + 1
    assert (hour_of(datetime.fromtimestamp(START, tz=timezone.utc)), None, "vpc-1", *[None] * 7) in sums
    found = {place: {key[place] for key in sums} for place in (2, 3, 6, 9)}
    assert all(len(values - {None}) > 1 for values in found.values()), "VPC, subnet, service port or direction"
    assert all(None in values for values in found.values())
    # NULL equals NULL, so the hours do not differ. The run is the same for every format.
    if "vpc-id" not in headers:
        again = roll_up(spark, target_of(spark, table_name=where.table_name, path=where.delta), now=now, dry_run=False)
        assert again == Outcome("roll-up", target.hourly, "nothing to do", *[size_of(spark, target.hourly)] * 2)


# Records of several kinds in one table, and a run at the end of each hour


@dataclass(frozen=True)
class Kinds:
    """A roll-up of several kinds of records, and the output of the run that summed up most of them."""

    sums: Sums
    expected: Sums
    printed: list[str]


@pytest.fixture(scope="module")
def kinds(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Kinds:
    """Roll up in a session with a time zone, with at most two hours per commit, and a column that was added later."""
    root = tmp_path_factory.mktemp("kinds")
    tables = Tables(spark, root, "kinds")
    before_1970 = datetime(1969, 12, 31, 23, 59, 59, 500_000, tzinfo=timezone.utc)
    first, last = datetime(1, 1, 1, tzinfo=timezone.utc), datetime(9999, 12, 31, 23, tzinfo=timezone.utc)
    times = [NINE, NINE + 29 * MINUTE, NINE + 31 * MINUTE, NINE + HOUR, before_1970, first, last, None]
    assert run(tables, now=NINE, dry_run=True).result == "nothing to do"
    assert not spark.catalog.tableExists("kinds_hourly")
    spark.conf.set("spark.sql.session.timeZone", "Asia/Kolkata")  # 5:30 hours ahead of UTC
    printed = io.StringIO()
    try:
        assert run(tables, now=NINE).result == "nothing to do"
        many_bytes = [record(NINE, "overflow", bytes=2**63 - 1), record(NINE, "overflow", bytes=1)]
        former = [record(NINE, "widened", other_fields={"vpc-id": "vpc-1"})]
        tables.add([*(record(time) for time in times), *many_bytes, *former], ingested_at=NINE + HOUR)
        tables = Tables(spark, root, "kinds", headers=(*DEFAULT_FORMAT, "vpc-id"))
        tables.add([record(NINE, "widened", vpc_id="vpc-1")], ingested_at=NINE + HOUR)
        with pytest.MonkeyPatch.context() as patched, contextlib.redirect_stdout(printed):
            patched.setattr(rollup, "MOST_HOURS", 2)
            assert run(tables, now=NINE + 119 * MINUTE).result == "added 3 hours, wrote 5 rows"
        # No record arrives, but another hour is finished.
        assert run(tables, now=NINE + 2 * HOUR).result == "added 1 hour, wrote 1 row"
    finally:
        spark.conf.set("spark.sql.session.timeZone", "UTC")
    expected = raw_sums(spark, "kinds", before=NINE + 2 * HOUR)
    return Kinds(rollup_sums(spark, "kinds"), expected, printed.getvalue().splitlines())


def test_hours_are_finished_utc_hours_in_every_time_zone(kinds: Kinds) -> None:
    before_1970, first = datetime(1969, 12, 31, 23, tzinfo=timezone.utc), datetime(1, 1, 1, tzinfo=timezone.utc)
    assert {key[0] for key in kinds.sums} == {*map(hour_of, (NINE, NINE + HOUR, before_1970, first))}
    hours = {key: total for key, total in kinds.sums.items() if key[4] != "overflow"}
    assert hours == {key: total for key, total in kinds.expected.items() if key[4] != "overflow"}


def test_a_sum_that_exceeds_bigint_is_null(kinds: Kinds) -> None:
    assert [total for key, total in kinds.sums.items() if key[4] == "overflow"] == [(2, 4, None)]


def test_a_column_that_is_added_later_changes_no_group(kinds: Kinds) -> None:
    assert {key[2]: total for key, total in kinds.sums.items() if key[4] == "widened"} == {"vpc-1": (2, 4, 200)}


def test_many_hours_are_written_in_several_commits(kinds: Kinds) -> None:
    assert kinds.printed == [
        "roll-up: compared the hours before 1970-01-01 00:00 UTC",
        "roll-up: compared the hours before 2026-11-03 10:00 UTC",
    ]


# One table, which later fixtures take over from earlier ones


class Recorder:
    """A session that records the queries of the records table."""

    def __init__(self, spark: SparkSession) -> None:
        self._spark = spark
        self.queries: list[DataFrame] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._spark, name)

    def sql(self, text: str) -> DataFrame:
        frame = self._spark.sql(text)
        if text.startswith("SELECT") and "`many_days`" in text:
            self.queries.append(frame)
        return frame


DAYS = [NINE + day * 24 * HOUR for day in range(3)]
NOW = DAYS[-1] + 24 * HOUR
CRASHED = NOW + 9 * HOUR
"""The hour of the records before the crash."""
SOON = CRASHED + 9 * HOUR
"""The time of the runs from the crash on."""


@dataclass(frozen=True)
class Late:
    """A run after late files: the plan, the outcome, and the files that its queries read, by ``ingested_at``."""

    planned: Outcome
    is_unchanged: bool
    outcome: Outcome
    read: list[set[datetime]]


@dataclass(frozen=True)
class Idle:
    """A run, and whether it wrote no data file."""

    result: str
    is_unchanged: bool


@dataclass(frozen=True)
class Deleted:
    """The result of a run after a record was deleted, and of one after its hour was deleted from the roll-up."""

    kept: str
    has_kept_sums: bool
    added: str


@pytest.fixture(scope="module")
def tables(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Tables:
    return Tables(spark, tmp_path_factory.mktemp("many_days"), "many_days")


@pytest.fixture(scope="module")
def late(spark: SparkSession, tables: Tables) -> Late:
    """Roll up three days, and then a new hour and a late record of the second day."""
    for day in DAYS:
        tables.add([record(day)], ingested_at=day + HOUR)
    assert run(tables, now=NOW).result == "added 3 hours, wrote 3 rows"
    tables.add([record(DAYS[1] + MINUTE), record(NOW, "10.0.0.2")], ingested_at=NOW + MINUTE)
    before = tables.data_files()
    planned = run(tables, now=NOW + HOUR, dry_run=True)
    is_unchanged = tables.data_files() == before
    recorder = Recorder(spark)
    outcome = roll_up(recorder, tables.target, now=NOW + HOUR, dry_run=False)  # type: ignore[arg-type]
    check(tables, now=NOW + HOUR)
    return Late(planned, is_unchanged, outcome, [stamps(query) for query in recorder.queries])


@pytest.fixture(scope="module")
def crashed(tables: Tables, late: Late) -> Idle:
    """Interrupt a run after it wrote the sums, and run again."""
    tables.add([record(CRASHED), record(CRASHED, "10.0.0.2"), record(NOW)], ingested_at=CRASHED + HOUR)

    def crash(*arguments: object) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(rollup_state, "write", crash)
        with pytest.raises(KeyboardInterrupt):
            run(tables, now=SOON)
    check(tables, now=SOON)
    files = tables.data_files()
    result = run(tables, now=SOON).result
    return Idle(result, tables.data_files() == files)


@pytest.fixture(scope="module")
def deleted(spark: SparkSession, tables: Tables, crashed: Idle) -> Deleted:
    """Delete a record, roll up, delete the roll-up of its hour, and roll up again."""
    sums = rollup_sums(spark, tables.name)
    spark.sql(f"DELETE FROM many_days WHERE srcaddr = '10.0.0.2' AND event_time >= {literal(CRASHED)}")
    kept = run(tables, now=SOON).result
    has_kept_sums = rollup_sums(spark, tables.name) == sums
    spark.sql(f"DELETE FROM many_days_hourly WHERE hour >= {literal(CRASHED)}")
    added = run(tables, now=SOON).result
    check(tables, now=SOON)
    return Deleted(kept, has_kept_sums, added)


def test_a_run_replaces_only_hours_with_new_records(late: Late, crashed: Idle) -> None:
    assert late.planned.result == "would add 1 hour, replace 1 hour, write 2 rows"
    assert late.planned.before == late.planned.after
    assert late.is_unchanged
    assert late.outcome.result == "added 1 hour, replaced 1 hour, wrote 2 rows"
    assert (late.outcome.before and late.outcome.before.rows, late.outcome.after and late.outcome.after.rows) == (3, 4)
    assert crashed == Idle("nothing to do", is_unchanged=True)


def test_a_run_reads_only_files_with_new_records_and_files_of_their_hours(late: Late) -> None:
    new, newest, late_hour = NOW + MINUTE, DAYS[-1] + HOUR, DAYS[1] + HOUR
    assert late.read == [
        {new, newest},  # the search for new records: the overlap covers the newest of the files that the first run read
        {new, newest, late_hour},  # the comparison with the roll-up
        {new, late_hour},  # the sums of the hours that differ
    ]


def test_a_crash_between_the_sums_and_the_state_keeps_the_sums_correct(crashed: Idle) -> None:
    assert crashed == Idle("nothing to do", is_unchanged=True)


def test_records_that_somebody_deletes_stay_in_the_roll_up_until_their_hours_are_deleted_too(deleted: Deleted) -> None:
    assert deleted.kept == "nothing to do; kept the sums of 1 hour with deleted records"
    assert deleted.has_kept_sums
    assert deleted.added == "added 1 hour, wrote 1 row"


def test_records_with_an_earlier_stamp_than_the_roll_up_are_found(tables: Tables, deleted: Deleted) -> None:
    """The job stamps a batch when it begins, and commits it at its end, for a large batch hours later."""
    stamp = CRASHED + HOUR  # of the newest records that the roll-up has read
    # The clock of a second cluster is slow, and that of a third one is fast.
    slow, fast = stamp - 50 * MINUTE, SOON + 1000 * HOUR
    others = [record(CRASHED - HOUR, ingested_at=slow), record(CRASHED + HOUR, ingested_at=fast)]
    tables.add([record(CRASHED + MINUTE), *others], ingested_at=stamp + MINUTE)
    assert run(tables, now=SOON).result == "added 2 hours, replaced 1 hour, wrote 3 rows"
    tables.add([record(CRASHED + 3 * MINUTE)], ingested_at=SOON + MINUTE)
    assert run(tables, now=SOON).result == "replaced 1 hour, wrote 1 row"
    check(tables, now=SOON)


def stamps(query: DataFrame) -> set[datetime]:
    """Return the ``ingested_at`` values of the records files that a query reads. Each file has one value."""
    files = query.sparkSession.read.schema("ingested_at TIMESTAMP").parquet(*query.inputFiles())
    rows = files.selectExpr("unix_micros(ingested_at) AS stamp").distinct().collect()
    return {from_micros(row.stamp) for row in rows if row.stamp is not None}  # files of the roll-up have none
