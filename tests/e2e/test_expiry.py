"""The expiry: it deletes exactly the rows that are older than the retention period, and leaves the roll-up right."""

from __future__ import annotations

import os
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.support.ingesting import commits
from tests.support.rolling_up import Tables, hour_of, record, rollup_sums
from vpc_flow_logs.maintenance import expiry, rollup_state
from vpc_flow_logs.maintenance.expiry import expire
from vpc_flow_logs.maintenance.hours import from_micros
from vpc_flow_logs.maintenance.rollup import roll_up

pytestmark = pytest.mark.lts

SEED = int(os.environ.get("VPC_FLOW_LOGS_SEED", "1"))
STEPS = int(os.environ.get("VPC_FLOW_LOGS_MAINTAIN_STEPS", "24"))

NINE = datetime(2026, 11, 3, 9, tzinfo=timezone.utc)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def run(tables: Tables, *, now: datetime, keep: int | None = 1, keep_hourly: int | None = None) -> list[str]:
    """Roll up and expire; return the results."""
    first = roll_up(tables.spark, tables.target, now=now, dry_run=False)
    return [first.did, *deleted(tables, now=now, keep=keep, keep_hourly=keep_hourly)]


def deleted(
    tables: Tables, *, now: datetime, keep: int | None = 1, keep_hourly: int | None = None, dry_run: bool = False
) -> list[str]:
    """Expire; return the results for the records, the quarantine table and the roll-up."""
    outcomes = expire(
        tables.spark, tables.target, keep_days=keep, keep_hourly_days=keep_hourly, now=now, dry_run=dry_run
    )
    return [outcome.did for outcome in outcomes]


def addresses(tables: Tables) -> set[str]:
    """Return the source addresses in the records table."""
    return {row.srcaddr for row in tables.spark.table(tables.name).collect()}


def versions(tables: Tables) -> list[int]:
    """Return the number of commits of each table."""
    return [len(commits(f"{tables.path}{kind}")) for kind in ("", "_quarantine", "_hourly")]


KEPT = "kept all rows, because --keep-hourly-days is not set"


def test_rows_of_whole_utc_hours_expire_and_the_roll_up_outlives_them(spark: SparkSession, tmp_path: Path) -> None:
    tables = Tables(spark, tmp_path, "expired")
    tables.add([record(NINE, "old"), record(NINE + 59 * MINUTE, "end")], ingested_at=NINE + HOUR)
    tables.add([record(NINE + HOUR, "next")], ingested_at=NINE + 2 * HOUR)
    tables.add_entries(3, ingested_at=NINE + 59 * MINUTE)
    tables.add_entries(2, ingested_at=NINE + HOUR)
    now = NINE + DAY + HOUR
    assert run(tables, now=now - MINUTE)[1:] == ["nothing to do", "nothing to do", KEPT]
    sums = rollup_sums(spark, "expired")
    assert run(tables, now=now + 59 * MINUTE) == [
        "nothing to do",
        "deleted 2 rows before 2026-11-03 10:00 UTC",
        "deleted 3 rows before 2026-11-03 10:00 UTC",
        KEPT,
    ]
    assert addresses(tables) == {"next"}
    assert spark.table("expired_quarantine").count() == 2
    assert rollup_sums(spark, "expired") == sums
    assert {row[0] for row in sums} == {hour_of(NINE), hour_of(NINE + HOUR)}


def test_a_second_expiry_writes_no_commit(spark: SparkSession, tmp_path: Path) -> None:
    tables = Tables(spark, tmp_path, "expired_twice")
    tables.add([record(NINE)], ingested_at=NINE)
    run(tables, now=NINE + 3 * DAY, keep_hourly=2)
    before = versions(tables)
    assert run(tables, now=NINE + 3 * DAY, keep_hourly=2) == ["nothing to do"] * 4
    assert versions(tables) == before


