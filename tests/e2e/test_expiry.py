"""The expiry: it deletes exactly the rows that are older than the retention period, and keeps the roll-up correct."""

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

SEED = int(os.environ.get("VPC_FLOW_LOGS_SEED", "1"))
ROUNDS = int(os.environ.get("VPC_FLOW_LOGS_MAINTAIN_ROUNDS", "3"))
CRASHES = ("crash in roll-up", "crash in expiry")

NINE = datetime(2026, 11, 3, 9, tzinfo=timezone.utc)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def run(tables: Tables, *, now: datetime, keep: int | None = 1, keep_hourly: int | None = None) -> list[str]:
    """Roll up and expire; return the results."""
    first = roll_up(tables.spark, tables.target, now=now, dry_run=False)
    return [first.result, *deleted(tables, now=now, keep=keep, keep_hourly=keep_hourly)]


def deleted(
    tables: Tables, *, now: datetime, keep: int | None = 1, keep_hourly: int | None = None, dry_run: bool = False
) -> list[str]:
    """Expire; return the results for the records, the quarantine table and the roll-up."""
    outcomes = expire(
        tables.spark, tables.target, keep_days=keep, keep_hourly_days=keep_hourly, now=now, dry_run=dry_run
    )
    return [outcome.result for outcome in outcomes]


def addresses(tables: Tables) -> set[str]:
    """Return the source addresses in the records table."""
    return {row.srcaddr for row in tables.spark.table(tables.name).collect()}


def data_files(tables: Tables) -> list[list[str]]:
    """Return the files that hold the rows of each hour, in order."""
    frame = tables.spark.table(tables.name).selectExpr("unix_micros(event_time) AS time", "_metadata.file_name AS file")
    files: dict[int, set[str]] = {}
    for row in frame.collect():
        files.setdefault(hour_of(from_micros(row.time)), set()).add(row.file)
    return [sorted(files[hour]) for hour in sorted(files)]


def versions(tables: Tables) -> list[int]:
    """Return the number of commits of each table."""
    return [len(commits(f"{tables.path}{kind}")) for kind in ("", "_quarantine", "_hourly")]


KEPT = "kept all rows, because --keep-hourly-days is not set"


def test_rows_of_whole_utc_hours_expire_and_the_roll_up_outlives_them(spark: SparkSession, tmp_path: Path) -> None:
    tables = Tables(spark, tmp_path, "expired")
    # Without this setting, DELETE would leave the rows in the files.
    spark.sql("ALTER TABLE expired SET TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')")
    former = spark.conf.get(expiry.DELETION_VECTORS, None)
    tables.add([record(NINE, "old")], ingested_at=NINE + MINUTE)
    tables.add([record(NINE + 59 * MINUTE, "end"), record(NINE + HOUR, "next")], ingested_at=NINE + 2 * HOUR)
    tables.add([record(NINE + 2 * HOUR, "new")], ingested_at=NINE + 3 * HOUR)
    tables.add_entries(3, ingested_at=NINE + 59 * MINUTE)
    tables.add_entries(2, ingested_at=NINE + HOUR)
    now = NINE + DAY + 119 * MINUTE
    never = "kept all rows, because --keep-days is not set"
    assert run(tables, now=now, keep=None)[1:] == [never, never, KEPT]
    sums, loaded = rollup_sums(spark, "expired"), data_files(tables)
    assert {row[0] for row in sums} == {hour_of(NINE + n * HOUR) for n in range(3)}
    assert run(tables, now=now) == [
        "nothing to do",
        "deleted 2 rows before 2026-11-03 10:00 UTC",
        "deleted 3 rows before 2026-11-03 10:00 UTC",
        KEPT,
    ]
    assert addresses(tables) == {"next", "new"}
    assert spark.table("expired_quarantine").count() == 2
    assert rollup_sums(spark, "expired") == sums
    # The file of the last hour was not rewritten, and no row is only marked as deleted.
    assert [data_files(tables)[0] == loaded[0], data_files(tables)[-1] == loaded[-1]] == [False, True]
    assert not any("deletionVector" in action.get("add", {}) for commit in commits(tables.path) for action in commit)
    assert spark.conf.get(expiry.DELETION_VECTORS, None) == former
    before = versions(tables)
    assert run(tables, now=now) == ["nothing to do", "nothing to do", "nothing to do", KEPT]
    assert versions(tables) == before


def test_records_outside_finished_hours_expire_by_their_load_time(spark: SparkSession, tmp_path: Path) -> None:
    """A record without a time, or with a time in the future, expires like all others."""
    tables = Tables(spark, tmp_path, "undated")
    future = datetime(2999, 1, 1, tzinfo=timezone.utc)
    undated = [record(None, "none 1"), record(future, "future 1")]
    # The clock that stamped the last one was slow. Its hour is not expired.
    tables.add([*undated, record(NINE + HOUR + MINUTE, "ahead")], ingested_at=NINE + HOUR - MINUTE)
    tables.add([record(None, "none 2"), record(future, "future 2")], ingested_at=NINE + HOUR)
    everything = addresses(tables)
    assert run(tables, now=NINE + DAY + 59 * MINUTE)[1] == "nothing to do"
    assert addresses(tables) == everything
    assert run(tables, now=NINE + DAY + HOUR)[1] == "deleted 2 rows before 2026-11-03 10:00 UTC"
    assert addresses(tables) == {"none 2", "future 2", "ahead"}
    assert {row[0] for row in rollup_sums(spark, "undated")} == {hour_of(NINE + HOUR)}


