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
from tests.support.rolling_up import Sums, Tables, hour_of, record, rollup_sums
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


def data_files(tables: Tables) -> dict[int | None, list[str]]:
    """Return the files that hold the rows of each hour."""
    frame = tables.spark.table(tables.name).selectExpr("unix_micros(event_time) AS time", "_metadata.file_name AS file")
    files: dict[int | None, set[str]] = {}
    for row in frame.collect():
        hour = None if row.time is None else hour_of(from_micros(row.time))
        files.setdefault(hour, set()).add(row.file)
    return {hour: sorted(names) for hour, names in files.items()}


def versions(tables: Tables) -> list[int]:
    """Return the number of commits of each table."""
    return [len(commits(f"{tables.path}{kind}")) for kind in ("", "_quarantine", "_hourly")]


KEPT = "kept all rows, because --keep-hourly-days is not set"
NEVER = "kept all rows, because --keep-days is not set"


# One table, which later fixtures take over from earlier ones


@dataclass(frozen=True)
class Planned:
    """The results before anything is deleted."""

    before_roll_up: list[str]
    unlimited: list[str]
    dry_run: list[str]
    is_unchanged: bool
    early: list[str]
    early_addresses: set[str]
    setting: str | None


@dataclass(frozen=True)
class Expired:
    """A run that deletes rows and a repetition of it, with the contents of the tables before and after."""

    results: list[str]
    repeated: list[str]
    is_unchanged: bool
    addresses: set[str]
    entries: int
    sums: tuple[Sums, Sums]
    files: tuple[dict[int | None, list[str]], dict[int | None, list[str]]]