def test_without_a_retention_period_nothing_expires(spark: SparkSession, tmp_path: Path) -> None:
    tables = Tables(spark, tmp_path, "kept")
    tables.add([record(NINE), record(None)], ingested_at=NINE)
    kept = "kept all rows, because --keep-days is not set"
    assert run(tables, now=NINE + 9999 * DAY, keep=None)[1:] == [kept, kept, KEPT]
    assert spark.table("kept").count() == 2


def test_the_longest_retention_period_deletes_nothing(spark: SparkSession, tmp_path: Path) -> None:
    tables = Tables(spark, tmp_path, "kept_long")
    tables.add([record(datetime(1, 1, 1, tzinfo=timezone.utc))], ingested_at=NINE)
    assert run(tables, now=NINE + DAY, keep=10**9, keep_hourly=10**9)[1:] == ["nothing to do"] * 3


def test_records_in_no_finished_hour_expire_by_the_time_they_were_read(spark: SparkSession, tmp_path: Path) -> None:
    """A record without a time, or with one in the future, expires like all others."""
    tables = Tables(spark, tmp_path, "undated")
    future = datetime(2999, 1, 1, tzinfo=timezone.utc)
    tables.add([record(None, "none 1"), record(future, "future 1")], ingested_at=NINE + HOUR - MINUTE)
    tables.add([record(None, "none 2"), record(future, "future 2")], ingested_at=NINE + HOUR)
    # Its hour is not expired, although the clock that stamped it was slow.
    tables.add([record(NINE + HOUR + MINUTE, "ahead")], ingested_at=NINE + HOUR - MINUTE)
    everything = addresses(tables)
    run(tables, now=NINE + DAY + 59 * MINUTE)
    assert addresses(tables) == everything
    run(tables, now=NINE + DAY + HOUR)
    assert addresses(tables) == {"none 2", "future 2", "ahead"}
    assert {row[0] for row in rollup_sums(spark, "undated")} == {hour_of(NINE + HOUR)}


def test_late_records_of_an_expired_hour_are_reported_and_go_with_the_next_expiry(
    spark: SparkSession, tmp_path: Path
) -> None:
    tables = Tables(spark, tmp_path, "late_after_expiry")
    tables.add([record(NINE), record(NINE + DAY)], ingested_at=NINE + DAY)
    now = NINE + DAY + HOUR
    run(tables, now=now)
    sums = rollup_sums(spark, tables.name)
    tables.add([record(NINE + MINUTE, "late"), record(NINE + 2 * MINUTE, "late")], ingested_at=now + MINUTE)
    for _ in range(2):
        outcome = roll_up(spark, tables.target, now=now + HOUR, dry_run=False)
        assert outcome.did == "nothing to do; left out late records of expired hours: 2"
    assert deleted(tables, now=now + HOUR)[0] == "deleted 2 rows before 2026-11-03 11:00 UTC"
    assert addresses(tables) == {"10.0.0.1"}
    assert roll_up(spark, tables.target, now=now + HOUR, dry_run=False).did == "nothing to do"
    assert rollup_sums(spark, tables.name) == sums


def test_records_that_the_roll_up_has_not_read_stay(spark: SparkSession, tmp_path: Path) -> None:
    """The stream may write between the two steps."""
    tables = Tables(spark, tmp_path, "between_the_steps")
    tables.add([record(NINE, "old"), record(NINE + DAY)], ingested_at=NINE + DAY)
    now = NINE + DAY + HOUR
    roll_up(spark, tables.target, now=now, dry_run=False)
    tables.add([record(NINE, "between")], ingested_at=now)
    assert deleted(tables, now=now)[0] == "deleted 1 row before 2026-11-03 10:00 UTC"
    assert addresses(tables) == {"between", "10.0.0.1"}
    assert run(tables, now=now)[0] == "nothing to do; left out late records of expired hours: 1"


def test_an_expiry_before_any_roll_up_deletes_no_records(spark: SparkSession, tmp_path: Path) -> None:
    tables = Tables(spark, tmp_path, "never_rolled_up")
    tables.add([record(NINE)], ingested_at=NINE)
    assert deleted(tables, now=NINE + 9 * DAY) == ["nothing to do", "nothing to do"]
    assert addresses(tables) == {"10.0.0.1"}


