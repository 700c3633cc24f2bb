"""`maintain` on real Delta tables: its steps, the files on disk, a concurrent stream, and `kill -9`."""

from __future__ import annotations

import contextlib
import io
import os
import random
import re
import shutil
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from tests.support.delta_files import data_files
from tests.support.ingesting import Place, Process, commits, rows, snapshot
from tests.support.rolling_up import Tables, hour_of, micros, raw_sums, record, rollup_sums
from vpc_flow_logs.failures import RunFailed
from vpc_flow_logs.main import run_maintain
from vpc_flow_logs.maintenance.retention import PROPERTY
from vpc_flow_logs.maintenance.tables import target_of
from vpc_flow_logs.maintenance.vacuum import vacuum
from vpc_flow_logs.parameters import ParameterError

pytestmark = [pytest.mark.slow]

BATCHES = int(os.environ.get("VPC_FLOW_LOGS_MAINTAINED_BATCHES", "6"))
KILLS = int(os.environ.get("VPC_FLOW_LOGS_MAINTENANCE_KILLS", "2"))
SEED = int(os.environ.get("VPC_FLOW_LOGS_SEED", "1"))

DAYS = 4
BATCHES_PER_DAY = 1
RECORDS = 4 * BATCHES_PER_DAY * DAYS
KEEP_DAYS = 2
KEEP = f"--keep-days={KEEP_DAYS}"
EXPIRED = 4 * BATCHES_PER_DAY * (DAYS - KEEP_DAYS)
LAST = BATCHES_PER_DAY * DAYS - 1
STEPS = ["roll-up", "expiry", "purge", "compact", "vacuum"]
KINDS = ["", "_quarantine", "_hourly"]