@pytest.fixture(scope="module")
def tables(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Tables:
    """Load records of three hours, a record of each without a time and in the future, and quarantine entries."""
    tables = Tables(spark, tmp_path_factory.mktemp("expired"), "expired")
    # Without this setting, DELETE would leave the rows in the files.
    spark.sql("ALTER TABLE expired SET TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')")
    future = datetime(2999, 1, 1, tzinfo=timezone.utc)
    tables.add([record(NINE, "old")], ingested_at=NINE + MINUTE)
    tables.add([record(NINE + 59 * MINUTE, "end"), record(NINE + HOUR, "next")], ingested_at=NINE + 2 * HOUR)
    tables.add([record(NINE + 2 * HOUR, "new")], ingested_at=NINE + 3 * HOUR)
    undated = [record(None, "none 1"), record(future, "future 1")]
    # The clock that stamped the last one was slow. Its hour is not expired.
    tables.add([*undated, record(NINE + HOUR + MINUTE, "ahead")], ingested_at=NINE + HOUR - MINUTE)
    tables.add([record(None, "none 2"), record(future, "future 2")], ingested_at=NINE + HOUR)
    tables.add_entries(3, ingested_at=NINE + 59 * MINUTE)
    tables.add_entries(2, ingested_at=NINE + HOUR)
    return tables


@pytest.fixture(scope="module")
def planned(spark: SparkSession, tables: Tables) -> Planned:
    """Run without a retention period, as a dry run, and a minute too early."""
    now = NINE + DAY + 119 * MINUTE
    before_roll_up = deleted(tables, now=now, keep_hourly=1, dry_run=True)
    unlimited = run(tables, now=now, keep=None)
    before = versions(tables)
    dry_run = deleted(tables, now=now, keep_hourly=1, dry_run=True)
    early = deleted(tables, now=NINE + DAY + 59 * MINUTE)
    setting = spark.conf.get(expiry.DELETION_VECTORS, None)
    return Planned(before_roll_up, unlimited, dry_run, versions(tables) == before, early, addresses(tables), setting)


@pytest.fixture(scope="module")
def expired(spark: SparkSession, tables: Tables, planned: Planned) -> Expired:
    """Run with a retention period of a day, twice."""
    now = NINE + DAY + 119 * MINUTE
    sums, files = rollup_sums(spark, "expired"), data_files(tables)
    results = run(tables, now=now)
    before = versions(tables)
    repeated = run(tables, now=now)
    return Expired(
        results,
        repeated,
        versions(tables) == before,
        addresses(tables),
        spark.table("expired_quarantine").count(),
        (sums, rollup_sums(spark, "expired")),
        (files, data_files(tables)),
    )


def test_rows_of_whole_utc_hours_expire_and_the_roll_up_outlives_them(
    spark: SparkSession, tables: Tables, planned: Planned, expired: Expired
) -> None:
    assert planned.unlimited[1:] == [NEVER, NEVER, KEPT]
    assert expired.results == [
        "nothing to do",
        "deleted 4 rows before 2026-11-03 10:00 UTC",
        "deleted 3 rows before 2026-11-03 10:00 UTC",
        KEPT,
    ]
    assert expired.addresses & {"old", "end", "next", "new"} == {"next", "new"}
    assert expired.entries == 2
    before, after = expired.sums
    assert {row[0] for row in before} == {hour_of(NINE + n * HOUR) for n in range(3)}
    assert before == after
    # The file of the last hour was not rewritten, and no row is only marked as deleted.
    files, left = expired.files
    assert left[hour_of(NINE + 2 * HOUR)] == files[hour_of(NINE + 2 * HOUR)]
    assert left[hour_of(NINE + HOUR)] != files[hour_of(NINE + HOUR)]
    assert not any("deletionVector" in action.get("add", {}) for commit in commits(tables.path) for action in commit)
    assert spark.conf.get(expiry.DELETION_VECTORS, None) == planned.setting
    assert expired.repeated == ["nothing to do", "nothing to do", "nothing to do", KEPT]
    assert expired.is_unchanged


def test_records_outside_finished_hours_expire_by_their_load_time(planned: Planned, expired: Expired) -> None:
    """A record without a time, or with a time in the future, expires like all others."""
    undated = {"none 1", "none 2", "future 1", "future 2", "ahead"}
    assert planned.early[0] == "nothing to do"
    assert planned.early_addresses == {"old", "end", "next", "new", *undated}
    assert expired.addresses & undated == {"none 2", "future 2", "ahead"}


def test_the_roll_up_expires_by_its_own_period_and_its_hours_do_not_come_back(
    tables: Tables, planned: Planned, expired: Expired
) -> None:
    would = [f"would delete {rows} before 2026-11-03 10:00 UTC" for rows in ("4 rows", "3 rows", "2 rows")]
    assert planned.before_roll_up == would[:2]
    assert planned.dry_run == would
    assert planned.is_unchanged
    # The records expire by the hour of `expired`, the roll-up an hour later.
    now = NINE + DAY + 2 * HOUR
    assert deleted(tables, now=now, keep=None, keep_hourly=1)[2] == "deleted 4 rows before 2026-11-03 11:00 UTC"
    assert {row[0] for row in rollup_sums(tables.spark, tables.name)} == {hour_of(NINE + 2 * HOUR)}
    tables.add([record(NINE + HOUR, "late")], ingested_at=now)
    assert roll_up(tables.spark, tables.target, now=now, dry_run=False).result == "nothing to do"
    assert addresses(tables) == {*expired.addresses, "late"}


# Another table, for a crash and late records


@dataclass(frozen=True)
class Interrupted:
    """A run after crashes of the expiry, and the roll-up before and after."""

    before_roll_up: list[str]
    left: list[int]
    result: str
    sums: tuple[Sums, Sums]


@pytest.fixture(scope="module")
def crashing(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Tables:
    return Tables(spark, tmp_path_factory.mktemp("crashed_expiry"), "crashed_expiry")


LATE = NINE + DAY + HOUR


@pytest.fixture(scope="module")
def interrupted(spark: SparkSession, crashing: Tables) -> Interrupted:
    """Interrupt the expiry before it writes the state, and before it deletes. Roll up a late record."""
    crashing.add([record(NINE, "old"), record(NINE + DAY, "new")], ingested_at=NINE + DAY)
    before_roll_up = deleted(crashing, now=LATE)
    roll_up(spark, crashing.target, now=LATE, dry_run=False)
    sums = rollup_sums(spark, crashing.name)

    def crash(*arguments: object) -> None:
        raise KeyboardInterrupt

    left = []
    for module, function in ((rollup_state, "write"), (expiry, "setting")):
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(module, function, crash)
            with pytest.raises(KeyboardInterrupt):
                deleted(crashing, now=LATE)
        left.append(spark.table(crashing.name).count())
    crashing.add([record(NINE, "late")], ingested_at=LATE + MINUTE)
    result = roll_up(spark, crashing.target, now=LATE + MINUTE, dry_run=False).result
    return Interrupted(before_roll_up, left, result, (sums, rollup_sums(spark, crashing.name)))


def test_a_crash_before_the_deletion_makes_the_hours_final(interrupted: Interrupted) -> None:
    assert interrupted.before_roll_up == ["nothing to do", "nothing to do"]
    assert interrupted.left == [2, 2]
    assert interrupted.result == "nothing to do; left out late records of expired hours: 1"
    before, after = interrupted.sums
    assert before == after


def test_late_records_of_an_expired_hour_are_reported_and_deleted_by_the_next_expiry(
    crashing: Tables, interrupted: Interrupted
) -> None:
    # The stream writes between the two steps.
    crashing.add([record(NINE, "later"), record(NINE + MINUTE, "later")], ingested_at=LATE + 2 * MINUTE)
    assert deleted(crashing, now=LATE + MINUTE)[0] == "deleted 2 rows before 2026-11-03 10:00 UTC"
    assert addresses(crashing) == {"later", "new"}
    assert run(crashing, now=LATE + HOUR)[:2] == [
        "nothing to do; left out late records of expired hours: 2",
        "deleted 2 rows before 2026-11-03 11:00 UTC",
    ]
    assert addresses(crashing) == {"new"}
    assert rollup_sums(crashing.spark, crashing.name) == interrupted.sums[0]


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
