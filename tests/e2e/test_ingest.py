"""Files into the table: every delivered record is loaded exactly once, even after failures."""

from __future__ import annotations

import gzip
import itertools
import json
import os
import re
import signal
import statistics
import subprocess
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, DataFrameWriter, SparkSession

from local.traffic import damage
from local.traffic.files import key
from tests.support.ingesting import (
    START,
    Place,
    Process,
    commits,
    contents,
    entries,
    expected,
    file_of,
    flow_log,
    ingest,
    rows,
    table_of,
    try_ingest,
)
from vpc_flow_logs.fields import DEFAULT_FORMAT, FIELDS
from vpc_flow_logs.paths import quarantine_path
from vpc_flow_logs.sink import Sink

pytestmark = pytest.mark.lts

V5 = tuple(field.name for field in FIELDS if field.version <= 5)
WHEN = datetime.fromtimestamp(START, tz=timezone.utc)
SPARK = tuple(map(int, version("pyspark").split(".")[:2]))
with_limits = pytest.mark.skipif(SPARK < (4, 2), reason="Python data sources of pyspark 4.1 cannot limit a micro-batch")

BAD_LINE = b"srcaddr srcport\n10.0.0.1 x\n"
BAD_REASON = "srcport: 'x' is not an integer"


def whole_lines(data: bytes) -> list[str]:
    """Return the complete lines of a truncated gzip file."""
    return zlib.decompressobj(31).decompress(data).decode().split("\n")[:-1]


# Loaded records


def test_files_of_every_format_in_one_folder_are_loaded_as_delivered(spark: SparkSession, tmp_path: Path) -> None:
    """One run loads text and Parquet, old and new formats, plain, Hive and hourly keys, and damaged files."""
    where = Place(tmp_path, "mixed", headers=(*DEFAULT_FORMAT, "vpc-id", "tcp-flags"))
    columns = [name.replace("-", "_") for name in where.headers]
    reversed_fields = tuple(reversed(V5))
    kinds: list[tuple[tuple[str, ...], dict[str, Any]]] = [
        (DEFAULT_FORMAT, {}),
        (reversed_fields, {"hive_partitions": True, "hourly_partitions": True}),
        (V5, {"file_format": "parquet", "hive_partitions": True}),
        (("srcaddr", "end", "bytes"), {"hourly_partitions": True, "prefix": "team/network"}),
    ]
    delivered: Counter[tuple[Any, ...]] = Counter()
    for seed, (fields, changes) in enumerate(kinds):
        log, records = flow_log(fields, **changes), table_of(fields, count=200, seed=seed)
        where.deliver(file_of(records, fields, **changes), key(log, WHEN, part=seed))
        delivered += expected(records, columns)

    headerless, cut, damaged = (
        table_of(where.headers if n == 0 else DEFAULT_FORMAT, count=90, seed=10 + n) for n in range(3)
    )
    where.deliver(damage.headerless(file_of(headerless, where.headers)), "headerless.log.gz")
    truncated = damage.cut(file_of(cut), at=0.6)
    where.deliver(truncated, "cut.log.gz")
    broken = damage.bad_integer(damage.not_utf8(file_of(damaged), line=5), line=3, field=6)
    where.deliver(broken, "lines.log.gz")
    delivered += expected(headerless, columns)
    cut_records = len(whole_lines(truncated)) - 1
    assert 0 < cut_records < 90
    delivered += expected(cut.slice(0, cut_records), columns)
    delivered += expected(damaged.slice(0, 1), columns) + expected(damaged.slice(2, 1), columns)
    delivered += expected(damaged.slice(4), columns)

    ran = ingest(spark, where)
    assert rows(spark, "mixed", *columns) == delivered
    quarantined = entries(spark, "mixed")
    assert sorted((name, line, count) for name, line, count, _, _ in quarantined.elements()) == [
        ("cut.log.gz", cut_records + 2, 1),
        ("lines.log.gz", 3, 1),
        ("lines.log.gz", 5, 1),
    ]
    total = 4 * 200 + 90 + cut_records + 88
    assert delivered.total() == total
    assert "7 files, " in ran.lines[-3]
    assert f"{total:,} records, 3 quarantined lines" in ran.lines[-3]

    table = spark.table("mixed")
    assert table.where("event_time IS NULL").count() == 0
    sources = {row.source_file for row in table.select("source_file").distinct().collect()}
    assert sources == {f"file:{path}" for path in where.logs.rglob("*") if path.is_file()}
    extra = table.where("other_fields IS NOT NULL").selectExpr("explode(map_keys(other_fields)) AS k").distinct()
    assert {row.k.replace("_", "-") for row in extra.collect()} <= set(V5) - set(where.headers)
    assert extra.count() > 0


