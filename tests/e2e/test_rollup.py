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
from vpc_flow_logs.failures import RunFailed
from vpc_flow_logs.fields import DEFAULT_FORMAT, FIELDS, TGW_DEFAULT_FORMAT
from vpc_flow_logs.maintenance import rollup, rollup_state
from vpc_flow_logs.maintenance.rollup import roll_up
from vpc_flow_logs.maintenance.step import Outcome
from vpc_flow_logs.maintenance.tables import target_of

pytestmark = pytest.mark.lts

NINE = datetime(2026, 11, 3, 9, tzinfo=timezone.utc)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def run(tables: Tables, *, now: datetime, dry_run: bool = False) -> Outcome:
    """Roll up."""
    return roll_up(tables.spark, tables.target, now=now, dry_run=dry_run)


def check(tables: Tables, *, now: datetime) -> None:
    """Compare the roll-up with the records."""
    assert rollup_sums(tables.spark, tables.name) == raw_sums(tables.spark, tables.name, before=now)


# Equal sums

FORMATS: dict[str, tuple[tuple[str, ...], tuple[str, ...], dict[str, Any]]] = {
    # Headers, fields of the files, and settings of the flow log
    "default": (DEFAULT_FORMAT, DEFAULT_FORMAT, {}),
    "all_fields": (tuple(f.name for f in FIELDS), tuple(f.name for f in FIELDS if f.scope != "tgw"), {}),
    "text_in_other_fields": (("srcaddr", "start"), tuple(f.name for f in FIELDS if f.version <= 5), {}),
    "parquet_in_other_fields": (
        ("srcaddr", "start"),
        tuple(f.name for f in FIELDS if f.version <= 5),
        {"file_format": "parquet"},
    ),
    "transit_gateway": (TGW_DEFAULT_FORMAT, TGW_DEFAULT_FORMAT, {"target_kind": "TransitGateway"}),
}


@pytest.mark.parametrize("name", FORMATS)
def test_sums_equal_those_of_the_records_in_every_format(spark: SparkSession, tmp_path: Path, name: str) -> None:
    headers, fields, changes = FORMATS[name]
    where = Place(tmp_path, f"rolled_{name}", headers=headers)
    when = datetime.fromtimestamp(START, tz=timezone.utc)
    records = table_of(fields, count=400)
    where.deliver(file_of(records, fields, **changes), key(flow_log(fields, **changes), when))
    ingest(spark, where)
    now = datetime.now(timezone.utc)
    target = target_of(spark, table_name=where.table_name, path=where.delta)
    roll_up(spark, target, now=now, dry_run=False)
    sums = rollup_sums(spark, where.table_name)
    assert sums == raw_sums(spark, where.table_name, before=now)
    assert sum(total[0] for total in sums.values()) == 400
    statuses = records.column("log-status").to_pylist()
    assert {"NODATA", "SKIPDATA"} <= set(statuses)
    values: dict[str, set[Any]] = {
        column: {row[column] for row in spark.table(f"{where.table_name}_hourly").select(column).collect()}
        for column in ("vpc_id", "flow_direction", "service_port")
    }
    assert (values["vpc_id"] != {None}) == ("vpc-id" in fields)
    assert (values["flow_direction"] != {None}) == ("flow-direction" in fields)
    assert values["service_port"] > {None, 443}
    again = roll_up(spark, target, now=now, dry_run=False)
    assert again.did == "nothing to do"  # NULL equals NULL, so the hours do not differ


def test_records_of_late_files_replace_only_their_hours(spark: SparkSession, tmp_path: Path) -> None:
    tables = Tables(spark, tmp_path, "late_files")
    tables.add([record(NINE), record(NINE + HOUR), record(NINE + 2 * HOUR)], ingested_at=NINE + 3 * HOUR)
    now = NINE + 4 * HOUR
    assert run(tables, now=now).did == "added 3 hours, wrote 3 rows"
    tables.add([record(NINE + MINUTE), record(NINE + 4 * HOUR, "10.0.0.2")], ingested_at=now + MINUTE)
    outcome = run(tables, now=now + HOUR)
    assert outcome.did == "added 1 hour, replaced 1 hour, wrote 2 rows"
    assert (outcome.before and outcome.before.rows, outcome.after and outcome.after.rows) == (3, 4)
    check(tables, now=now + HOUR)


def test_a_run_without_new_records_writes_no_data_file(spark: SparkSession, tmp_path: Path) -> None:
    tables = Tables(spark, tmp_path, "nothing_new")
    tables.add([record(NINE, action=None), record(NINE + HOUR)], ingested_at=NINE + 2 * HOUR)
    run(tables, now=NINE + 2 * HOUR)
    files = tables.data_files()
    assert files["_hourly"]
    assert run(tables, now=NINE + 2 * HOUR).did == "nothing to do"
    assert run(tables, now=NINE + 9 * HOUR).did == "nothing to do"
    assert tables.data_files() == files