def test_late_records_of_an_expired_hour_are_reported_and_deleted_by_the_next_expiry(
    spark: SparkSession, tmp_path: Path
) -> None:
    tables = Tables(spark, tmp_path, "late_after_expiry")
    tables.add([record(NINE, "old"), record(NINE + DAY, "new")], ingested_at=NINE + DAY)
    now = NINE + DAY + HOUR
    roll_up(spark, tables.target, now=now, dry_run=False)
    sums = rollup_sums(spark, tables.name)
    # The stream writes between the two steps.
    tables.add([record(NINE, "late"), record(NINE + MINUTE, "late")], ingested_at=now)
    assert deleted(tables, now=now)[0] == "deleted 1 row before 2026-11-03 10:00 UTC"
    assert addresses(tables) == {"late", "new"}
    assert run(tables, now=now + MINUTE)[:2] == [
        "nothing to do; left out late records of expired hours: 2",
        "deleted 2 rows before 2026-11-03 10:00 UTC",
    ]
    assert addresses(tables) == {"new"}
    assert rollup_sums(spark, tables.name) == sums


def test_a_crash_before_the_deletion_makes_the_hours_final(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = Tables(spark, tmp_path, "crashed_expiry")
    tables.add([record(NINE), record(NINE + DAY)], ingested_at=NINE + DAY)
    now = NINE + DAY + HOUR
    assert deleted(tables, now=now) == ["nothing to do", "nothing to do"]  # before any roll-up
    roll_up(spark, tables.target, now=now, dry_run=False)
    sums = rollup_sums(spark, tables.name)

    def crash(*arguments: object) -> None:
        raise KeyboardInterrupt

    for module, function in ((rollup_state, "write"), (expiry, "setting")):
        with monkeypatch.context() as patched:
            patched.setattr(module, function, crash)
            with pytest.raises(KeyboardInterrupt):
                deleted(tables, now=now)
        assert spark.table(tables.name).count() == 2
    tables.add([record(NINE, "late")], ingested_at=now + MINUTE)
    assert run(tables, now=now + HOUR)[:2] == [
        "nothing to do; left out late records of expired hours: 1",
        "deleted 2 rows before 2026-11-03 11:00 UTC",
    ]
    assert rollup_sums(spark, tables.name) == sums


def test_the_roll_up_expires_by_its_own_period_and_its_hours_do_not_come_back(
    spark: SparkSession, tmp_path: Path
) -> None:
    tables = Tables(spark, tmp_path, "expired_by_roll_up")
    tables.add([record(NINE, "old"), record(NINE + HOUR, "next")], ingested_at=NINE + 2 * HOUR)
    now = NINE + 2 * DAY + HOUR
    would = "would delete 1 row before 2026-11-03 10:00 UTC"
    assert deleted(tables, now=now, keep=2, keep_hourly=2, dry_run=True) == [would, "nothing to do"]
    roll_up(spark, tables.target, now=now, dry_run=False)
    before = versions(tables)
    assert deleted(tables, now=now, keep=2, keep_hourly=2, dry_run=True) == [would, "nothing to do", would]
    assert versions(tables) == before
    assert deleted(tables, now=now, keep=None, keep_hourly=2)[2] == would.replace("would delete", "deleted")
    assert {row[0] for row in rollup_sums(spark, tables.name)} == {hour_of(NINE + HOUR)}
    tables.add([record(NINE, "late")], ingested_at=now)
    assert roll_up(spark, tables.target, now=now, dry_run=False).result == "nothing to do"
    assert addresses(tables) == {"old", "next", "late"}


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

    def expire(self, now: datetime, *, crash: bool) -> None:
        """Delete the records of expired hours that the roll-up has read."""
        cut = hour_of(now - DAY)
        gone = {row for row in self.rows if row[0] < cut and row[2] <= self.newest}
        if gone:
            self.final = max(self.final, cut)
        if not crash:
            self.rows = Counter({row: count for row, count in self.rows.items() if row not in gone})


@pytest.mark.slow
def test_any_sequence_of_loads_late_loads_crashes_and_runs_keeps_the_sums_correct(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(SEED)
    tables, model = Tables(spark, tmp_path, f"sequence_{SEED}"), Model()
    now, done = NINE, list[str]()

    def crash(*arguments: object) -> None:
        raise KeyboardInterrupt

    runs = [*rng.sample(CRASHES, k=2), *rng.choices(["run", *CRASHES], k=ROUNDS - 3), "run"]
    for step in (step for last in runs for step in [*rng.choices(["load", "late load"], k=rng.randint(1, 3)), last]):
        now += rng.choice([MINUTE, 3 * HOUR, 13 * HOUR, DAY])
        done.append(f"{now:%d %H:%M} {step}")
        if step.endswith("load"):
            behind = 3 * 24 * 60 if step == "late load" else 90
            times = [now - rng.randrange(behind) * MINUTE for _ in range(rng.randint(1, 4))]
            # The stream writes one batch at a time. It may stamp a batch before a run and commit it after the run.
            stamp = max(now - rng.randrange(20) * MINUTE, model.newest + SECOND)
            loaded = [(time, f"10.0.0.{rng.randint(1, 3)}") for time in times]
            tables.add([record(time, address) for time, address in loaded], ingested_at=stamp)
            model.rows.update((hour_of(time), address, stamp) for time, address in loaded)
            continue
        crashed = False
        with monkeypatch.context() as patched:
            if step == "crash in roll-up":
                patched.setattr(rollup_state, "write", crash)
            elif step == "crash in expiry":
                patched.setattr(expiry, "setting", crash)
            try:
                run(tables, now=now)
            except KeyboardInterrupt:
                crashed = True
                done[-1] += ": crashed"
        model.roll_up(now)
        if step != "crash in roll-up":
            model.expire(now, crash=crashed)
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