def test_folders_named_like_partitions_add_no_columns(spark: SparkSession, tmp_path: Path) -> None:
    where = Place(tmp_path, "partitions", headers=("srcaddr",))
    where.deliver(b"srcaddr\n10.0.0.1\n", "year=2026/month=01/account=1/srcaddr=x/a.log")
    ingest(spark, where)
    columns = ["srcaddr", "event_time", "other_fields", "source_file", "ingested_at"]
    assert spark.table("partitions").columns == columns
    assert rows(spark, "partitions", "srcaddr") == {("10.0.0.1",): 1}


def test_hidden_files_are_ignored_and_files_without_records_add_nothing(spark: SparkSession, tmp_path: Path) -> None:
    where = Place(tmp_path, "nothing_in_them", headers=("srcaddr",))
    for name in ("_half.log", ".half.log", "_tmp/a.log"):
        where.deliver(b"srcaddr\n10.0.0.1\n", name)
    for name, data in {"empty.log": b"", "empty.log.gz": gzip.compress(b""), "header.log": b"srcaddr\n"}.items():
        where.deliver(data, name)
    ran = ingest(spark, where)
    assert re.match(r"done: 1 batch, 3 files, .* 0 records, 0 quarantined lines", ran.lines[-3])
    assert spark.table("nothing_in_them").count() == spark.table("nothing_in_them_quarantine").count() == 0


def test_a_glob_in_the_path_selects_only_flow_logs(spark: SparkSession, tmp_path: Path) -> None:
    where = Place(tmp_path, "globbed", headers=("srcaddr",))
    where.deliver(b"srcaddr\n10.0.0.1\n", "111111111111/vpcflowlogs/us-east-1/2026/01/a.log")
    where.deliver(b"srcaddr\n10.0.0.2\n", "222222222222/vpcflowlogs/eu-west-1/a.log")
    where.deliver(b"srcaddr\n10.0.0.3\n", "222222222222/CloudTrail/eu-west-1/a.log")
    ingest(spark, where, vpc_logs_path=f"{where.logs}/*/vpcflowlogs/*/*")
    assert rows(spark, "globbed", "srcaddr") == {("10.0.0.1",): 1, ("10.0.0.2",): 1}


def test_a_second_run_loads_only_new_files(spark: SparkSession, tmp_path: Path) -> None:
    where = Place(tmp_path, "second")
    first, second = table_of(count=30, seed=1), table_of(count=7, seed=2)
    columns = [name.replace("-", "_") for name in DEFAULT_FORMAT]
    where.deliver(file_of(first), "2026/a.log.gz")
    assert "1 batch, 1 file," in ingest(spark, where).lines[-3]
    where.deliver(file_of(second), "2025/b.log.gz")
    ran = ingest(spark, where)
    assert "1 batch, 1 file," in ran.lines[-3]
    assert "7 records, 0 quarantined lines" in ran.lines[-3]
    assert rows(spark, "second", *columns) == expected(first, columns) + expected(second, columns)
    idle = ingest(spark, where)
    assert idle.lines[-3] == "done: 0 batches, 0 files, 0 B, 0 records, 0 quarantined lines"
    assert rows(spark, "second", *columns) == expected(first, columns) + expected(second, columns)


# Exactly once


@pytest.fixture
def loaded(spark: SparkSession, tmp_path: Path) -> Iterator[Place]:
    """Yield the place of a table whose only file has two records and a bad line."""
    where = Place(tmp_path, "once", headers=("srcaddr", "srcport"))
    where.deliver(b"srcaddr srcport\n10.0.0.1 80\n10.0.0.2 x\n10.0.0.3 81\n", "a.log")
    yield where
    spark.sql("DROP TABLE IF EXISTS once")
    spark.sql("DROP TABLE IF EXISTS once_quarantine")


RECORDS = {("10.0.0.1", 80): 1, ("10.0.0.3", 81): 1}
ENTRY = {("a.log", 3, 1, "10.0.0.2 x", BAD_REASON): 1}