def test_records_without_a_time_or_in_an_unfinished_hour_are_in_no_sum(spark: SparkSession, tmp_path: Path) -> None:
    tables = Tables(spark, tmp_path, "unfinished")
    now = NINE + HOUR + 59 * MINUTE
    future = datetime(9999, 1, 1, tzinfo=timezone.utc)
    tables.add([record(t) for t in (NINE, None, NINE + HOUR, future)], ingested_at=now)
    assert run(tables, now=now).did == "added 1 hour, wrote 1 row"
    assert {row[0] for row in rollup_sums(spark, tables.name)} == {hour_of(NINE)}
    # Nothing arrives, but the next hour is finished now.
    assert run(tables, now=now + MINUTE).did == "added 1 hour, wrote 1 row"
    check(tables, now=now + MINUTE)


def test_an_empty_table_has_an_empty_roll_up(spark: SparkSession, tmp_path: Path) -> None:
    tables = Tables(spark, tmp_path, "empty_roll_up")
    assert run(tables, now=NINE).did == "nothing to do"
    tables.add([record(NINE - 5 * HOUR)], ingested_at=NINE - 4 * HOUR)
    assert run(tables, now=NINE).did == "added 1 hour, wrote 1 row"


def test_hours_are_utc_hours_in_every_time_zone(spark: SparkSession, tmp_path: Path) -> None:
    tables = Tables(spark, tmp_path, "time_zones")
    before_1970 = datetime(1969, 12, 31, 23, 59, 59, 500_000, tzinfo=timezone.utc)
    times = [NINE, NINE + 29 * MINUTE, NINE + 31 * MINUTE, before_1970, datetime(1, 1, 1, tzinfo=timezone.utc)]
    tables.add([record(time) for time in times], ingested_at=NINE + HOUR)
    spark.conf.set("spark.sql.session.timeZone", "Asia/Kolkata")
    try:
        assert run(tables, now=NINE + HOUR).did == "added 3 hours, wrote 3 rows"
        assert run(tables, now=NINE + HOUR).did == "nothing to do"
    finally:
        spark.conf.set("spark.sql.session.timeZone", "UTC")
    check(tables, now=NINE + HOUR)


def test_a_sum_that_exceeds_bigint_is_null(spark: SparkSession, tmp_path: Path) -> None:
    tables = Tables(spark, tmp_path, "overflow")
    tables.add([record(NINE, bytes=2**63 - 1), record(NINE, bytes=1)], ingested_at=NINE + HOUR)
    run(tables, now=NINE + HOUR)
    assert list(rollup_sums(spark, tables.name).values()) == [(2, 4, None)]
    assert run(tables, now=NINE + HOUR).did == "nothing to do"


def test_a_column_that_is_added_later_changes_no_group(spark: SparkSession, tmp_path: Path) -> None:
    tables = Tables(spark, tmp_path, "widened")
    tables.add([record(NINE, other_fields={"vpc-id": "vpc-1"})], ingested_at=NINE + HOUR)
    run(tables, now=NINE + HOUR)
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
    assert run(tables, now=NINE + 4 * HOUR).did == "added 3 hours, wrote 3 rows"
    assert capsys.readouterr().out.splitlines() == [
        "roll-up: compared the hours before 2026-11-03 12:00 UTC",
        "roll-up: compared the hours before 2026-11-03 13:00 UTC",
    ]
    check(tables, now=NINE + 4 * HOUR)


def test_a_dry_run_writes_nothing_and_reports_what_it_would_write(spark: SparkSession, tmp_path: Path) -> None:
    tables = Tables(spark, tmp_path, "dry_roll_up")
    tables.add([record(NINE), record(NINE, "10.0.0.2")], ingested_at=NINE + HOUR)
    assert run(tables, now=NINE + HOUR, dry_run=True).did == "would add 1 hour, write 2 rows"
    assert not spark.catalog.tableExists("dry_roll_up_hourly")
    run(tables, now=NINE + HOUR)
    tables.add([record(NINE, "10.0.0.3"), record(NINE + HOUR)], ingested_at=NINE + 2 * HOUR)
    versions = history(spark, "dry_roll_up_hourly")
    assert run(tables, now=NINE + 2 * HOUR, dry_run=True).did == "would add 1 hour, replace 1 hour, write 4 rows"
    assert history(spark, "dry_roll_up_hourly") == versions


