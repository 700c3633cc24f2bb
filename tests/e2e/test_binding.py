"""The stream ID binds a table to its checkpoint, even when the checkpoint's folder moves, is emptied or restored."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema

from local.cloud_files import register
from tests.support.delta_files import stored_rows
from tests.support.ingesting import Place, Ran, commits, ingest, tables_of_version_0_1_0, try_ingest
from vpc_flow_logs import source, table
from vpc_flow_logs.checkpoint import LOGS_PATH_FILE
from vpc_flow_logs.parameters import parameters_of, read
from vpc_flow_logs.parser import quarantine
from vpc_flow_logs.paths import quarantine_path
from vpc_flow_logs.tasks import SUMMARY, entries_task, records_schema, records_task, stamped_schema

pytestmark = pytest.mark.lts


def deliver(where: Place, number: int) -> None:
    where.deliver(f"srcaddr srcport\n10.0.0.{number} {number}\n10.0.0.{number} x\n".encode(), f"{number}.log")


def column(path: str, name: str) -> list[object]:
    """Return the values of a column, sorted, read from the files that the Delta log lists."""
    return sorted(row[name] for row in stored_rows(path))


def loaded(where: Place) -> list[object]:
    """Return the numbers of the files in the table, one per record."""
    return column(where.delta, "srcport")


def quarantined(where: Place) -> list[str]:
    """Return the names of the files in the quarantine table, one per entry."""
    return [Path(str(file)).stem for file in column(quarantine_path(where.delta), "source_file")]


def properties(where: Place) -> dict[str, str]:
    *_, last = (action["metaData"] for commit in commits(where.delta) for action in commit if "metaData" in action)
    return dict(last["configuration"])


def applications(path: str) -> list[tuple[str, int]]:
    return [(a["txn"]["appId"], a["txn"]["version"]) for commit in commits(path) for a in commit if "txn" in a]


def query_id(where: Place) -> str:
    return str(json.loads((where.checkpoint / "metadata").read_text())["id"])


def writes(path: str) -> list[int]:
    """Return the versions that added the rows of a batch, in order."""
    return [version for version, commit in enumerate(commits(path)) if any("txn" in action for action in commit)]


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


@dataclass(frozen=True)
class Former:
    """A table of version 0.1.0 after the current version has used it, and a copy of it from after a crash."""

    rejected: Ran
    stopped: Place
    crashed: Place


@pytest.fixture(scope="module")
def former(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Former:
    """Load two files with version 0.1.0, and then more files."""
    where = Place(tmp_path_factory.mktemp("former"), "former", headers=("srcaddr", "srcport"))
    deliver(where, 1)
    run_of_version_0_1_0(spark, where)
    other_logs = where.root / "other_logs"
    other_logs.mkdir()
    rejected = try_ingest(spark, where, vpc_logs_path=str(other_logs))
    deliver(where, 2)
    run_of_version_0_1_0(spark, where)
    crashed = _copy(spark, where, name="former_crashed")
    for file in [*(crashed.checkpoint / "commits").glob("1"), *(crashed.checkpoint / "commits").glob(".1.*")]:
        file.unlink()
    deliver(where, 3)
    ingest(spark, crashed)
    deliver(where, 4)
    for place in (where, crashed):
        ingest(spark, place)
    return Former(rejected, where, crashed)


def _copy(spark: SparkSession, where: Place, *, name: str) -> Place:
    """Copy a table, its quarantine table and its checkpoint. The copy reads the same logs."""
    copy = Place(where.root / name, name, headers=where.headers)
    copy.logs = where.logs
    for source_folder, target in (
        (where.delta, copy.delta),
        (quarantine_path(where.delta), quarantine_path(copy.delta)),
        (where.checkpoint, copy.checkpoint),
    ):
        shutil.copytree(source_folder, target)
    for table_name, path in ((name, copy.delta), (f"{name}_quarantine", quarantine_path(copy.delta))):
        spark.sql(f"CREATE TABLE {table_name} USING DELTA LOCATION '{path}'")
    return copy


# One table goes through a chapter per fixture. Each chapter needs the one before it, so their order never changes.


@dataclass(frozen=True)
class Chapter:
    """The output of a run, and the table before and after it."""

    ran: Ran
    checkpoint: Path
    earlier: list[object]
    loaded: list[object]
    earlier_entries: list[str]
    entries: list[str]
    properties: dict[str, str]

    @property
    def gained(self) -> tuple[int, int]:
        """Return how many records and quarantine entries the run added."""
        return len(self.loaded) - len(self.earlier), len(self.entries) - len(self.earlier_entries)


def chapter(spark: SparkSession, where: Place, **changes: str) -> Chapter:
    """Run the job and return the result, even if the run is rejected."""
    earlier = (loaded(where), quarantined(where)) if Path(where.delta).exists() else ([], [])
    ran = try_ingest(spark, where, **changes)
    return Chapter(
        ran, where.checkpoint, earlier[0], loaded(where), earlier[1], quarantined(where), properties(where)
    )  # fmt: skip


@pytest.fixture(scope="module")
def bound(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("bound"), "bound", headers=("srcaddr", "srcport"))


@pytest.fixture(scope="module")
def first(spark: SparkSession, bound: Place) -> Chapter:
    """Load files in batch 0."""
    for number in (1, 2):
        deliver(bound, number)
    bound.deliver(b"srcaddr srcport\n10.0.0.9 bad\n", "only-quarantine.log")
    return chapter(spark, bound)


@dataclass(frozen=True)
class Identity:
    """The query ID in the checkpoint, and the batches in the log of each table."""

    query_id: str
    records: list[tuple[str, int]]
    quarantine: list[tuple[str, int]]


@pytest.fixture(scope="module")
def identity(bound: Place, first: Chapter) -> Identity:
    return Identity(query_id(bound), applications(bound.delta), applications(quarantine_path(bound.delta)))


@pytest.fixture(scope="module")
def new_checkpoint(spark: SparkSession, bound: Place, identity: Identity) -> Chapter:
    """Run with a new folder as the Checkpoint Path."""
    return chapter(spark, bound, checkpoint_path=str(bound.root / "new"))


@pytest.fixture(scope="module")
def other_tables(spark: SparkSession, bound: Place, new_checkpoint: Chapter, former: Former) -> tuple[Ran, Ran]:
    """Use the checkpoint with a table that does not exist, and with one that has its own checkpoint."""
    missing = Place(bound.root / "other", "bound_other", headers=bound.headers)
    new, existing = (
        try_ingest(spark, other, checkpoint_path=str(bound.checkpoint)) for other in (missing, former.stopped)
    )
    return new, existing


@pytest.fixture(scope="module")
def moved(spark: SparkSession, bound: Place, other_tables: object) -> Chapter:
    """Move the checkpoint, load a file in batch 1."""
    bound.checkpoint.rename(bound.root / "moved")
    bound.checkpoint = bound.root / "moved"
    # Run the last batch again, as after a crash between its two commits.
    for file in (bound.checkpoint / "commits").iterdir():
        file.unlink()
    deliver(bound, 3)
    ingest(spark, bound)
    return chapter(spark, bound)  # pyspark 4.1 loads new files in the run after the one that finishes a batch


@pytest.fixture(scope="module")
def older_copy(spark: SparkSession, bound: Place, moved: Chapter) -> Chapter:
    """Load a file in batch 2, and run with a copy of the checkpoint from before it."""
    newest = bound.root / "newest"
    shutil.copytree(bound.checkpoint, bound.root / "copy")
    deliver(bound, 4)
    ingest(spark, bound)
    bound.checkpoint.rename(newest)
    (bound.root / "copy").rename(bound.checkpoint)
    deliver(bound, 5)
    rejected = chapter(spark, bound)
    shutil.rmtree(bound.checkpoint)
    newest.rename(bound.checkpoint)
    return rejected


@pytest.fixture(scope="module")
def restored(spark: SparkSession, bound: Place, older_copy: Chapter) -> Chapter:
    """Restore the table to the time before batches 1 and 2, and run."""
    spark.sql(f"RESTORE TABLE {bound.table_name} TO VERSION AS OF {writes(bound.delta)[0]}")
    return chapter(spark, bound)


@pytest.fixture(scope="module")
def adopted(spark: SparkSession, bound: Place, restored: Chapter) -> Chapter:
    """Load what the restored table lacks with a new checkpoint."""
    bound.checkpoint = bound.root / "adopted"
    return chapter(spark, bound, new_checkpoint="adopt")


@pytest.fixture(scope="module")
def adopted_again(spark: SparkSession, bound: Place, adopted: Chapter) -> Chapter:
    """Restore the quarantine table to the time before its last batch, and adopt the table again."""
    version = writes(quarantine_path(bound.delta))[-1] - 1
    spark.sql(f"RESTORE TABLE {bound.table_name}_quarantine TO VERSION AS OF {version}")
    deliver(bound, 6)
    bound.checkpoint = bound.root / "adopted_again"
    return chapter(spark, bound, new_checkpoint="adopt")


@pytest.fixture(scope="module")
def accepted(spark: SparkSession, bound: Place, adopted_again: Chapter) -> Chapter:
    """Restore the table to the time before the last batch, accept the loss as the message describes, and run."""
    spark.sql(f"RESTORE TABLE {bound.table_name} TO VERSION AS OF {writes(bound.delta)[-1] - 1}")
    rejected = try_ingest(spark, bound)
    (setting,) = re.findall(r"set the table property ('.+?' = '.+?')", rejected.message)
    spark.sql(f"ALTER TABLE {bound.table_name} SET TBLPROPERTIES ({setting})")
    deliver(bound, 7)
    return chapter(spark, bound)


@pytest.fixture(scope="module")
def emptied(spark: SparkSession, bound: Place, accepted: Chapter) -> Chapter:
    """Empty the checkpoint and the logs, and load another file."""
    shutil.rmtree(bound.checkpoint)
    for file in bound.logs.glob("*.log"):
        file.unlink()
    deliver(bound, 8)
    return chapter(spark, bound, new_checkpoint="reload")


def test_delta_identifies_batches_by_the_stream_id_that_the_table_stores(
    bound: Place, first: Chapter, identity: Identity
) -> None:
    stored = first.properties
    assert identity.records == identity.quarantine == [(stored["vpc_flow_logs.stream_id"], 0)]
    assert stored["vpc_flow_logs.checkpoint"] == str(first.checkpoint)
    assert stored["vpc_flow_logs.logs_path"] == str(bound.logs)
    assert stored["vpc_flow_logs.query_id"] == identity.query_id
    assert stored["vpc_flow_logs.stream_id"] != identity.query_id


def test_a_moved_checkpoint_resumes_where_it_stopped(first: Chapter, moved: Chapter) -> None:
    assert moved.loaded == [1, 2, 3]
    assert moved.checkpoint != first.checkpoint
    assert moved.properties["vpc_flow_logs.stream_id"] == first.properties["vpc_flow_logs.stream_id"]
    assert moved.properties["vpc_flow_logs.checkpoint"] == str(moved.checkpoint)


def test_an_emptied_checkpoint_counts_as_new_and_skips_no_batch(accepted: Chapter, emptied: Chapter) -> None:
    assert emptied.loaded == [*accepted.loaded, 8]
    assert emptied.properties["vpc_flow_logs.stream_id"] != accepted.properties["vpc_flow_logs.stream_id"]


def test_an_older_copy_of_the_checkpoint_is_rejected_because_it_would_skip_files(older_copy: Chapter) -> None:
    assert older_copy.ran.status == 2
    assert f"{str(older_copy.checkpoint)!r} is behind its table" in older_copy.ran.message
    assert "batch 1" in older_copy.ran.message
    assert "batch 2" in older_copy.ran.message
    assert older_copy.loaded == [1, 2, 3, 4]


def test_the_checkpoint_of_another_table_is_rejected(first: Chapter, other_tables: tuple[Ran, Ran]) -> None:
    new, existing = other_tables
    assert new.status == 2
    assert "is not empty and not a checkpoint of this table" in new.message
    assert existing.status == 2
    assert f"{str(first.checkpoint)!r} is the checkpoint of another table" in existing.message


def test_a_new_checkpoint_for_a_table_with_rows_is_rejected_with_the_options(
    bound: Place, first: Chapter, new_checkpoint: Chapter
) -> None:
    path, rejected = bound.root / "new", new_checkpoint.ran
    assert rejected.status == 2
    assert (
        f"{str(path)!r} is new, and the table has rows that the checkpoint {str(first.checkpoint)!r}"
        in rejected.message
    )
    assert "--new-checkpoint adopt" in rejected.message
    assert "--new-checkpoint reload" in rejected.message
    assert not path.exists()
    assert new_checkpoint.loaded == first.loaded == [1, 2]


def test_an_adopted_table_loads_only_the_files_it_lacks(adopted: Chapter, accepted: Chapter) -> None:
    assert adopted.earlier == [1, 2]
    assert "skipped 2 files that bound already has" in adopted.ran.lines
    assert "skipped 3 files that bound_quarantine already has" in adopted.ran.lines
    assert adopted.ran.lines[-3].startswith("done: 1 batch, 4 files, ")
    assert adopted.loaded == [1, 2, 3, 4, 5]
    assert adopted.entries == ["1", "2", "3", "4", "5", "only-quarantine"]
    # The next run with the new checkpoint loads the next file. A restore removed the record of file 6.
    assert accepted.loaded == [1, 2, 3, 4, 5, 7]
    assert accepted.entries == ["1", "2", "3", "4", "6", "7", "only-quarantine"]


@pytest.mark.parametrize("table_restored", ["records", "quarantine"])
def test_printed_counts_match_the_tables_after_a_restore_of_one_table(
    adopted: Chapter, adopted_again: Chapter, table_restored: str
) -> None:
    after = {"records": adopted, "quarantine": adopted_again}[table_restored]
    records, lines = after.gained
    assert (records, lines) == ((3, 1) if table_restored == "records" else (1, 1))
    counts = f"{records} record{'s' if records > 1 else ''}, {lines} quarantined line"
    assert f", {counts}, " in after.ran.batches[0]
    assert after.ran.lines[-3].endswith(f", {counts}")


def test_rows_that_a_restore_removed_are_reported_before_anything_else_is_loaded(
    restored: Chapter, adopted: Chapter
) -> None:
    assert restored.ran.status == 2
    assert "is ahead of its table: a RESTORE" in restored.ran.message
    assert "removed its batches 1, 2," in restored.ran.message
    assert restored.loaded == [1, 2]
    assert adopted.loaded == [1, 2, 3, 4, 5]


def test_rows_lost_in_a_restore_can_be_accepted(accepted: Chapter) -> None:
    assert accepted.earlier == [1, 2, 3, 4, 5]
    assert accepted.loaded == [1, 2, 3, 4, 5, 7]


@pytest.mark.parametrize(
    "crashed", [False, True], ids=["stopped normally", "killed between the commits of Delta and Spark"]
)
def test_a_table_and_checkpoint_of_version_0_1_0_are_adopted_without_loss_or_duplicates(
    former: Former, crashed: bool
) -> None:
    where = former.crashed if crashed else former.stopped
    assert loaded(where) == [1, 2, 3, 4]
    assert quarantined(where) == ["1", "2", "3", "4"]
    assert properties(where)["vpc_flow_logs.query_id"] == query_id(where)


def test_a_checkpoint_of_version_0_1_0_for_other_logs_is_rejected(former: Former) -> None:
    assert former.rejected.status == 2
    assert f"is the checkpoint of the VPC Logs Path {str(former.stopped.logs)!r}" in former.rejected.message