def test_a_repeated_batch_changes_nothing(spark: SparkSession, loaded: Place) -> None:
    ingest(spark, loaded)
    before = contents(spark, loaded)
    versions = len(commits(loaded.delta)), len(commits(quarantine_path(loaded.delta)))
    for name in ("0", ".0.crc"):
        (loaded.checkpoint / "commits" / name).unlink(missing_ok=True)
    ran = ingest(spark, loaded)
    assert ran.batches == ["batch 0: already in the tables"]
    assert contents(spark, loaded) == before
    assert (len(commits(loaded.delta)), len(commits(quarantine_path(loaded.delta)))) == versions
    assert rows(spark, "once", "srcaddr", "srcport") == RECORDS
    assert entries(spark, "once") == ENTRY


@pytest.mark.parametrize("committed", [False, True], ids=["before the commit", "after the commit"])
def test_the_next_run_completes_a_batch_that_failed_at_the_quarantine(
    spark: SparkSession, loaded: Place, monkeypatch: pytest.MonkeyPatch, committed: bool
) -> None:
    save = DataFrameWriter.saveAsTable

    def fail_once(writer: DataFrameWriter, name: str, *args: Any, **options: Any) -> None:
        if "quarantine" not in name:
            save(writer, name, *args, **options)
            return
        monkeypatch.setattr(DataFrameWriter, "saveAsTable", save)
        if committed:
            save(writer, name, *args, **options)
        raise OSError("No space left on device")

    monkeypatch.setattr(DataFrameWriter, "saveAsTable", fail_once)
    failed = try_ingest(spark, loaded)
    assert failed.status == 1
    assert "No space left on device" in failed.message
    assert "Traceback" not in failed.message
    assert rows(spark, "once", "srcaddr", "srcport") == RECORDS
    assert entries(spark, "once") == (ENTRY if committed else {})

    ran = ingest(spark, loaded)
    assert rows(spark, "once", "srcaddr", "srcport") == RECORDS
    assert entries(spark, "once") == ENTRY
    outcome = "already in the tables" if committed else "already in the table; 1 quarantine entry added"
    assert ran.batches == [f"batch 0: {outcome}"]
    assert ran.lines[-3].endswith(
        ", 0 records, 0 quarantined lines" if committed else ", 0 records, 1 quarantined line"
    )


def test_a_new_checkpoint_with_the_reload_option_loads_all_files_again(spark: SparkSession, loaded: Place) -> None:
    ingest(spark, loaded)
    ingest(spark, loaded, checkpoint_path=str(loaded.root / "new_checkpoint"), new_checkpoint="reload")
    assert rows(spark, "once", "srcaddr", "srcport") == dict.fromkeys(RECORDS, 2)
    assert entries(spark, "once") == dict.fromkeys(ENTRY, 2)


def test_a_batch_without_bad_lines_does_not_write_to_the_quarantine_table(spark: SparkSession, tmp_path: Path) -> None:
    """Such a batch parses its files once instead of once per table."""
    where = Place(tmp_path, "parsed_once", headers=("srcaddr",))
    where.deliver(b"srcaddr\n10.0.0.1\n", "a.log")
    ingest(spark, where)
    # One commit each for the table, the query ID of the checkpoint, and the records.
    assert len(commits(where.delta)) == 3
    assert len(commits(quarantine_path(where.delta))) == 1


# Summary of a run


def test_a_run_with_more_quarantined_lines_than_records_prints_the_reasons_and_a_query(
    spark: SparkSession, tmp_path: Path
) -> None:
    where = Place(tmp_path, "mostly_bad", headers=("srcaddr", "srcport"))
    where.deliver(b"srcaddr srcport\n10.0.0.1 80\n" + b"10.0.0.2 x\n" * 3 + b"10.0.0.3\n", "a.log")
    ran = ingest(spark, where)
    start = ran.lines.index("warning: quarantined 4 lines, loaded 1 record; main reasons:")
    assert ran.lines[start + 1] == "  3 lines: srcport: 'x' is not an integer"
    query = ran.lines[start + 3].removeprefix("to inspect the lines: ")
    assert len(spark.sql(query).collect()) == 4
    assert not any(line.startswith("warning") for line in ingest(spark, where).lines)