def test_a_crash_before_the_deletion_makes_the_hours_final(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = Tables(spark, tmp_path, "crashed_expiry")
    tables.add([record(NINE), record(NINE + DAY)], ingested_at=NINE + DAY)
    now = NINE + DAY + HOUR

    def crash(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(expiry, "setting", crash)
        with pytest.raises(KeyboardInterrupt):
            run(tables, now=now)
    sums = rollup_sums(spark, tables.name)
    assert spark.table(tables.name).count() == 2
    tables.add([record(NINE, "late")], ingested_at=now + MINUTE)
    assert run(tables, now=now) == [
        "nothing to do; left out late records of expired hours: 1",
        "deleted 2 rows before 2026-11-03 10:00 UTC",
        "nothing to do",
        KEPT,
    ]
    assert rollup_sums(spark, tables.name) == sums


def test_a_crash_before_the_state_deletes_nothing(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = Tables(spark, tmp_path, "crashed_before_state")
    tables.add([record(NINE), record(NINE + DAY)], ingested_at=NINE + DAY)
    roll_up(spark, tables.target, now=NINE + DAY + HOUR, dry_run=False)

    def crash(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(rollup_state, "write", crash)
        with pytest.raises(KeyboardInterrupt):
            deleted(tables, now=NINE + DAY + HOUR)
    assert spark.table(tables.name).count() == 2


def test_the_roll_up_expires_by_its_own_period_and_its_hours_do_not_come_back(
    spark: SparkSession, tmp_path: Path
) -> None:
    tables = Tables(spark, tmp_path, "expired_hourly")
    tables.add([record(NINE, "old"), record(NINE + HOUR, "next")], ingested_at=NINE + 2 * HOUR)
    now = NINE + 2 * DAY + HOUR
    results = run(tables, now=now, keep=None, keep_hourly=2)
    assert results[3] == "deleted 1 row before 2026-11-03 10:00 UTC"
    assert {row[0] for row in rollup_sums(spark, tables.name)} == {hour_of(NINE + HOUR)}
    tables.add([record(NINE, "late")], ingested_at=now)
    assert run(tables, now=now, keep=None, keep_hourly=2)[0] == "nothing to do"
    assert {row[0] for row in rollup_sums(spark, tables.name)} == {hour_of(NINE + HOUR)}


def test_a_dry_run_deletes_nothing_and_reports_what_would_go(spark: SparkSession, tmp_path: Path) -> None:
    tables = Tables(spark, tmp_path, "dry_expiry")
    tables.add([record(NINE), record(NINE + DAY)], ingested_at=NINE + DAY)
    tables.add_entries(2, ingested_at=NINE)
    now = NINE + DAY + HOUR
    would = ["would delete 1 row before 2026-11-03 10:00 UTC", "would delete 2 rows before 2026-11-03 10:00 UTC"]
    assert deleted(tables, now=now, dry_run=True) == would
    roll_up(spark, tables.target, now=now, dry_run=False)
    before = versions(tables)
    assert deleted(tables, now=now, keep_hourly=1, dry_run=True) == [*would, would[0]]
    assert versions(tables) == before


def test_the_deletion_leaves_no_row_in_a_file_behind_a_deletion_vector(spark: SparkSession, tmp_path: Path) -> None:
    tables = Tables(spark, tmp_path, "deletion_vectors")
    spark.sql("ALTER TABLE deletion_vectors SET TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')")
    tables.add([record(NINE, "old"), record(NINE + DAY, "new")], ingested_at=NINE + DAY)
    former = spark.conf.get(expiry.DELETION_VECTORS, None)
    run(tables, now=NINE + DAY + HOUR)
    assert addresses(tables) == {"new"}
    assert not any("deletionVector" in action.get("add", {}) for commit in commits(tables.path) for action in commit)
    assert spark.conf.get(expiry.DELETION_VECTORS, None) == former


# Sequences


@dataclass
class Model:
    """The contents that the tables must have.

    Attributes:
        rows: Number of records in the table by hour, address and ``ingested_at``.
        sums: Number of records in the roll-up by hour and address.
        final: The hours before this one are expired.
        newest: The newest ``ingested_at`` that the roll-up has read.
    """

    rows: Counter[tuple[int, str, datetime]] = field(default_factory=Counter)
    sums: dict[tuple[int, str], int] = field(default_factory=dict)
    final: int = 0
    newest: datetime = NINE - 999 * DAY

    def roll_up(self, now: datetime) -> None:
        """Sum up all hours that are finished and not expired."""
        self.sums = {key: count for key, count in self.sums.items() if key[0] < self.final}
        for (hour, address, _), count in self.rows.items():
            if self.final <= hour < hour_of(now):
                self.sums[hour, address] = self.sums.get((hour, address), 0) + count
        self.newest = max((stamp for _, _, stamp in self.rows), default=self.newest)

    def expire(self, now: datetime, keep: int, *, crash: bool) -> None:
        """Delete the records of expired hours that the roll-up has read."""
        cut = hour_of(now) - 24 * keep
        gone = {row for row in self.rows if row[0] < cut and row[2] <= self.newest}
        if gone:
            self.final = max(self.final, cut)
        if not crash:
            self.rows = Counter({row: count for row, count in self.rows.items() if row not in gone})


@pytest.mark.slow
def test_any_sequence_of_loads_late_loads_crashes_and_runs_keeps_the_sums_right(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(SEED)
    tables, model = Tables(spark, tmp_path, f"sequence_{SEED}"), Model()
    now, done = NINE, list[str]()

    def crash(*arguments: object) -> None:
        raise KeyboardInterrupt

    for _ in range(STEPS):
        now += rng.choice([MINUTE, 30 * MINUTE, 3 * HOUR, 13 * HOUR])
        step = rng.choice(["load", "load", "late load", "maintain", "maintain", "crash in roll-up", "crash in expiry"])
        done.append(f"{now:%d %H:%M} {step}")
        if step.endswith("load"):
            behind = 4 * 24 * 60 if step == "late load" else 90
            times = [now - rng.randrange(behind) * MINUTE for _ in range(rng.randint(1, 4))]
            stamp = now - rng.randrange(20) * MINUTE if rng.random() < 0.3 else now
            stamp = max(stamp, model.newest + MINUTE / 60)  # the stream writes its batches one after the other
            loaded = [(time, f"10.0.0.{rng.randint(1, 3)}") for time in times]
            tables.add([record(time, address) for time, address in loaded], ingested_at=stamp)
            model.rows.update((hour_of(time), address, stamp) for time, address in loaded)
            continue
        with monkeypatch.context() as patched:
            if step == "crash in roll-up":
                patched.setattr(rollup_state, "write", crash)
            elif step == "crash in expiry":
                patched.setattr(expiry, "setting", crash)
            crashed = False
            try:
                run(tables, now=now, keep=2)
            except KeyboardInterrupt:
                crashed = True
                done[-1] += ": crashed"
        model.roll_up(now)
        if step != "crash in roll-up":
            model.expire(now, keep=2, crash=crashed)
        story = f"seed {SEED}: {done}"
        held = {(key[0], key[4]): sums for key, sums in rollup_sums(spark, tables.name).items()}
        assert held == {key: (count, 2 * count, 100 * count) for key, count in model.sums.items()}, story
        assert contents(tables) == model.rows, story
    assert model.final, "the sequence expires no hour"


def contents(tables: Tables) -> Counter[tuple[int, str, datetime]]:
    """Count the records by hour, address and ``ingested_at``."""
    columns = ("unix_micros(event_time) AS time", "srcaddr", "unix_micros(ingested_at) AS stamp")
    rows = tables.spark.table(tables.name).selectExpr(*columns).collect()
    return Counter((hour_of(from_micros(row.time)), row.srcaddr, from_micros(row.stamp)) for row in rows)
