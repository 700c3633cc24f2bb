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
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, DataFrameWriter, SparkSession

from local import ingest as command
from local.traffic import damage
from local.traffic.files import key
from tests.support.delta_files import stored, stored_entries, stored_rows
from tests.support.ingesting import (
    START,
    Place,
    Process,
    Ran,
    Row,
    commits,
    expected,
    file_of,
    flow_log,
    ingest,
    rows,
    table_of,
    try_ingest,
)
from vpc_flow_logs.failures import RunFailed
from vpc_flow_logs.fields import DEFAULT_FORMAT, FIELDS
from vpc_flow_logs.paths import quarantine_path
from vpc_flow_logs.progress import counted
from vpc_flow_logs.sink import Sink

pytestmark = pytest.mark.lts

V5 = tuple(field.name for field in FIELDS if field.version <= 5)
WHEN = datetime.fromtimestamp(START, tz=timezone.utc)
SPARK = tuple(map(int, version("pyspark").split(".")[:2]))
with_limits = pytest.mark.skipif(SPARK < (4, 2), reason="Python data sources of pyspark 4.1 cannot limit a micro-batch")

PARTITIONED = "year=2026/month=01/account=1/srcaddr=x/a.log.gz"
"""The name of a file in folders named like partitions, one of them like a column."""

BAD_LINE = b"srcaddr srcport\n10.0.0.1 x\n"
BAD_REASON = "srcport: 'x' is not an integer"


def uncommit(where: Place, batch: int) -> None:
    """Remove a batch's commit from the checkpoint, as a crash after the commits to the tables does."""
    (where.checkpoint / "commits" / f"{batch}").unlink()


def whole_lines(data: bytes) -> list[str]:
    """Return the complete lines of a truncated gzip file."""
    return zlib.decompressobj(31).decompress(data).decode().split("\n")[:-1]


# Loaded records


@dataclass
class Loads:
    """The runs on one table: without records, with files of every format, with a new file, and after a crash."""

    where: Place
    columns: list[str]
    hidden: list[Path]
    empty: list[Path]
    delivered: Counter[Row]
    cut_records: int
    later: Counter[Row]
    without_records: Ran
    rows_without_records: int
    mixed: Ran
    rows_of_mixed: list[dict[str, Any]]
    entries_of_mixed: Counter[Row]
    second: Ran
    rows_of_second: Counter[Row]
    repeated_without_its_file: Ran