def history(spark: SparkSession, name: str) -> list[str]:
    """Return the operations of a table's commits, newest first."""
    return [row.operation for row in spark.sql(f"DESCRIBE HISTORY {name}").collect()]


# Interruptions and other writers


def test_a_crash_between_the_sums_and_the_state_keeps_the_sums_right(
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
    assert run(tables, now=NINE + 2 * HOUR).did == "nothing to do"
    assert tables.data_files() == files
    tables.add([record(NINE)], ingested_at=NINE + 2 * HOUR)
    run(tables, now=NINE + 3 * HOUR)
    check(tables, now=NINE + 3 * HOUR)


def test_a_batch_that_is_committed_after_the_roll_up_with_an_earlier_stamp_is_found(
    spark: SparkSession, tmp_path: Path
) -> None:
    """The job stamps a batch when it begins. A large batch is committed hours later."""
    tables = Tables(spark, tmp_path, "in_flight")
    stamp = NINE + HOUR
    tables.add([record(NINE)], ingested_at=stamp)
    run(tables, now=NINE + 9 * HOUR)
    tables.add([record(NINE + MINUTE)], ingested_at=stamp + MINUTE)
    assert run(tables, now=NINE + 9 * HOUR).did == "replaced 1 hour, wrote 1 row"
    # The clock of another cluster is slow.
    tables.add([record(NINE + 2 * MINUTE)], ingested_at=stamp - 50 * MINUTE)
    assert run(tables, now=NINE + 9 * HOUR).did == "replaced 1 hour, wrote 1 row"
    check(tables, now=NINE + 9 * HOUR)


def test_a_stamp_in_the_future_hides_no_later_records(spark: SparkSession, tmp_path: Path) -> None:
    tables = Tables(spark, tmp_path, "fast_clock")
    tables.add([record(NINE)], ingested_at=NINE + 1000 * HOUR)
    run(tables, now=NINE + HOUR)
    tables.add([record(NINE)], ingested_at=NINE + HOUR + MINUTE)
    run(tables, now=NINE + 2 * HOUR)
    check(tables, now=NINE + 2 * HOUR)


def test_records_that_somebody_deletes_stay_in_the_roll_up(spark: SparkSession, tmp_path: Path) -> None:
    tables = Tables(spark, tmp_path, "deleted_by_hand")
    tables.add([record(NINE), record(NINE, "10.0.0.2")], ingested_at=NINE + HOUR)
    run(tables, now=NINE + HOUR)
    sums = rollup_sums(spark, tables.name)
    spark.sql("DELETE FROM deleted_by_hand WHERE srcaddr = '10.0.0.2'")
    outcome = run(tables, now=NINE + HOUR)
    assert outcome.did == "nothing to do; kept the sums of 1 hour with deleted records"
    assert rollup_sums(spark, tables.name) == sums


def test_a_state_that_is_not_a_time_is_refused(spark: SparkSession, tmp_path: Path) -> None:
    tables = Tables(spark, tmp_path, "damaged_state")
    run(tables, now=NINE)
    property_ = "vpc_flow_logs.expired_records_before"
    spark.sql(f"ALTER TABLE damaged_state_hourly SET TBLPROPERTIES ('{property_}' = '2026-11-03')")
    with pytest.raises(RunFailed, match=f"property {property_} of table damaged_state_hourly is '2026-11-03'"):
        run(tables, now=NINE)


# The work of a run


class Recorder:
    """A session that remembers the queries of a table's version."""

    def __init__(self, spark: SparkSession) -> None:
        self._spark = spark
        self.queries: list[DataFrame] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._spark, name)

    def sql(self, text: str) -> DataFrame:
        frame = self._spark.sql(text)
        if " VERSION AS OF " in text:
            self.queries.append(frame)
        return frame


def test_a_run_reads_only_files_with_new_records_and_files_of_their_hours(spark: SparkSession, tmp_path: Path) -> None:
    tables = Tables(spark, tmp_path, "many_days")
    for day in range(5):
        time = NINE + day * 24 * HOUR
        tables.add([record(time)], ingested_at=time + HOUR)
    now = NINE + 5 * 24 * HOUR
    run(tables, now=now)
    tables.add([record(NINE + 24 * HOUR), record(now)], ingested_at=now + MINUTE)
    recorder = Recorder(spark)
    outcome = roll_up(recorder, tables.target, now=now + HOUR, dry_run=False)  # type: ignore[arg-type]
    assert outcome.did == "added 1 hour, replaced 1 hour, wrote 2 rows"
    schema, *queries = [len(query.inputFiles()) for query in recorder.queries]
    # Look: the new file and the newest old one, which the overlap covers. Compare: the late hour is in the new file and
    # in one old file. Sum up: the same.
    assert schema == 6
    assert queries == [2, 2, 2]
