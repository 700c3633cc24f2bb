"""The hourly roll-up: its sums equal those of the records, and a run reads only what is new."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from local.traffic.files import key
from tests.support.ingesting import START, Place, file_of, flow_log, ingest, table_of
from tests.support.rolling_up import Tables, hour_of, raw_sums, record, rollup_sums
from vpc_flow_logs.fields import DEFAULT_FORMAT, FIELDS, TGW_DEFAULT_FORMAT
from vpc_flow_logs.maintenance import rollup, rollup_state
from vpc_flow_logs.maintenance.hours import from_micros
from vpc_flow_logs.maintenance.rollup import roll_up
from vpc_flow_logs.maintenance.step import Outcome
from vpc_flow_logs.maintenance.tables import size_of, target_of

pytestmark = pytest.mark.lts

NINE = datetime(2026, 11, 3, 9, tzinfo=timezone.utc)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
V5 = tuple(field.name for field in FIELDS if field.version <= 5)


def run(tables: Tables, *, now: datetime, dry_run: bool = False) -> Outcome:
    """Roll up."""
    return roll_up(tables.spark, tables.target, now=now, dry_run=dry_run)


def check(tables: Tables, *, now: datetime) -> None:
    """Compare the roll-up with the records."""
    assert rollup_sums(tables.spark, tables.name) == raw_sums(tables.spark, tables.name, before=now)


# Equal sums


@pytest.mark.parametrize("headers", [[field.name for field in FIELDS], DEFAULT_FORMAT, ["srcaddr", "start"]], ids=len)
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
        records, log = table_of(fields, count=300, seed=seed), flow_log(fields, **changes)
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
    assert sum(records for records, _, _ in sums.values()) == 4 * 300 + 1
    assert (hour_of(datetime.fromtimestamp(START, tz=timezone.utc)), None, "vpc-1", *[None] * 7) in sums
    found = {place: {key[place] for key in sums} for place in (2, 3, 6, 9)}
    assert all(len(values - {None}) > 1 for values in found.values()), "VPC, subnet, service port or direction"
    assert all(None in values for values in found.values())
    # NULL equals NULL, so the hours do not differ.
    assert roll_up(spark, target_of(spark, table_name=where.table_name, path=where.delta), now=now, dry_run=False) == (
        Outcome("roll-up", target.hourly, "nothing to do", *[size_of(spark, target.hourly)] * 2)
    )


def test_a_run_replaces_only_hours_with_new_records(spark: SparkSession, tmp_path: Path) -> None:
    tables = Tables(spark, tmp_path, "late_files")
    tables.add([record(NINE), record(NINE + HOUR), record(NINE + 2 * HOUR)], ingested_at=NINE + 3 * HOUR)
    now = NINE + 4 * HOUR
    assert run(tables, now=now).result == "added 3 hours, wrote 3 rows"
    tables.add([record(NINE + MINUTE), record(NINE + 4 * HOUR, "10.0.0.2")], ingested_at=now + MINUTE)
    before = tables.data_files()
    dry = run(tables, now=now + HOUR, dry_run=True)
    assert (dry.result, dry.before) == ("would add 1 hour, replace 1 hour, write 2 rows", dry.after)
    assert tables.data_files() == before
    outcome = run(tables, now=now + HOUR)
    assert outcome.result == "added 1 hour, replaced 1 hour, wrote 2 rows"
    assert (outcome.before and outcome.before.rows, outcome.after and outcome.after.rows) == (3, 4)
    check(tables, now=now + HOUR)
    files = tables.data_files()
    assert run(tables, now=now + 9 * HOUR).result == "nothing to do"
    assert tables.data_files() == files


def test_hours_are_finished_utc_hours_in_every_time_zone(spark: SparkSession, tmp_path: Path) -> None:
    tables = Tables(spark, tmp_path, "utc_hours")
    before_1970 = datetime(1969, 12, 31, 23, 59, 59, 500_000, tzinfo=timezone.utc)
    first, last = datetime(1, 1, 1, tzinfo=timezone.utc), datetime(9999, 12, 31, 23, tzinfo=timezone.utc)
    times = [NINE, NINE + 29 * MINUTE, NINE + 31 * MINUTE, NINE + HOUR, before_1970, first, last, None]
    assert run(tables, now=NINE, dry_run=True).result == "nothing to do"
    assert not spark.catalog.tableExists("utc_hours_hourly")
    spark.conf.set("spark.sql.session.timeZone", "Asia/Kolkata")  # 5:30 hours ahead of UTC
    try:
        assert run(tables, now=NINE).result == "nothing to do"
        tables.add([record(time) for time in times], ingested_at=NINE + HOUR)
        assert run(tables, now=NINE + 119 * MINUTE).result == "added 3 hours, wrote 3 rows"
        # No record arrives, but another hour is finished.
        assert run(tables, now=NINE + 2 * HOUR).result == "added 1 hour, wrote 1 row"
    finally:
        spark.conf.set("spark.sql.session.timeZone", "UTC")
    check(tables, now=NINE + 2 * HOUR)
    assert {row[0] for row in rollup_sums(spark, tables.name)} == {
        *map(hour_of, (NINE, NINE + HOUR, before_1970, first))
    }


def test_a_sum_that_exceeds_bigint_is_null(spark: SparkSession, tmp_path: Path) -> None:
    tables = Tables(spark, tmp_path, "overflow")
    tables.add([record(NINE, bytes=2**63 - 1), record(NINE, bytes=1)], ingested_at=NINE + HOUR)
    run(tables, now=NINE + HOUR)
    assert list(rollup_sums(spark, tables.name).values()) == [(2, 4, None)]


def test_a_column_that_is_added_later_changes_no_group(spark: SparkSession, tmp_path: Path) -> None:
    tables = Tables(spark, tmp_path, "widened")
    tables.add([record(NINE, other_fields={"vpc-id": "vpc-1"})], ingested_at=NINE + HOUR)
    later = Tables(spark, tmp_path, "widened", headers=(*DEFAULT_FORMAT, "vpc-id"))
    later.add([record(NINE, vpc_id="vpc-1")], ingested_at=NINE + HOUR)
    run(later, now=NINE + HOUR)
    check(later, now=NINE + HOUR)
    assert {(row[2], total[0]) for row, total in rollup_sums(spark, later.name).items()} == {("vpc-1", 2)}


def test_many_hours_are_written_in_several_commits(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(rollup, "MOST_HOURS", 2)
    tables = Tables(spark, tmp_path, "portions")
    tables.add([record(NINE + n * HOUR) for n in (0, 2, 3)], ingested_at=NINE + 4 * HOUR)
    assert run(tables, now=NINE + 4 * HOUR).result == "added 3 hours, wrote 3 rows"
    assert capsys.readouterr().out.splitlines() == [
        "roll-up: compared the hours before 2026-11-03 12:00 UTC",
        "roll-up: compared the hours before 2026-11-03 13:00 UTC",
    ]
    check(tables, now=NINE + 4 * HOUR)


# Interruptions and other writers


def test_a_crash_between_the_sums_and_the_state_keeps_the_sums_correct(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = Tables(spark, tmp_path, "crashed_roll_up")
    tables.add([record(NINE)], ingested_at=NINE + HOUR)
    run(tables, now=NINE + HOUR)
    tables.add([record(NINE), record(NINE + HOUR)], ingested_at=NINE + HOUR + MINUTE)

    def crash(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(rollup_state, "write", crash)
        with pytest.raises(KeyboardInterrupt):
            run(tables, now=NINE + 2 * HOUR)
    check(tables, now=NINE + 2 * HOUR)
    files = tables.data_files()
    assert run(tables, now=NINE + 2 * HOUR).result == "nothing to do"
    assert tables.data_files() == files


def test_records_with_an_earlier_stamp_than_the_roll_up_are_found(spark: SparkSession, tmp_path: Path) -> None:
    """The job stamps a batch when it begins, and commits it at its end, for a large batch hours later."""
    tables = Tables(spark, tmp_path, "in_flight")
    stamp = NINE + HOUR
    tables.add([record(NINE)], ingested_at=stamp)
    now = NINE + 9 * HOUR
    run(tables, now=now)
    tables.add([record(NINE + MINUTE)], ingested_at=stamp + MINUTE)
    # The clock of a second cluster is slow, and that of a third one is fast.
    tables.add([record(NINE - HOUR)], ingested_at=stamp - 50 * MINUTE)
    tables.add([record(NINE + HOUR)], ingested_at=now + 1000 * HOUR)
    assert run(tables, now=now).result == "added 2 hours, replaced 1 hour, wrote 3 rows"
    tables.add([record(NINE + 3 * MINUTE)], ingested_at=now + MINUTE)
    assert run(tables, now=now).result == "replaced 1 hour, wrote 1 row"
    check(tables, now=now)


def test_records_that_somebody_deletes_stay_in_the_roll_up_until_their_hours_are_deleted_too(
    spark: SparkSession, tmp_path: Path
) -> None:
    tables = Tables(spark, tmp_path, "deleted_by_hand")
    tables.add([record(NINE), record(NINE, "10.0.0.2")], ingested_at=NINE + HOUR)
    run(tables, now=NINE + HOUR)
    sums = rollup_sums(spark, tables.name)
    spark.sql("DELETE FROM deleted_by_hand WHERE srcaddr = '10.0.0.2'")
    outcome = run(tables, now=NINE + HOUR)
    assert outcome.result == "nothing to do; kept the sums of 1 hour with deleted records"
    assert rollup_sums(spark, tables.name) == sums
    spark.sql("DELETE FROM deleted_by_hand_hourly WHERE hour >= '2026-11-03 09:00:00 UTC'")
    assert run(tables, now=NINE + HOUR).result == "added 1 hour, wrote 1 row"
    check(tables, now=NINE + HOUR)


# The work of a run


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


def test_a_run_reads_only_files_with_new_records_and_files_of_their_hours(spark: SparkSession, tmp_path: Path) -> None:
    tables = Tables(spark, tmp_path, "many_days")
    days = [NINE + day * 24 * HOUR for day in range(5)]
    for day in days:
        tables.add([record(day)], ingested_at=day + HOUR)
    now = days[-1] + 24 * HOUR
    run(tables, now=now)
    tables.add([record(days[1]), record(now)], ingested_at=now + MINUTE)
    recorder = Recorder(spark)
    outcome = roll_up(recorder, tables.target, now=now + HOUR, dry_run=False)  # type: ignore[arg-type]
    assert outcome.result == "added 1 hour, replaced 1 hour, wrote 2 rows"
    new, newest, late_hour = now + MINUTE, days[-1] + HOUR, days[1] + HOUR
    assert [stamps(query) for query in recorder.queries] == [
        {new, newest},  # the search for new records: the overlap covers the newest of the files that the first run read
        {new, newest, late_hour},  # the comparison with the roll-up
        {new, late_hour},  # the sums of the hours that differ
    ]


def stamps(query: DataFrame) -> set[datetime]:
    """Return the ``ingested_at`` values of the records files that a query reads. Each file has one value."""
    files = query.sparkSession.read.schema("ingested_at TIMESTAMP").parquet(*query.inputFiles())
    rows = files.selectExpr("unix_micros(ingested_at) AS stamp").distinct().collect()
    return {from_micros(row.stamp) for row in rows if row.stamp is not None}  # files of the roll-up have none