@pytest.fixture(scope="module")
def loads(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Loads:
    """Run the job four times, with blanks and an umlaut in each path."""
    headers = (*DEFAULT_FORMAT, "vpc-id", "tcp-flags")
    where = Place(tmp_path_factory.mktemp("loads") / "a folder ü", "mixed", headers=headers)
    columns = [name.replace("-", "_") for name in headers]
    hidden = [where.deliver(b"srcaddr\n10.0.0.1\n", name) for name in ("_half.log", ".half.log", "_tmp/a.log")]
    nothing = {"empty.log": b"", "empty.log.gz": gzip.compress(b""), "header.log": b"srcaddr\n"}
    empty = [where.deliver(data, name) for name, data in nothing.items()]
    without_records = ingest(spark, where)
    rows_without_records = len(stored_rows(where.delta)) + stored_entries(where.delta).total()

    delivered, cut_records = deliver_mixed(where, columns)
    mixed = ingest(spark, where)
    rows_of_mixed, entries_of_mixed = stored_rows(where.delta), stored_entries(where.delta)

    later = table_of(count=7, seed=20)
    path = where.deliver(file_of(later), "x y/2025/b c.log.gz")
    second = ingest(spark, where)
    rows_of_second = stored(where.delta, *columns)

    # As after a crash between the commits to the tables and the commit of the checkpoint, and with the file removed.
    last = max(int(file.name) for file in (where.checkpoint / "commits").glob("[0-9]*"))
    uncommit(where, last)
    path.unlink()
    return Loads(
        where, columns, hidden, empty, delivered, cut_records, expected(later, columns), without_records,
        rows_without_records, mixed, rows_of_mixed, entries_of_mixed, second, rows_of_second, ingest(spark, where),
    )  # fmt: skip


def deliver_mixed(where: Place, columns: Sequence[str]) -> tuple[Counter[Row], int]:
    """Deliver text and Parquet, old and new formats, plain, Hive and hourly keys, and damaged files.

    Return the expected rows, and the number of records in the truncated file.
    """
    reversed_fields = tuple(reversed(V5))
    kinds: list[tuple[tuple[str, ...], dict[str, Any]]] = [
        (DEFAULT_FORMAT, {}),
        (reversed_fields, {"hive_partitions": True, "hourly_partitions": True}),
        (V5, {"file_format": "parquet", "hive_partitions": True}),
        (("srcaddr", "end", "bytes"), {"hourly_partitions": True, "prefix": "team/network"}),
    ]
    delivered: Counter[Row] = Counter()
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

    partitioned = table_of(("srcaddr", "end"), count=1, seed=13)
    where.deliver(file_of(partitioned, ("srcaddr", "end")), PARTITIONED)
    return delivered + expected(partitioned, columns), cut_records


def test_files_of_every_format_in_one_folder_are_loaded_as_delivered(spark: SparkSession, loads: Loads) -> None:
    """One run loads text and Parquet, old and new formats, plain, Hive and hourly keys, and damaged files."""
    loaded = Counter(tuple(row[name] for name in loads.columns) for row in loads.rows_of_mixed)
    assert loaded == loads.delivered
    assert sorted((name, line, count) for name, line, count, _, _ in loads.entries_of_mixed.elements()) == [
        ("cut.log.gz", loads.cut_records + 2, 1),
        ("lines.log.gz", 3, 1),
        ("lines.log.gz", 5, 1),
    ]
    total = 4 * 200 + 90 + loads.cut_records + 88 + 1
    assert loads.delivered.total() == total
    assert "8 files, " in loads.mixed.lines[-3]
    assert f"{total:,} records, 3 quarantined lines" in loads.mixed.lines[-3]

    assert all(row["event_time"] is not None for row in loads.rows_of_mixed)
    extra = {name.replace("_", "-") for row in loads.rows_of_mixed for name, _ in row["other_fields"] or []}
    assert extra
    assert extra <= set(V5) - set(loads.where.headers)
    assert rows(spark, "mixed", *loads.columns) == loads.delivered + loads.later


def test_folders_named_like_partitions_add_no_columns(spark: SparkSession, loads: Loads) -> None:
    columns = [*loads.columns, "event_time", "other_fields", "source_file", "ingested_at"]
    assert spark.table("mixed").columns == columns
    (row,) = [row for row in loads.rows_of_mixed if row["source_file"].endswith(PARTITIONED)]
    assert list(row) == columns
    assert re.fullmatch(r"\d+\.\d+\.\d+\.\d+", row["srcaddr"])
    assert row["account_id"] is None


def test_hidden_files_are_ignored_and_files_without_records_add_nothing(loads: Loads) -> None:
    assert re.match(r"done: 1 batch, 3 files, .* 0 records, 0 quarantined lines", loads.without_records.lines[-3])
    assert loads.rows_without_records == 0
    delivered = {path for path in loads.where.logs.rglob("*") if path.is_file()}
    expected_sources = {f"file:{path}" for path in delivered - {*loads.hidden, *loads.empty}}
    assert {row["source_file"] for row in loads.rows_of_mixed} == expected_sources
    assert len(expected_sources) == 8


def test_a_second_run_loads_only_new_files(loads: Loads) -> None:
    assert "1 batch, 1 file," in loads.second.lines[-3]
    assert "7 records, 0 quarantined lines" in loads.second.lines[-3]
    assert loads.rows_of_second == loads.delivered + loads.later


def test_paths_with_blanks_and_umlauts_work(loads: Loads) -> None:
    assert "ü" in loads.where.delta
    assert "ü" in str(loads.where.checkpoint)
    assert "ü" in str(loads.where.logs)
    names = {Path(row["source_file"]).name for row in stored_rows(loads.where.delta)}
    assert "b c.log.gz" in names
    assert len(names) == 9


def test_a_file_removed_after_its_rows_were_written_is_not_reported_as_missing(loads: Loads) -> None:
    assert "1 file, " not in loads.repeated_without_its_file.lines[-3]
    assert stored(loads.where.delta, *loads.columns) == loads.delivered + loads.later
    assert stored_entries(loads.where.delta) == loads.entries_of_mixed


@pytest.fixture(scope="module")
def globbed(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> tuple[Place, Ran]:
    """Load the files that a glob selects, from a folder with glob characters in its name."""
    root = tmp_path_factory.mktemp("globbed")
    where = Place(root, "globbed", headers=("srcaddr",))
    where.logs = root / "logs [prod]"
    where.deliver(b"srcaddr\n10.0.0.1\n", "111111111111/vpcflowlogs/us-east-1/2026/01/a.log")
    where.deliver(b"srcaddr\n10.0.0.2\n", "222222222222/vpcflowlogs/eu-west-1/a.log")
    where.deliver(b"srcaddr\n10.0.0.3\n", "222222222222/CloudTrail/eu-west-1/a.log")
    return where, ingest(spark, where, vpc_logs_path=f"{where.logs}/*/vpcflowlogs/*/*")


def test_a_glob_in_the_path_selects_only_flow_logs(globbed: tuple[Place, Ran]) -> None:
    where, _ = globbed
    assert stored(where.delta, "srcaddr") == {("10.0.0.1",): 1, ("10.0.0.2",): 1}


def test_a_folder_with_glob_characters_in_its_name_is_loaded(globbed: tuple[Place, Ran]) -> None:
    where, ran = globbed
    assert "[prod]" in where.logs.name
    assert "done: 1 batch, 2 files, " in ran.lines[-3]
    assert stored(where.delta, "srcaddr").total() == 2


def test_a_batch_without_bad_lines_does_not_write_to_the_quarantine_table(globbed: tuple[Place, Ran]) -> None:
    """Such a batch parses its files once instead of once per table."""
    where, _ = globbed
    # One commit each for the table, the query ID of the checkpoint, and the records.
    assert len(commits(where.delta)) == 3
    assert len(commits(quarantine_path(where.delta))) == 1


# Exactly once


@dataclass
class Moment:
    """A run, and both tables after it."""

    ran: Ran
    records: Counter[Row]
    entries: Counter[Row]
    versions: tuple[int, int]


@dataclass
class Batches:
    """The runs on a table with two batches, which both fail at the quarantine table and then run again."""

    failed: dict[bool, Moment]
    completed: dict[bool, Moment]
    reloaded: Moment


@pytest.fixture(scope="module")
def batches(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Batches:
    """Load one file per batch. The keys of the results are whether the failure comes after the commit."""
    where = Place(tmp_path_factory.mktemp("batches"), "once", headers=("srcaddr", "srcport"))

    def moment(ran: Ran) -> Moment:
        versions = len(commits(where.delta)), len(commits(quarantine_path(where.delta)))
        return Moment(ran, stored(where.delta, "srcaddr", "srcport"), stored_entries(where.delta), versions)

    failed, completed = {}, {}
    for committed in (False, True):
        where.deliver(FILE_OF_BATCH[committed], f"{committed}.log")
        with failure_at_the_quarantine(committed=committed):
            failed[committed] = moment(try_ingest(spark, where))
        completed[committed] = moment(ingest(spark, where))
    changes = {"checkpoint_path": str(where.root / "new_checkpoint"), "new_checkpoint": "reload"}
    return Batches(failed, completed, moment(ingest(spark, where, **changes)))


@contextmanager
def failure_at_the_quarantine(*, committed: bool) -> Iterator[None]:
    """Let the next write to the quarantine table fail, before or after its commit."""
    save = DataFrameWriter.saveAsTable

    def fail_once(writer: DataFrameWriter, name: str, *args: Any, **options: Any) -> None:
        if "quarantine" not in name:
            save(writer, name, *args, **options)
            return
        patch.setattr(DataFrameWriter, "saveAsTable", save)
        if committed:
            save(writer, name, *args, **options)
        raise OSError("No space left on device")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DataFrameWriter, "saveAsTable", fail_once)
        yield


FILE_OF_BATCH = {
    False: b"srcaddr srcport\n10.0.0.1 80\n10.0.0.2 x\n10.0.0.3 81\n",
    True: b"srcaddr srcport\n10.0.1.1 80\n10.0.1.2 x\n10.0.1.3 81\n",
}
RECORDS = {
    False: Counter({("10.0.0.1", 80): 1, ("10.0.0.3", 81): 1}),
    True: Counter({("10.0.1.1", 80): 1, ("10.0.1.3", 81): 1}),
}
ENTRIES = {
    False: Counter({("False.log", 3, 1, "10.0.0.2 x", BAD_REASON): 1}),
    True: Counter({("True.log", 3, 1, "10.0.1.2 x", BAD_REASON): 1}),
}


def test_a_repeated_batch_changes_nothing(batches: Batches) -> None:
    """The first run fails after its commits to both tables, so the second one repeats the batch."""
    before, after = batches.failed[True], batches.completed[True]
    assert after.ran.batches == ["batch 1: already in the tables"]
    assert after.versions == before.versions
    assert after.records == before.records == RECORDS[False] + RECORDS[True]
    assert after.entries == before.entries == ENTRIES[False] + ENTRIES[True]


@pytest.mark.parametrize("committed", [False, True], ids=["before the commit", "after the commit"])
def test_the_next_run_completes_a_batch_that_failed_at_the_quarantine(batches: Batches, committed: bool) -> None:
    failed, completed = batches.failed[committed], batches.completed[committed]
    records = RECORDS[False] + RECORDS[True] if committed else RECORDS[False]
    entries = ENTRIES[False] + ENTRIES[True] if committed else ENTRIES[False]
    assert failed.ran.status == 1
    assert "No space left on device" in failed.ran.message
    assert "Traceback" not in failed.ran.message
    assert failed.records == records
    assert failed.entries == (entries if committed else {})

    assert completed.records == records
    assert completed.entries == entries
    outcome = "already in the tables" if committed else "already in the table; 1 quarantine entry added"
    assert completed.ran.batches == [f"batch {int(committed)}: {outcome}"]
    assert completed.ran.lines[-3].endswith(
        ", 0 records, 0 quarantined lines" if committed else ", 0 records, 1 quarantined line"
    )


def test_a_new_checkpoint_with_the_reload_option_loads_all_files_again(spark: SparkSession, batches: Batches) -> None:
    records, entries = RECORDS[False] + RECORDS[True], ENTRIES[False] + ENTRIES[True]
    assert batches.reloaded.records == records + records
    assert batches.reloaded.entries == entries + entries
    assert rows(spark, "once", "srcaddr", "srcport") == records + records


# Summary of a run


@pytest.fixture(scope="module")
def mostly_bad(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> tuple[Ran, Ran]:
    """Load a file with four bad lines and one record, and run again without new files."""
    headers = ("scraddr", "srcport", "mine", "az-id")
    where = Place(tmp_path_factory.mktemp("mostly_bad"), "mostly_bad", headers=headers)
    bad = b"10.0.0.2 x y\n" * 3 + b"10.0.0.3\n"
    where.deliver(b"srcaddr srcport mine\n10.0.0.1 80 x\n" + bad, "a.log")
    return ingest(spark, where), ingest(spark, where)


def test_a_run_with_more_quarantined_lines_than_records_prints_the_reasons_and_a_query(
    spark: SparkSession, mostly_bad: tuple[Ran, Ran]
) -> None:
    first, idle = mostly_bad
    start = first.lines.index("warning: quarantined 4 lines, loaded 1 record; main reasons:")
    assert first.lines[start + 1] == "  3 lines: srcport: 'x' is not an integer"
    query = first.lines[start + 3].removeprefix("to inspect the lines: ")
    assert len(spark.sql(query).collect()) == 4
    assert not any(line.startswith("warning") for line in idle.lines)


def test_an_unknown_field_in_headers_that_no_file_has_is_reported(mostly_bad: tuple[Ran, Ran]) -> None:
    first, _ = mostly_bad
    notes = [line for line in first.lines if line.startswith("note: no file")]
    assert notes == ["note: no file has the field scraddr (did you mean srcaddr?); its column is NULL"]


def test_a_run_without_new_files_loads_nothing(spark: SparkSession, mostly_bad: tuple[Ran, Ran]) -> None:
    _, idle = mostly_bad
    assert idle.lines[-3] == "done: 0 batches, 0 files, 0 B, 0 records, 0 quarantined lines"
    assert (spark.table("mostly_bad").count(), spark.table("mostly_bad_quarantine").count()) == (1, 4)


# Files that are removed before they are read


def removed_file_entries(where: Place) -> list[Row]:
    return sorted(entry for entry in stored_entries(where.delta).elements() if "was removed" in entry[4])


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
    if SPARK < (4, 2):
        ingest(spark, where)  # pyspark 4.1 loads new files in the run after the one that finishes a batch
    assert f"file:{where.logs}/1.log was removed before the job read it; the run continues without it" in ran.lines
    assert stored(where.delta, "srcport") == {(0,): 1, (2,): 1, (3,): 1}
    assert removed_file_entries(where) == [("1.log", 1, 0, None, "the file was removed before the job read it")]
    assert stored_entries(where.delta).total() == 3
    assert ingest(spark, where).batches == []


@with_limits
def test_every_removed_file_is_reported_even_if_its_batch_has_no_other_file(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = Place(tmp_path, "two_gone", headers=("srcaddr", "srcport"))
    for number in range(4):
        path = where.deliver(f"srcaddr srcport\n10.0.0.{number} {number}\n".encode(), f"{number}.log")
        os.utime(path, (1_000_000 + number, 1_000_000 + number))
    write = Sink._write_records

    def write_and_remove_the_next(sink: Sink, files: DataFrame, batch_id: int, *, now: Any) -> Any:
        result = write(sink, files, batch_id, now=now)
        (where.logs / f"{batch_id + 1}.log").unlink(missing_ok=True)
        return result

    monkeypatch.setattr(Sink, "_write_records", write_and_remove_the_next)
    ran = ingest(spark, where, max_files_per_batch="1")
    assert stored(where.delta, "srcport") == {(0,): 1, (2,): 1}
    assert [name for name, *_ in removed_file_entries(where)] == ["1.log", "3.log"]
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
    assert stored(where.delta, "srcport") == {(80,): 150}


@dataclass
class Sixteen:
    """A run of sixteen batches, with two files in each except the last one."""

    where: Place
    ran: Ran


@pytest.fixture(scope="module")
def sixteen(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Sixteen:
    where = Place(tmp_path_factory.mktemp("sixteen"), "sixteen", headers=("srcaddr", "srcport"))
    for number in range(31):
        bad = b"10.0.0.1 x\n" * 2 if number == 1 else b""
        text = b"srcaddr srcport\n" + b"10.0.0.1 80\n" * records_of_file(number) + bad
        path = where.deliver(text, f"{number:03}.log")
        os.utime(path, (1_000_000 + number, 1_000_000 + number))
    return Sixteen(where, ingest(spark, where, max_files_per_batch="2"))


def records_of_file(number: int) -> int:
    return number % 5 + 1


@with_limits
def test_each_batch_has_the_requested_number_of_files_and_one_progress_line(sixteen: Sixteen) -> None:
    where, ran = sixteen.where, sixteen.ran
    sizes = [path.stat().st_size for path in sorted(where.logs.iterdir())]
    counts = [records_of_file(number) for number in range(31)]
    assert len(ran.batches) == 16
    for batch, line in enumerate(ran.batches):
        files = slice(2 * batch, 2 * batch + 2)
        prefix = (
            f"batch {batch}: {'1 file' if batch == 15 else '2 files'}, {sum(sizes[files])} B, "
            f"{counted(sum(counts[files]), 'record')}, {2 if batch == 0 else 0} quarantined lines, "
        )
        assert line.startswith(prefix)
        assert re.fullmatch(r"[\d.]+ s, [\d,]+ records/s, [\d]+ d behind", line.removeprefix(prefix))
    assert ran.lines[0] == f"loading {where.logs} into sixteen (available-now)"
    size = f"{sum(sizes):,} B" if sum(sizes) < 1000 else f"{sum(sizes) / 1000:.1f} kB"
    assert ran.lines[-3] == f"done: 16 batches, 31 files, {size}, {sum(counts)} records, 2 quarantined lines"


# Size


def test_many_small_files_become_few_delta_files(spark: SparkSession, tmp_path: Path) -> None:
    where = Place(tmp_path, "small_files", headers=("srcaddr", "srcport"))
    for number in range(400):
        path = where.logs / f"{number % 20}" / f"{number}.log"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"srcaddr srcport\n10.0.0.1 80\n10.0.0.2 x\n")
    ran = ingest(spark, where, max_files_per_batch="200")
    assert len(stored_rows(where.delta)) == stored_entries(where.delta).total() == 400
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
def test_the_sixteenth_batch_takes_as_long_as_the_third(sixteen: Sixteen) -> None:
    where, ran = sixteen.where, sixteen.ran
    assert len(ran.batches) == 16
    assert stored(where.delta, "srcaddr").total() == sum(records_of_file(number) for number in range(31))
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
    for number in range(4):
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
        second.wait_until(lambda: records_in(table) == 4)
        where.deliver(b"srcaddr srcport\n10.0.0.2 x\n10.0.0.3 81\n", "later.log")
        second.wait_for(", 1 record, 1 quarantined line, ")
        second.terminate()
        assert (second.wait(), second.err) == (128 + signal.SIGTERM, STOPPED)
    finally:
        second.kill()
    assert records_in(table) == 5
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


def test_the_command_ends_with_status_1_after_a_failed_run(tmp_path: Path) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RunFailed("The disk is full.")

    with pytest.raises(SystemExit) as ended:
        command.run(Place(tmp_path, "failing").parameters(), job=fail)
    assert ended.value.code == 1


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
    assert len(stored_rows(where.delta)) == 150_000
    assert stored_entries(where.delta).total() == 1
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
    assert len(stored_rows(where.delta)) == stored_entries(where.delta).total() == 1


@dataclass
class Unusable:
    """The failed runs by the parameter with an unusable path, and the run after them, which can use every path."""

    where: Place
    failed: dict[str, Ran]
    contents: dict[str, str]
    """The content, after a failed run, of the file in whose place the run needs a folder."""
    last: Ran


@pytest.fixture(scope="module")
def unusable(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Unusable:
    """Run the job with an unusable table, then with an unusable checkpoint, without logs, and with usable paths."""
    root = tmp_path_factory.mktemp("unusable")
    table, checkpoint = root / "table", root / "checkpoint"
    where = Place(root, "unusable", headers=("srcaddr",), delta=f"{table}/folder")
    where.deliver(b"srcaddr\n10.0.0.1\n", "a.log")
    failed, contents = {}, {}

    table.write_text("mine")
    failed["delta_output_path"] = try_ingest(spark, where)
    contents["delta_output_path"] = table.read_text()
    table.unlink()

    checkpoint.write_text("mine")
    where.checkpoint = checkpoint / "folder"
    failed["checkpoint_path"] = try_ingest(spark, where)
    contents["checkpoint_path"] = checkpoint.read_text()
    checkpoint.unlink()

    where.logs.rename(root / "later")
    failed["vpc_logs_path"] = try_ingest(spark, where)
    (root / "later").rename(where.logs)
    return Unusable(where, failed, contents, ingest(spark, where))


@pytest.mark.parametrize(
    ("name", "label"),
    [("delta_output_path", "Delta Output Path"), ("checkpoint_path", "Checkpoint Path")],
)
def test_a_path_that_cannot_be_created_fails_with_that_path_and_the_next_run_resumes(
    unusable: Unusable, name: str, label: str
) -> None:
    path = {"delta_output_path": unusable.where.delta, "checkpoint_path": str(unusable.where.checkpoint)}[name]
    failed = unusable.failed[name]
    assert failed.status in (1, 2)
    assert path in failed.message
    if failed.status == 1:
        assert f"{label} {path!r}" in failed.message
    assert unusable.contents[name] == "mine"
    assert_loaded(unusable)


def test_a_missing_logs_folder_fails_with_its_path(unusable: Unusable) -> None:
    failed = unusable.failed["vpc_logs_path"]
    assert failed.status == 1
    assert str(unusable.where.logs) in failed.message
    assert "Traceback" not in failed.message
    assert len(failed.message.splitlines()) <= 4
    assert_loaded(unusable)


def assert_loaded(unusable: Unusable) -> None:
    """Check that the run after the failed ones has loaded the file."""
    assert "1 file, " in unusable.last.lines[-3]
    assert stored(unusable.where.delta, "srcaddr") == {("10.0.0.1",): 1}
    assert (unusable.where.checkpoint / "commits" / "0").is_file()