def test_an_unknown_field_in_headers_that_no_file_has_is_reported(spark: SparkSession, tmp_path: Path) -> None:
    where = Place(tmp_path, "typing_mistake", headers=("scraddr", "srcport", "mine", "az-id"))
    where.deliver(b"srcaddr srcport mine\n10.0.0.1 80 x\n", "a.log")
    ran = ingest(spark, where)
    assert "note: no file has the field scraddr (did you mean srcaddr?); its column is NULL" in ran.lines


# Files that are removed before they are read


def removed_file_entries(spark: SparkSession, name: str) -> list[tuple[Any, ...]]:
    return sorted(entry for entry in entries(spark, name).elements() if "was removed" in entry[4])


def test_a_planned_file_that_was_removed_is_reported_and_the_run_continues(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = Place(tmp_path, "one_gone", headers=("srcaddr", "srcport"))
    for number in range(3):
        where.deliver(f"srcaddr srcport\n10.0.0.{number} {number}\n10.0.0.{number} x\n".encode(), f"{number}.log")
    save = DataFrameWriter.saveAsTable

    def fail(writer: DataFrameWriter, name: str, *args: Any, **options: Any) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(DataFrameWriter, "saveAsTable", fail)
    assert try_ingest(spark, where).status == 1  # the batch is planned but not written
    monkeypatch.setattr(DataFrameWriter, "saveAsTable", save)
    (where.logs / "1.log").unlink()
    where.deliver(b"srcaddr srcport\n10.0.0.3 3\n", "3.log")
    ran = ingest(spark, where)
    ingest(spark, where)  # pyspark 4.1 loads new files in the run after the one that finishes a batch
    assert f"file:{where.logs}/1.log was removed before the job read it; the run continues without it" in ran.lines
    assert rows(spark, "one_gone", "srcport") == {(0,): 1, (2,): 1, (3,): 1}
    assert removed_file_entries(spark, "one_gone") == [
        ("1.log", 1, 0, None, "the file was removed before the job read it")
    ]
    assert sum(entries(spark, "one_gone").values()) == 3
    assert ingest(spark, where).batches == []


@with_limits
def test_every_removed_file_is_reported_even_if_its_batch_has_no_other_file(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = Place(tmp_path, "two_gone", headers=("srcaddr", "srcport"))
    for number in range(5):
        path = where.deliver(f"srcaddr srcport\n10.0.0.{number} {number}\n".encode(), f"{number}.log")
        os.utime(path, (1_000_000 + number, 1_000_000 + number))
    write = Sink._write_records

    def write_and_remove_the_next(sink: Sink, files: DataFrame, batch_id: int, *, now: Any) -> Any:
        result = write(sink, files, batch_id, now=now)
        (where.logs / f"{batch_id + 1}.log").unlink(missing_ok=True)
        return result

    monkeypatch.setattr(Sink, "_write_records", write_and_remove_the_next)
    ran = ingest(spark, where, max_files_per_batch="1")
    assert rows(spark, "two_gone", "srcport") == {(0,): 1, (2,): 1, (4,): 1}
    assert [name for name, *_ in removed_file_entries(spark, "two_gone")] == ["1.log", "3.log"]
    assert sum("was removed before the job read it" in line for line in ran.lines) == 2


# Progress


def test_counts_are_correct_when_spark_parses_the_files_twice(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clustered write does this: its sort first samples all rows."""
    where = Place(tmp_path, "sorted_write", headers=("srcaddr", "srcport"))
    for number in range(3):
        where.deliver(b"srcaddr srcport\n" + b"10.0.0.1 80\n" * 50 + b"10.0.0.1 x\n", f"{number}.log")
    append = Sink._append

    def sorted_append(sink: Sink, rows: DataFrame, batch_id: int, table_name: str) -> str:
        return append(sink, rows.repartitionByRange(2, rows.columns[0]), batch_id, table_name)

    monkeypatch.setattr(Sink, "_append", sorted_append)
    ran = ingest(spark, where)
    assert ran.lines[-3].endswith(", 150 records, 3 quarantined lines")
    assert ran.lines[-3].startswith("done: 1 batch, 3 files, ")
    assert spark.table("sorted_write").count() == 150


@with_limits
def test_each_batch_has_the_requested_number_of_files_and_one_progress_line(
    spark: SparkSession, tmp_path: Path
) -> None:
    where = Place(tmp_path, "limited", headers=("srcaddr", "srcport"))
    for number in range(5):
        text = b"srcaddr srcport\n" + b"10.0.0.1 80\n" * (number + 1) + (b"10.0.0.1 x\n" * 2 if number == 1 else b"")
        path = where.deliver(text, f"{number}.log")
        os.utime(path, (1_000_000 + number, 1_000_000 + number))
    ran = ingest(spark, where, max_files_per_batch="2")
    sizes = [path.stat().st_size for path in sorted(where.logs.iterdir())]
    prefixes = [
        f"batch 0: 2 files, {sum(sizes[:2])} B, 3 records, 2 quarantined lines, ",
        f"batch 1: 2 files, {sum(sizes[2:4])} B, 7 records, 0 quarantined lines, ",
        f"batch 2: 1 file, {sizes[4]} B, 5 records, 0 quarantined lines, ",
    ]
    assert len(ran.batches) == 3
    for line, prefix in zip(ran.batches, prefixes, strict=True):
        assert line.startswith(prefix)
        assert re.fullmatch(r"[\d.]+ s, [\d,]+ records/s, [\d]+ d behind", line.removeprefix(prefix))
    assert ran.lines[0] == f"loading {where.logs} into limited (available-now)"
    assert ran.lines[-3] == f"done: 3 batches, 5 files, {sum(sizes)} B, 15 records, 2 quarantined lines"


# Size


def test_many_small_files_become_few_delta_files(spark: SparkSession, tmp_path: Path) -> None:
    where = Place(tmp_path, "small_files", headers=("srcaddr", "srcport"))
    for number in range(2_000):
        path = where.logs / f"{number % 20}" / f"{number}.log"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"srcaddr srcport\n10.0.0.1 80\n10.0.0.2 x\n")
    ran = ingest(spark, where, max_files_per_batch="1000")
    assert spark.table("small_files").count() == spark.table("small_files_quarantine").count() == 2_000
    for path in (where.delta, quarantine_path(where.delta)):
        added = [action for commit in commits(path) for action in commit if "add" in action]
        # Each batch writes one file per core, and there are two cores.
        assert len(added) <= 2 * len(ran.batches)
    assert len(ran.batches) <= 2


def test_the_driver_never_holds_a_files_rows(spark: SparkSession, tmp_path: Path) -> None:
    """Set Spark to fail if tasks send more than 1 MB to the driver, and load far more records and bad lines."""
    where = Place(tmp_path, "driver", headers=("srcaddr", "dstaddr", "srcport"))
    lines = "".join(f"10.{n >> 16}.{n >> 8 & 255}.{n & 255} 10.9.9.{n % 250} {n % 60000}\n" for n in range(200_000))
    where.deliver(gzip.compress(f"srcaddr dstaddr srcport\n{lines}".encode(), 1), "a.log.gz")
    bad = "".join(f"10.{n >> 16}.{n >> 8 & 255}.{n & 255} 10.9.9.9 x{n}\n" for n in range(40_000))
    where.deliver(f"srcaddr dstaddr srcport\n{bad}".encode(), "b.log")
    conf = spark.sparkContext._jsc.sc().conf()
    conf.set("spark.driver.maxResultSize", "1m")
    try:
        ingest(spark, where)
        with pytest.raises(Exception, match="maxResultSize"):
            spark.table("driver").collect()
    finally:
        conf.remove("spark.driver.maxResultSize")
    assert spark.table("driver").count() == 200_000
    assert spark.table("driver_quarantine").count() == 40_000


@with_limits
@pytest.mark.slow
def test_the_sixteenth_batch_takes_as_long_as_the_third(spark: SparkSession, tmp_path: Path) -> None:
    where = Place(tmp_path, "sixteen", headers=("srcaddr",))
    for number in range(16):
        (where.logs / f"{number:03}.log").write_bytes(b"srcaddr\n10.0.0.1\n")
    ran = ingest(spark, where, max_files_per_batch="1")
    assert len(ran.batches) == 16
    assert spark.table("sixteen").count() == 16
    seconds = [float(match[1]) for line in ran.batches if (match := re.search(r", ([\d.]+) s, ", line))]
    # The first quartile of the early and of the late batches, because the machine may be busy in between.
    early, late = (statistics.quantiles(part, n=4)[0] for part in (seconds[2:8], seconds[10:]))
    assert late < 2 * early + 0.1, seconds
    # The same applies between batches: the stream's checkpoint has the time of each complete trigger.
    times = [(where.checkpoint / "commits" / str(number)).stat().st_mtime for number in range(16)]
    gaps = [after - before for before, after in itertools.pairwise(times)]
    early, late = (statistics.quantiles(part, n=4)[0] for part in (gaps[2:8], gaps[9:]))
    assert late < 2 * early + 0.1, gaps


# Separate processes


STOPPED = "Interrupted. Data loaded so far is kept; run the command again to resume where it stopped.\n"


def test_a_stopped_run_exits_cleanly_and_the_next_process_resumes_and_loads_later_files(tmp_path: Path) -> None:
    """Ctrl-C stops the first process while it has files to load; SIGTERM stops the second one.

    The table is managed, so the second process has to find it in the catalog.
    """
    where = Place(tmp_path / "place", "flows.vpc", headers=("srcaddr", "srcport"))
    for number in range(6):
        where.deliver(f"srcaddr srcport\n10.0.0.{number} {number}\n".encode(), f"{number}.log")
    first = stoppable(where, tmp_path)
    try:
        first.wait_for("batch 0: ")
        first.interrupt()
        assert (first.wait(), first.err) == (128 + signal.SIGINT, STOPPED)
    finally:
        first.kill()

    second = stoppable(where, tmp_path)
    table = tmp_path / "process" / "spark-warehouse" / "flows.db" / "vpc"
    try:
        second.wait_until(lambda: records_in(table) == 6)
        where.deliver(b"srcaddr srcport\n10.0.0.2 x\n10.0.0.3 81\n", "later.log")
        second.wait_for(", 1 record, 1 quarantined line, ")
        second.terminate()
        assert (second.wait(), second.err) == (128 + signal.SIGTERM, STOPPED)
    finally:
        second.kill()
    assert records_in(table) == 7
    lines = second.out.splitlines()
    assert lines[0] == first.out.splitlines()[0] == f"loading {where.logs} into flows.vpc (continuous)"
    assert not any(line.startswith("done: ") for line in (*lines, *first.out.splitlines()))


def stoppable(where: Place, folder: Path) -> Process:
    """Start a run that loads one file per batch into a managed table, until a signal stops it."""
    changes = {"delta_output_path": "", "trigger": "continuous", "interval_seconds": "1", "max_files_per_batch": "1"}
    return Process(where.parameters(**changes), folder / "process")


def records_in(table: Path) -> int:
    """Return the number of records in the files that the commits of a table added."""
    added = [action["add"] for commit in commits(table) for action in commit if "add" in action]
    return sum(json.loads(file["stats"])["numRecords"] for file in added)


# Full disks and unusable paths


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 1 MB; `enlarge` makes it larger."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {mounted.stderr.strip()}")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def enlarge(disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)


def test_a_full_disk_fails_with_the_path_of_the_table_and_the_next_run_resumes(
    spark: SparkSession, tmp_path: Path, small_disk: Path
) -> None:
    where = Place(tmp_path, "full_disk", delta=str(small_disk / "table"))
    where.deliver(file_of(table_of(count=150_000)), "a.log.gz")
    where.deliver(BAD_LINE, "b.log")
    process = Process(where.parameters(), tmp_path / "process")
    assert process.wait() == 1
    message = process.err[process.err.index("The run failed") :].splitlines()
    assert message[0].startswith(f"The run failed: Delta Output Path {where.delta!r} cannot be used: ")
    assert "No space left on device" in message[0]
    assert "run the job again" in message[1]
    assert len(message) == 2
    # The output has no stack trace of Python or Java.
    assert "Traceback" not in process.err
    assert "\tat " not in process.err
    enlarge(small_disk)
    ran = ingest(spark, where)
    assert "150,000 records, 1 quarantined line" in ran.lines[-3]
    assert spark.table("full_disk").count() == 150_000
    assert spark.table("full_disk_quarantine").count() == 1
    spark.sql("DROP TABLE full_disk")
    spark.sql("DROP TABLE full_disk_quarantine")


def test_a_full_disk_under_the_checkpoint_fails_with_its_path_and_the_next_run_resumes(
    spark: SparkSession, tmp_path: Path, small_disk: Path
) -> None:
    where = Place(tmp_path, "full_checkpoint", headers=("srcaddr", "srcport"))
    where.checkpoint = small_disk / "checkpoint"
    where.deliver(b"srcaddr srcport\n10.0.0.1 80\n10.0.0.1 x\n", "a.log")
    filler = small_disk / "filler"
    filler.write_bytes(b"x" * (1 << 20))
    failed = try_ingest(spark, where)
    assert failed.status == 1
    assert f"Checkpoint Path {str(where.checkpoint)!r}" in failed.message
    filler.unlink()
    ran = ingest(spark, where)
    assert "1 file, " in ran.lines[-3]
    assert spark.table("full_checkpoint").count() == spark.table("full_checkpoint_quarantine").count() == 1


@pytest.mark.parametrize(
    ("name", "label"),
    [("delta_output_path", "Delta Output Path"), ("checkpoint_path", "Checkpoint Path")],
)
def test_a_path_that_cannot_be_created_fails_with_that_path_and_the_next_run_resumes(
    spark: SparkSession, tmp_path: Path, name: str, label: str
) -> None:
    table = f"unwritable_{name}"
    where = Place(tmp_path, table, headers=("srcaddr",))
    where.deliver(b"srcaddr\n10.0.0.1\n", "a.log")
    file = tmp_path / "file"
    file.write_text("mine")
    path = f"{file}/folder"
    failed = try_ingest(spark, where, **{name: path})
    assert failed.status in (1, 2)
    assert path in failed.message
    if failed.status == 1:
        assert f"{label} {path!r}" in failed.message
    assert file.read_text() == "mine"
    file.unlink()
    assert "1 file, " in ingest(spark, where, **{name: path}).lines[-3]
    assert spark.table(table).count() == 1


def test_a_missing_logs_folder_fails_with_its_path(spark: SparkSession, tmp_path: Path) -> None:
    where = Place(tmp_path, "missing_logs", headers=("srcaddr",))
    where.logs.rmdir()
    failed = try_ingest(spark, where)
    assert failed.status == 1
    assert str(where.logs) in failed.message
    assert "Traceback" not in failed.message
    assert len(failed.message.splitlines()) <= 4
    where.deliver(b"srcaddr\n10.0.0.1\n", "a.log")
    assert "1 file, " in ingest(spark, where).lines[-3]


def test_a_folder_with_glob_characters_in_its_name_is_loaded(spark: SparkSession, tmp_path: Path) -> None:
    where = Place(tmp_path, "brackets")
    where.logs = tmp_path / "logs [prod]"
    where.deliver(file_of(table_of(count=3)), "AWSLogs/a.log.gz")
    ran = ingest(spark, where, vpc_logs_path=f"{where.logs}/*")
    assert "done: 1 batch, 1 file, " in ran.lines[-3]
    assert spark.table("brackets").count() == 3


def test_a_file_removed_after_its_rows_were_written_is_not_reported_as_missing(
    spark: SparkSession, tmp_path: Path
) -> None:
    where = Place(tmp_path, "gone", headers=("srcaddr", "srcport"))
    path = where.deliver(b"srcaddr srcport\n10.0.0.1 80\n", "a.log")
    ingest(spark, where)
    (where.checkpoint / "commits" / "0").unlink()
    (where.checkpoint / "commits" / ".0.crc").unlink(missing_ok=True)
    path.unlink()
    ingest(spark, where)
    assert rows(spark, "gone", "srcaddr", "srcport") == {("10.0.0.1", 80): 1}
    assert entries(spark, "gone") == {}


def test_paths_with_blanks_and_umlauts_work(spark: SparkSession, tmp_path: Path) -> None:
    where = Place(tmp_path / "a folder ü", "blanks", headers=("srcaddr",))
    where.deliver(b"srcaddr\n10.0.0.1\n", "x y/a b.log")
    ingest(spark, where)
    where = replace(where)
    where.deliver(b"srcaddr\n10.0.0.2\n", "x y/c d.log")
    ingest(spark, where)
    assert rows(spark, "blanks", "srcaddr") == {("10.0.0.1",): 1, ("10.0.0.2",): 1}
    assert {Path(row.source_file).name for row in spark.table("blanks").collect()} == {"a b.log", "c d.log"}