def maintain(spark: SparkSession, name: str, *arguments: str) -> list[str]:
    """Run the entry point in this process; return its lines."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        run_maintain([f"--table-name={name}", *arguments], session=lambda: spark)
    return out.getvalue().splitlines()


def rejected(spark: SparkSession, *arguments: str) -> str:
    """Run the entry point in this process, and check that it rejects the arguments; return the message."""
    err = io.StringIO()
    with contextlib.redirect_stderr(err), pytest.raises(ParameterError) as error:
        run_maintain(arguments, session=lambda: spark)
    assert err.getvalue() == f"{error.value}\n"
    return str(error.value)


def outcomes(lines: Sequence[str]) -> dict[tuple[str, str], str]:
    """Return the outcome of each step for each table, from the lines of a run; check that each has exactly one line."""
    found = [re.fullmatch(r"(\S+) (\S+): (.*); \d+\.\d s", line) for line in lines[1:-1]]
    assert all(found), lines
    keys = [(match[1], match[2]) for match in found if match]
    assert len(set(keys)) == len(keys)
    return {(match[1], match[2]): match[3] for match in found if match}


def on_disk(folder: str) -> list[dict[str, Any]]:
    """Return every row of every Parquet file in a folder, even of files that the table no longer uses."""
    files = Path(folder).glob("*.parquet")
    return [row for file in files for row in pq.read_table(file, partitioning=None).to_pylist()]


# A table's life


@dataclass
class Story:
    """A table of four days of small batches, and the runs of `maintain` on it."""

    tables: Tables
    now: datetime
    dry_run: list[str]
    changed_by_dry_run: bool
    first: list[str]
    files_before: int
    files: int
    second: list[str]
    commits_of_second: dict[str, list[str]]
    third: list[str]


@pytest.fixture(scope="module")
def story(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Story:
    root = tmp_path_factory.mktemp("story")
    tables = Tables(spark, root, "life")
    now = datetime.now(timezone.utc)
    for batch in range(BATCHES_PER_DAY * DAYS):
        time = time_of(now, batch)
        records = [record(time - timedelta(minutes=n), f"10.0.0.{batch}") for n in range(4)]
        if batch == 0:
            records.append(record(None, "10.0.1.1", ingested_at=now - timedelta(days=DAYS)))
        if batch == LAST:
            records.append(record(None, "10.0.1.2", ingested_at=now))
        tables.add(records, ingested_at=time)
    tables.add_entries(2, ingested_at=now - timedelta(days=DAYS))
    tables.add_entries(1, ingested_at=now)
    path = f"--delta-output-path={tables.path}"
    before, catalog = snapshot(root), spark.sql("SHOW TABLES").collect()
    dry_run = maintain(spark, "life", path, KEEP, "--dry-run")
    changed = (snapshot(root), spark.sql("SHOW TABLES").collect()) != (before, catalog)
    files_before = len(data_files(tables.path))
    first = maintain(spark, "life", path, KEEP)
    files = len(data_files(tables.path))
    written = commits_of(tables)
    second = maintain(spark, "life", KEEP)
    again = {kind: names[len(written[kind]) :] for kind, names in commits_of(tables).items()}

    for kind in KINDS[:2]:
        set_property(spark, f"life{kind}", PROPERTY, "interval 0 hours")
        set_property(spark, f"life{kind}", "delta.enableDeletionVectors", "true")
    tables.add_entries(4, ingested_at=now)
    # Someone else deletes rows: in the only compacted file of one table, and in a new file of the other.
    spark.sql(f"DELETE FROM life WHERE srcaddr = '10.0.0.{LAST}'")
    spark.sql("DELETE FROM life_quarantine WHERE line_number = 0")
    tables.add([record(now, "10.0.1.3")], ingested_at=now)
    third = maintain(spark, "life", path, KEEP)
    return Story(tables, now, dry_run, changed, first, files_before, files, second, again, third)


def time_of(now: datetime, batch: int) -> datetime:
    """Return the time of a batch: once a day, and far from the end of a retention period."""
    return now - timedelta(days=DAYS) + timedelta(hours=4) + batch * timedelta(hours=24 / BATCHES_PER_DAY)


def commits_of(tables: Tables) -> dict[str, list[str]]:
    """Return the operations of the commits of each table, in order."""
    return {
        kind: [
            action["commitInfo"]["operation"]
            for commit in commits(tables.path + kind)
            for action in commit
            if "commitInfo" in action
        ]
        for kind in KINDS
    }


def set_property(spark: SparkSession, name: str, key: str, value: str) -> None:
    spark.sql(f"ALTER TABLE {name} SET TBLPROPERTIES ('{key}' = '{value}')")


def test_each_step_prints_one_line_per_table_in_order(story: Story) -> None:
    lines = outcomes(story.first)
    others = [(step, f"life{kind}") for step in STEPS[1:] for kind in KINDS]
    assert list(lines) == [("roll-up", "life_hourly"), *others]
    assert story.first[0] == "maintaining life"
    assert re.fullmatch(r"done: \d+\.\d s", story.first[-1])
    old, left = EXPIRED + 1, RECORDS - EXPIRED + 1
    expired = rf"deleted {old} rows before \S+ \d\d:00 UTC; rows {old + left} -> {left}, files \d+ -> \d+"
    assert re.fullmatch(expired, lines["expiry", "life"])
    assert lines["expiry", "life_hourly"] == "kept all rows, because --keep-hourly-days is not set"
    assert lines["purge", "life"] == "nothing to do"
    compacted = rf"rewrote \d+ files as 1 file; rows {left} -> {left}, files \d+ -> 1"
    assert re.fullmatch(compacted, lines["compact", "life"])
    kept = r"nothing to do; files that were replaced today stay until (\S+ \d\d:\d\d) UTC"
    until = re.fullmatch(kept, lines["vacuum", "life"])
    assert until
    after = datetime.strptime(f"{until[1]} +0000", "%Y-%m-%d %H:%M %z") - story.now
    assert abs(after - timedelta(days=7)) < timedelta(hours=1)


def test_a_dry_run_changes_nothing_and_lists_what_would_be_deleted(story: Story) -> None:
    assert not story.changed_by_dry_run
    would, did = outcomes(story.dry_run), outcomes(story.first)
    assert story.dry_run[0] == "maintaining life (dry run)"
    assert story.dry_run[-1].startswith("nothing was changed, because this is a dry run: ")
    for table in ("life", "life_quarantine"):
        number = did["expiry", table].split(" before ")[0].removeprefix("deleted ")
        assert would["expiry", table].startswith(f"would delete {number} before ")
    assert would["roll-up", "life_hourly"].startswith("would add ")
    assert would["compact", "life"].startswith("would run OPTIMIZE on ")


def test_a_table_of_small_batches_has_a_handful_of_files_per_day(story: Story) -> None:
    assert story.files <= KEEP_DAYS < BATCHES_PER_DAY * DAYS <= story.files_before


def test_a_second_run_writes_no_data_file(story: Story) -> None:
    """It commits nothing to the tables of the job, and only the progress of the maintenance to the roll-up."""
    assert story.commits_of_second == {"": [], "_quarantine": [], "_hourly": story.commits_of_second["_hourly"]}
    assert set(story.commits_of_second["_hourly"]) <= {"SET TBLPROPERTIES"}
    idle = outcomes(story.second)
    assert {idle[step, f"life{kind}"] for step in ("purge", "compact") for kind in KINDS} == {"nothing to do"}


def test_after_expiry_and_vacuum_no_file_contains_an_expired_or_deleted_row(spark: SparkSession, story: Story) -> None:
    lines = outcomes(story.third)
    assert lines["purge", "life"].startswith("rewrote the files that contained 4 deleted rows; ")
    assert lines["purge", "life_quarantine"].startswith("rewrote the files that contained 1 deleted row; ")
    assert all(re.fullmatch(r"deleted \d+ files?", lines["vacuum", f"life{kind}"]) for kind in KINDS[:2])
    contents = {kind: on_disk(f"{story.tables.path}{kind}") for kind in KINDS}
    assert [len(contents[kind]) for kind in KINDS] == [spark.table(f"life{kind}").count() for kind in KINDS]
    addresses = Counter(row["srcaddr"] for row in contents[""])
    kept = {f"10.0.0.{batch}": 4 for batch in range(BATCHES_PER_DAY * (DAYS - KEEP_DAYS), LAST)}
    assert addresses == {**kept, "10.0.1.2": 1, "10.0.1.3": 1}
    assert sorted(row["line_number"] for row in contents["_quarantine"]) == [1, 2, 3]


def test_the_rollup_outlives_the_records(spark: SparkSession, story: Story) -> None:
    hour = story.now.replace(minute=0, second=0, microsecond=0)
    rows_of_hours = rollup_sums(spark, "life").items()
    finished = [total[0] for key, total in rows_of_hours if key[0] < hour.timestamp() / 3600]
    assert sum(finished) == RECORDS


def test_vacuum_reports_a_log_that_is_too_short(spark: SparkSession, tmp_path: Path) -> None:
    """With a short retention, vacuum reads removed files from the log, which must be complete for that."""
    path = tmp_path / "t"
    spark.sql(
        f"CREATE TABLE short_log (n INT) USING DELTA LOCATION '{path}' "
        f"TBLPROPERTIES ('delta.checkpointInterval' = '2', '{PROPERTY}' = 'interval 0 hours')"
    )
    for number in range(2):
        spark.sql(f"INSERT INTO short_log VALUES ({number})")
    for commit in sorted((path / "_delta_log").glob("*.json"))[:2]:
        commit.unlink()
    target = target_of(spark, table_name="short_log", path="")
    (outcome,) = vacuum(spark, target, now=datetime.now(timezone.utc), dry_run=False)
    assert outcome.result == (
        "not possible: the log no longer lists all removed files; pause the job and run VACUUM `short_log` once"
    )


# Rejected arguments


def test_a_missing_table_is_rejected(spark: SparkSession, tmp_path: Path) -> None:
    message = rejected(spark, "--table-name=no_such_table", "--keep-days=0")
    assert message.startswith("2 parameter problems; nothing was changed:\n")
    assert "--table-name: table 'no_such_table' does not exist; use the name of the table that the job fills" in message
    message = rejected(spark, "--table-name=no_such_table", f"--delta-output-path={tmp_path}/nothing")
    assert f"does not exist, and '{tmp_path}/nothing' has no Delta table" in message
    assert list(tmp_path.iterdir()) == []


def test_a_table_that_the_job_did_not_create_is_rejected(spark: SparkSession, tmp_path: Path) -> None:
    spark.sql(
        f"CREATE TABLE not_ours USING DELTA LOCATION '{tmp_path}/t' AS SELECT timestamp'2020-01-01' AS event_time"
    )
    before = snapshot(tmp_path)
    message = rejected(spark, "--table-name=not_ours", "--keep-days=1")
    assert "'not_ours' exists and is not a records table of this job" in message
    spark.sql("DROP TABLE not_ours")
    message = rejected(spark, "--table-name=not_ours", f"--delta-output-path={tmp_path}/t", "--keep-days=1")
    assert f"'{tmp_path}/t' is not empty and has no records table of this job" in message
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize(("kind", "noun"), [("quarantine", "quarantine table"), ("hourly", "hourly roll-up")])
def test_a_table_next_to_the_records_is_rejected_with_the_name_of_the_records(
    spark: SparkSession, story: Story, kind: str, noun: str
) -> None:
    name, records = f"life_{kind}", story.tables.target.records_path
    before = snapshot(story.tables.root)
    message = rejected(spark, f"--table-name={name}")
    assert f"--table-name: '{name}' is the {noun} of 'life'; use --table-name life\n" in f"{message}\n"
    message = rejected(spark, "--table-name=not_there", f"--delta-output-path={records}_{kind}")
    assert (
        f"is the folder of the {noun} of the table in '{records}'; use --delta-output-path {records}\n"
        in f"{message}\n"
    )
    assert snapshot(story.tables.root) == before


@pytest.fixture(scope="module")
def unmaintained(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Tables:
    """Return tables with a record that a run would delete, and without a roll-up."""
    tables = Tables(spark, tmp_path_factory.mktemp("unmaintained"), "unmaintained")
    tables.add(
        [record(datetime(2020, 1, 1, tzinfo=timezone.utc))], ingested_at=datetime(2020, 1, 1, tzinfo=timezone.utc)
    )
    return tables


@pytest.mark.parametrize("kind", ["quarantine", "hourly"])
def test_a_foreign_table_with_the_name_of_ours_is_rejected(
    spark: SparkSession, unmaintained: Tables, tmp_path: Path, kind: str
) -> None:
    name, ours = f"unmaintained_{kind}", Path(f"{unmaintained.path}_{kind}")
    spark.sql(f"DROP TABLE IF EXISTS {name}")
    spark.sql(f"CREATE TABLE {name} USING DELTA LOCATION '{tmp_path}/other' AS SELECT 1 AS hour")
    before = snapshot(tmp_path), snapshot(unmaintained.root)
    message = rejected(spark, "--table-name=unmaintained", "--keep-days=1")
    assert message.startswith("1 parameter problem; nothing was changed:\n")
    assert f"'{name}' exists and is not a" in message
    assert (snapshot(tmp_path), snapshot(unmaintained.root)) == before
    spark.sql(f"DROP TABLE {name}")
    if ours.exists():
        spark.sql(f"CREATE TABLE {name} USING DELTA LOCATION '{ours}'")


def test_a_rollup_with_other_columns_is_rejected(spark: SparkSession, unmaintained: Tables) -> None:
    spark.sql(
        f"CREATE TABLE unmaintained_hourly (hour TIMESTAMP, records INT, note STRING) USING DELTA "
        f"TBLPROPERTIES ('vpc_flow_logs.table' = 'hourly') LOCATION '{unmaintained.path}_hourly'"
    )
    before = snapshot(unmaintained.root)
    message = rejected(spark, "--table-name=unmaintained", "--keep-days=1")
    assert "the columns of the roll-up 'unmaintained_hourly' differ from those that the job writes" in message
    assert "it lacks account_id STRING" in message
    assert "records BIGINT" in message
    assert "has records INT" not in message
    assert "has note STRING" in message
    assert snapshot(unmaintained.root) == before
    spark.sql("DROP TABLE unmaintained_hourly")
    shutil.rmtree(f"{unmaintained.path}_hourly")


def test_a_failure_names_the_cause_and_the_next_step(spark: SparkSession, tmp_path: Path) -> None:
    tables = Tables(spark, tmp_path, "with_damage")
    tables.add(
        [record(datetime(2020, 1, 1, tzinfo=timezone.utc))], ingested_at=datetime(2020, 1, 1, tzinfo=timezone.utc)
    )
    (file,) = Path(tables.path).glob("*.parquet")
    file.unlink()
    err = io.StringIO()
    with contextlib.redirect_stderr(err), pytest.raises(RunFailed) as failed:
        maintain(spark, "with_damage")
    assert str(failed.value).startswith("The run failed: ")
    assert str(failed.value).endswith("\nThe tables are intact. Fix the cause and run maintain again.")
    assert "Traceback" not in err.getvalue()


# Alongside a running stream


def test_maintain_alongside_a_running_stream_loses_and_duplicates_nothing(spark: SparkSession, tmp_path: Path) -> None:
    """The stream runs in its own process, and is never idle while the maintenance runs in this one."""
    where = Place(tmp_path / "place", "streamed", headers=("srcaddr", "srcport", "start"))
    now = datetime.now(timezone.utc)
    start = int((now - timedelta(hours=20)).timestamp())
    old = int((now - timedelta(days=9)).timestamp())
    where.deliver(f"srcaddr srcport start\n10.9.0.0 1 {old}\n".encode(), "old.log")
    process = Process(where.parameters(trigger="continuous", interval_seconds="1"), tmp_path / "process")
    try:
        process.wait_for("batch 0: ")
        target = target_of(spark, table_name="streamed", path=where.delta)
        for name in (target.records, target.quarantine):
            # The hardest case for files that a batch has written and not yet committed.
            spark.sql(f"ALTER TABLE {name} SET TBLPROPERTIES ('{PROPERTY}' = 'interval 0 hours')")
        feeder = threading.Thread(target=_feed, args=(where, process, start), daemon=True)
        feeder.start()
        runs = 0
        while feeder.is_alive() and process.running and runs < max(2, BATCHES // 5):
            maintain(spark, "streamed", f"--delta-output-path={where.delta}", "--keep-days=3")
            runs += 1
        feeder.join()
        process.terminate()
        assert process.wait() == 143, process.err
    finally:
        process.kill()
    assert runs >= 1
    assert len(process.batches) == BATCHES + 1, process.out
    assert not [line for line in process.batches if "already in" in line], process.out
    last = maintain(spark, "streamed", "--keep-days=3")
    delivered = Counter(
        (f"10.0.{number}.{line}", number, start + 60 * number) for number in range(BATCHES) for line in range(5)
    )
    assert rows(spark, "streamed", "srcaddr", "srcport", "start") == delivered, last
    entries = spark.table("streamed_quarantine").selectExpr("count(*)", "count(DISTINCT source_file)").first()
    assert entries is not None
    assert tuple(entries) == (BATCHES, BATCHES)
    hour = datetime.now(timezone.utc).replace(minute=0, second=0, microsecond=0)
    sums = rollup_sums(spark, "streamed")
    assert {key: total for key, total in sums.items() if key[4] != "10.9.0.0"} == raw_sums(
        spark, "streamed", before=hour
    )
    assert [total[0] for key, total in sums.items() if key[4] == "10.9.0.0"] == [1]


def _feed(where: Place, process: Process, start: int) -> None:
    """Deliver a file with five records and a bad line as soon as the stream has written the one before."""
    for number in range(BATCHES):
        lines = "".join(f"10.0.{number}.{line} {number} {start + 60 * number}\n" for line in range(5))
        where.deliver(f"srcaddr srcport start\n{lines}10.0.0.1 bad {start}\n".encode(), f"{number}.log")
        process.wait_for("batch ", times=number + 2)


# Kills


def test_maintain_killed_at_random_moments_keeps_the_sums_of_the_rollup(spark: SparkSession, tmp_path: Path) -> None:
    """Kill a real process after a random step, each time with new records to roll up, and old ones to delete."""
    rng = random.Random(SEED)
    tables = Tables(spark, tmp_path / "a", "killed")
    now = datetime.now(timezone.utc)
    options = [f"--delta-output-path={tables.path}", "--keep-days=3"]
    kills: list[str] = []
    added: dict[str, tuple[datetime, int]] = {}
    for kill in range(KILLS):
        days = (5, 2, 1) if kill == 0 else (2, 1)
        times = [now - timedelta(days=day, hours=hour, seconds=rng.randrange(3600)) for day in days for hour in (2, 5)]
        batch = {f"10.0.{kill}.{n}": (time, rng.randrange(1 << 40)) for n, time in enumerate(times)}
        added |= batch
        tables.add(
            [record(time, address, bytes=size) for address, (time, size) in batch.items()],
            ingested_at=now + timedelta(seconds=kill),
        )
        # The moments are spread over the steps: the end of the previous step plus a part of the step's duration.
        step = kill * len(STEPS) // KILLS
        process = Process(["--table-name=killed", *options], tmp_path / f"process-{kill}", module="local.maintain")
        try:
            process.wait_for(f"{STEPS[step - 1]} " if step else "maintaining ")
            time.sleep(rng.uniform(0, 3))
        finally:
            kills.append(f"{kill}: {process.out.splitlines()[-1:]}")
            process.kill()
        assert process.out.startswith("maintaining "), process.err
    last = maintain(spark, "killed", *options)
    # Each record has its own source address, and therefore its own row in the roll-up.
    assert rollup_sums(spark, "killed") == {
        (hour_of(time), "123456789012", None, None, address, "10.0.0.9", 443, 6, None, None): (1, 2, size)
        for address, (time, size) in added.items()
    }, f"seed {SEED}, {kills}, {last}"
    cut = now - timedelta(days=3)
    expected = Counter((micros(time), address, size) for address, (time, size) in added.items() if time > cut)
    assert len(expected) == 4 * KILLS
    frame = spark.table("killed").selectExpr("unix_micros(event_time)", "srcaddr", "bytes")
    assert Counter(tuple(row) for row in frame.collect()) == expected, f"seed {SEED}, {kills}, {last}"
