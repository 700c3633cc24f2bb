"""The stream ID binds a table to its checkpoint, even when the checkpoint's folder moves, is emptied or restored."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from datetime import datetime, timezone
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema

from local.cloud_files import register
from tests.support.ingesting import Place, commits, entries, ingest, rows, tables_of_version_0_1_0, try_ingest
from vpc_flow_logs import source, table
from vpc_flow_logs.checkpoint import LOGS_PATH_FILE
from vpc_flow_logs.parameters import parameters_of, read
from vpc_flow_logs.parser import quarantine
from vpc_flow_logs.paths import quarantine_path
from vpc_flow_logs.tasks import SUMMARY, entries_task, records_schema, records_task, stamped_schema

pytestmark = pytest.mark.lts


@pytest.fixture
def where(spark: SparkSession, tmp_path: Path, request: pytest.FixtureRequest) -> Place:
    return Place(tmp_path, f"bound_{abs(hash(request.node.name)) % 10**9}", headers=("srcaddr", "srcport"))


def deliver(where: Place, number: int) -> None:
    where.deliver(f"srcaddr srcport\n10.0.0.{number} {number}\n10.0.0.{number} x\n".encode(), f"{number}.log")


def loaded(spark: SparkSession, where: Place) -> list[int]:
    """Return the numbers of the files in the table, one per record."""
    return sorted(port for (port,) in rows(spark, where.table_name, "srcport").elements())


def properties(spark: SparkSession, where: Place) -> dict[str, str]:
    detail = spark.sql(f"DESCRIBE DETAIL {where.table_name}").first()
    assert detail is not None
    return dict(detail.properties)


def applications(path: str) -> list[tuple[str, int]]:
    return [(a["txn"]["appId"], a["txn"]["version"]) for commit in commits(path) for a in commit if "txn" in a]


def query_id(where: Place) -> str:
    return str(json.loads((where.checkpoint / "metadata").read_text())["id"])


def test_delta_identifies_batches_by_the_stream_id_that_the_table_stores(spark: SparkSession, where: Place) -> None:
    deliver(where, 1)
    ingest(spark, where)
    stored = properties(spark, where)
    assert applications(where.delta) == applications(quarantine_path(where.delta))
    assert applications(where.delta) == [(stored["vpc_flow_logs.stream_id"], 0)]
    assert stored["vpc_flow_logs.checkpoint"] == str(where.checkpoint)
    assert stored["vpc_flow_logs.logs_path"] == str(where.logs)
    assert stored["vpc_flow_logs.query_id"] == query_id(where)
    assert stored["vpc_flow_logs.stream_id"] != query_id(where)


def test_a_moved_checkpoint_resumes_where_it_stopped(spark: SparkSession, where: Place) -> None:
    deliver(where, 1)
    ingest(spark, where)
    before = properties(spark, where)["vpc_flow_logs.stream_id"]
    where.checkpoint.rename(where.root / "moved")
    where.checkpoint = where.root / "moved"
    # Run the last batch again, as after a crash between its two commits.
    for file in (where.checkpoint / "commits").iterdir():
        file.unlink()
    deliver(where, 2)
    ingest(spark, where)
    ingest(spark, where)  # pyspark 4.1 loads new files in the run after the one that finishes a batch
    assert loaded(spark, where) == [1, 2]
    after = properties(spark, where)
    assert after["vpc_flow_logs.stream_id"] == before
    assert after["vpc_flow_logs.checkpoint"] == str(where.root / "moved")


def test_an_emptied_checkpoint_counts_as_new_and_skips_no_batch(spark: SparkSession, where: Place) -> None:
    deliver(where, 1)
    ingest(spark, where)
    before = properties(spark, where)["vpc_flow_logs.stream_id"]
    shutil.rmtree(where.checkpoint)
    (where.logs / "1.log").unlink()
    deliver(where, 2)
    ingest(spark, where, new_checkpoint="reload")
    assert loaded(spark, where) == [1, 2]
    assert properties(spark, where)["vpc_flow_logs.stream_id"] != before


def test_an_older_copy_of_the_checkpoint_is_rejected_because_it_would_skip_files(
    spark: SparkSession, where: Place
) -> None:
    deliver(where, 1)
    ingest(spark, where)
    shutil.copytree(where.checkpoint, where.root / "copy")
    for number in (2, 3):
        deliver(where, number)
        ingest(spark, where)
    shutil.rmtree(where.checkpoint)
    (where.root / "copy").rename(where.checkpoint)
    deliver(where, 4)
    rejected = try_ingest(spark, where)
    assert rejected.status == 2
    assert f"{str(where.checkpoint)!r} is behind its table" in rejected.message
    assert "batch 0" in rejected.message
    assert "batch 2" in rejected.message
    assert loaded(spark, where) == [1, 2, 3]


def test_the_checkpoint_of_another_table_is_rejected(spark: SparkSession, where: Place) -> None:
    deliver(where, 1)
    ingest(spark, where)
    other_table = Place(where.root, f"{where.table_name}_other", headers=where.headers, delta=str(where.root / "other"))
    new = try_ingest(spark, other_table)
    assert new.status == 2
    assert "is not empty and not a checkpoint of this table" in new.message
    ingest(spark, other_table, checkpoint_path=str(where.root / "own"))
    existing = try_ingest(spark, other_table)
    assert existing.status == 2
    assert f"{str(where.checkpoint)!r} is the checkpoint of another table" in existing.message


def test_a_new_checkpoint_for_a_table_with_rows_is_rejected_with_the_options(spark: SparkSession, where: Place) -> None:
    deliver(where, 1)
    ingest(spark, where)
    new_checkpoint = str(where.root / "new")
    rejected = try_ingest(spark, where, checkpoint_path=new_checkpoint)
    assert rejected.status == 2
    assert (
        f"{new_checkpoint!r} is new, and the table has rows that the checkpoint {str(where.checkpoint)!r}"
        in rejected.message
    )
    assert "--new-checkpoint adopt" in rejected.message
    assert "--new-checkpoint reload" in rejected.message
    assert not Path(new_checkpoint).exists()
    assert loaded(spark, where) == [1]


def test_an_adopted_table_loads_only_the_files_it_lacks(spark: SparkSession, where: Place) -> None:
    for number in (1, 2):
        deliver(where, number)
    where.deliver(b"srcaddr srcport\n10.0.0.9 bad\n", "only-quarantine.log")
    ingest(spark, where)
    deliver(where, 3)
    where.checkpoint = where.root / "new"
    ran = ingest(spark, where, new_checkpoint="adopt")
    assert f"skipped 2 files that {where.table_name} already has" in ran.lines
    assert f"skipped 1 file that {where.table_name}_quarantine already has" in ran.lines
    assert ran.lines[-3].startswith("done: 1 batch, 2 files, ")
    assert loaded(spark, where) == [1, 2, 3]
    deliver(where, 4)
    ingest(spark, where)
    assert loaded(spark, where) == [1, 2, 3, 4]
    assert sum(entries(spark, where.table_name).values()) == 5


@pytest.mark.parametrize("restored", ["records", "quarantine"])
def test_printed_counts_match_the_tables_after_a_restore_of_one_table(
    spark: SparkSession, where: Place, restored: str
) -> None:
    ingest(spark, where)
    for number in (1, 2):
        deliver(where, number)
    ingest(spark, where)
    name = where.table_name if restored == "records" else f"{where.table_name}_quarantine"
    written = spark.sql(f"DESCRIBE HISTORY {name}").where("operation = 'WRITE'").orderBy("version").first()
    assert written is not None
    spark.sql(f"RESTORE TABLE {name} TO VERSION AS OF {written.version - 1}")
    deliver(where, 3)
    before = spark.table(where.table_name).count(), sum(entries(spark, where.table_name).values())
    where.checkpoint = where.root / "new"
    ran = ingest(spark, where, new_checkpoint="adopt")
    after = spark.table(where.table_name).count(), sum(entries(spark, where.table_name).values())
    records, lines = (later - earlier for later, earlier in zip(after, before, strict=True))
    assert (records, lines) == ((3, 1) if restored == "records" else (1, 1))
    counts = f"{records} record{'s' if records > 1 else ''}, {lines} quarantined line"
    assert f", {counts}, " in ran.batches[0]
    assert ran.lines[-3].endswith(f", {counts}")


def test_rows_that_a_restore_removed_are_reported_before_anything_else_is_loaded(
    spark: SparkSession, where: Place
) -> None:
    for number in (1, 2, 3):
        deliver(where, number)
        ingest(spark, where)
    written = (
        spark.sql(f"DESCRIBE HISTORY {where.table_name}").where("operation = 'WRITE'").orderBy("version").collect()
    )
    spark.sql(f"RESTORE TABLE {where.table_name} TO VERSION AS OF {written[0].version}")
    deliver(where, 4)
    rejected = try_ingest(spark, where)
    assert rejected.status == 2
    assert "is ahead of its table: a RESTORE" in rejected.message
    assert "removed its batches 1, 2," in rejected.message
    where.checkpoint = where.root / "new"
    ingest(spark, where, new_checkpoint="adopt")
    assert loaded(spark, where) == [1, 2, 3, 4]


def test_rows_lost_in_a_restore_can_be_accepted(spark: SparkSession, where: Place) -> None:
    for number in (1, 2):
        deliver(where, number)
        ingest(spark, where)
    written = (
        spark.sql(f"DESCRIBE HISTORY {where.table_name}").where("operation = 'WRITE'").orderBy("version").collect()
    )
    spark.sql(f"RESTORE TABLE {where.table_name} TO VERSION AS OF {written[0].version}")
    rejected = try_ingest(spark, where)
    (setting,) = re.findall(r"set the table property ('.+?' = '.+?')", rejected.message)
    spark.sql(f"ALTER TABLE {where.table_name} SET TBLPROPERTIES ({setting})")
    deliver(where, 3)
    ingest(spark, where)
    assert loaded(spark, where) == [1, 3]


# A table and a checkpoint of version 0.1.0


def run_of_version_0_1_0(spark: SparkSession, where: Place) -> None:
    """Load as version 0.1.0 did: its marker in the checkpoint, the query ID as ``txnAppId``, no binding."""
    parameters = parameters_of(read(where.parameters())[0])
    where.checkpoint.mkdir(exist_ok=True)
    (where.checkpoint / LOGS_PATH_FILE).write_text(str(where.logs))
    if not spark.catalog.tableExists(where.table_name):
        tables_of_version_0_1_0(spark, where)
    layout = table.create(spark, table_name=where.table_name, path=where.delta, headers=where.headers)
    register(spark, state=where.checkpoint / "cloud_files")
    now = datetime.now(timezone.utc)

    def write(batch: DataFrame, number: int) -> None:
        files = batch.select("path", "modificationTime", "content")
        records = files.mapInArrow(records_task(layout, now=now), from_arrow_schema(records_schema(layout)))
        bad = files.mapInArrow(entries_task(layout, now=now), from_arrow_schema(stamped_schema(quarantine.SCHEMA)))
        for frame, name in (
            (records.where(f"{SUMMARY} IS NULL").drop(SUMMARY), where.table_name),
            (bad, f"{where.table_name}_quarantine"),
        ):
            writer = frame.write.format("delta").mode("append").option("txnAppId", query_id(where))
            writer.option("txnVersion", number).saveAsTable(name)

    stream = source.files(spark, parameters).writeStream.foreachBatch(write)
    stream = stream.option("checkpointLocation", str(where.checkpoint)).trigger(availableNow=True)
    stream.start().awaitTermination()


@pytest.mark.parametrize(
    "crashed", [False, True], ids=["stopped normally", "killed between the commits of Delta and Spark"]
)
def test_a_table_and_checkpoint_of_version_0_1_0_are_adopted_without_loss_or_duplicates(
    spark: SparkSession, where: Place, crashed: bool
) -> None:
    deliver(where, 1)
    run_of_version_0_1_0(spark, where)
    deliver(where, 2)
    run_of_version_0_1_0(spark, where)
    if crashed:
        for file in [*(where.checkpoint / "commits").glob("1"), *(where.checkpoint / "commits").glob(".1.*")]:
            file.unlink()
    deliver(where, 3)
    ingest(spark, where)
    deliver(where, 4)
    ingest(spark, where)
    assert loaded(spark, where) == [1, 2, 3, 4]
    assert Counter(name for name, *_ in entries(spark, where.table_name)) == Counter(f"{n}.log" for n in (1, 2, 3, 4))
    assert properties(spark, where)["vpc_flow_logs.query_id"] == query_id(where)


def test_a_checkpoint_of_version_0_1_0_for_other_logs_is_rejected(spark: SparkSession, where: Place) -> None:
    deliver(where, 1)
    run_of_version_0_1_0(spark, where)
    other_logs = where.root / "other_logs"
    other_logs.mkdir()
    rejected = try_ingest(spark, where, vpc_logs_path=str(other_logs))
    assert rejected.status == 2
    assert f"is the checkpoint of the VPC Logs Path {str(where.logs)!r}" in rejected.message
