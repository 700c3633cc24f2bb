"""The local Auto Loader under real Spark: each file exactly once, in micro-batches of the requested size."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import pyspark
import pytest
from pyspark.errors import AnalysisException, StreamingQueryException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming import StreamingQuery

from local.cloud_files import register_for

HAS_LIMITS = not pyspark.__version__.startswith("4.1.")
"""False for pyspark 4.1: one micro-batch has all new files, and an availableNow run has one micro-batch."""


class Stream:
    """A stream over a folder, restarted with the same checkpoint."""

    def __init__(self, spark: SparkSession, root: Path) -> None:
        self.spark = spark
        self.folder = root / "in"
        self.folder.mkdir()
        self.checkpoint = root / "checkpoint"
        self.batches: list[list[str]] = []

    def deliver(self, *names: str, data: bytes = b"x", modified: float | None = None) -> None:
        for name in names:
            part = self.folder / f"_{name.replace('/', '-')}.part"
            part.write_bytes(data)
            if modified is not None:
                os.utime(part, (modified, modified))
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            part.rename(self.folder / name)

    def files(self, path: str = "", **options: str) -> DataFrame:
        register_for(self.spark, checkpoint=f"file:{self.checkpoint}")
        settings = {
            "cloudFiles.format": "binaryFile",
            **{f"cloudFiles.{name}": value for name, value in options.items()},
        }
        return self.spark.readStream.format("cloudFiles").options(**settings).load(f"{self.folder}{path}")

    def start(self, *, available_now: bool, path: str = "", **options: str) -> StreamingQuery:
        writer = self.files(path, **options).writeStream.foreachBatch(self._take)
        writer = writer.option("checkpointLocation", str(self.checkpoint))
        return (
            writer.trigger(availableNow=True) if available_now else writer.trigger(processingTime="0 seconds")
        ).start()

    def run(self, path: str = "", **options: str) -> list[list[str]]:
        """Load all files and return their names per micro-batch.

        Empty micro-batches are left out: Spark runs one on the first start, even without files, to record the offset.
        """
        self.batches = []
        self.start(available_now=True, path=path, **options).awaitTermination()
        return [batch for batch in self.batches if batch]

    def _take(self, batch: DataFrame, number: int) -> None:
        prefix = f"file:{self.folder}/"
        self.batches.append(sorted(row.path.removeprefix(prefix) for row in batch.select("path").collect()))


@pytest.fixture
def stream(spark: SparkSession, tmp_path: Path) -> Stream:
    return Stream(spark, tmp_path)


def until(condition: Callable[[], bool], *, seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "timed out"
        time.sleep(0.05)


def test_rows_equal_those_of_sparks_binary_file_source(spark: SparkSession, stream: Stream) -> None:
    stream.deliver("a b/x%20ü.gz", data=b"abc", modified=1_700_000_000.25)
    stream.deliver("empty", data=b"")
    stream.deliver("large", data=os.urandom(20 << 20))
    rows: list[tuple[object, ...]] = []
    query = stream.files().writeStream.foreachBatch(lambda batch, _: rows.extend(map(tuple, batch.collect())))
    query.option("checkpointLocation", str(stream.checkpoint)).trigger(availableNow=True).start().awaitTermination()
    expected = spark.read.format("binaryFile").option("recursiveFileLookup", "true").load(str(stream.folder))
    assert stream.files().schema == expected.schema
    # Spark's own source skips empty files; this one returns them.
    assert sorted(row for row in rows if row[2]) == sorted(map(tuple, expected.collect()))
    assert [row[0] for row in rows if not row[2]] == [f"file:{stream.folder}/empty"]
    times = {row[0]: row[1] for row in rows}
    stamp = datetime(2023, 11, 14, 22, 13, 20, 250_000, tzinfo=timezone.utc)
    assert times[f"file:{stream.folder}/a b/x%20ü.gz"].timestamp() == stamp.timestamp()  # type: ignore[attr-defined]


def test_each_file_is_loaded_once_across_restarts_in_batches_of_the_requested_size(stream: Stream) -> None:
    for number in range(5):
        stream.deliver(f"{number}", modified=1000 + number)
    stream.deliver("_hidden", ".hidden", "_folder/a", "x/.folder/a")
    batches = stream.run(maxFilesPerTrigger="2")
    assert batches == ([["0", "1"], ["2", "3"], ["4"]] if HAS_LIMITS else [["0", "1", "2", "3", "4"]])
    assert stream.run(maxFilesPerTrigger="2") == []
    stream.deliver("x/new")
    stream.deliver("0", data=b"overwritten")
    assert stream.run(maxFilesPerTrigger="2") == [["x/new"]]


def test_an_unfinished_batch_runs_again_with_the_same_files(stream: Stream) -> None:
    stream.deliver("a", "b")

    def fail(batch: DataFrame, number: int) -> None:
        batch.select("path").collect()
        raise RuntimeError("cut off")

    query = stream.files().writeStream.foreachBatch(fail).option("checkpointLocation", str(stream.checkpoint))
    with pytest.raises(StreamingQueryException, match="cut off"):
        query.trigger(availableNow=True).start().awaitTermination()
    stream.deliver("c")
    assert stream.run() + ([] if HAS_LIMITS else stream.run()) == [["a", "b"], ["c"]]


def test_a_running_stream_loads_new_files_when_they_are_complete(stream: Stream) -> None:
    stream.deliver("1", "2")
    query = stream.start(available_now=False, maxFilesPerTrigger="1")
    try:
        until(lambda: sum(map(len, stream.batches)) == 2)
        stream.deliver("3")
        until(lambda: sum(map(len, stream.batches)) == 3)
    finally:
        query.stop()
    assert sorted(name for batch in stream.batches for name in batch) == ["1", "2", "3"]
    stream.deliver("4")
    # A batch that was stopped before its commit runs again.
    assert stream.run() in ([["4"]], [["3"], ["4"]])


def test_globs_select_files_and_existing_files_can_be_excluded(stream: Stream) -> None:
    stream.deliver("AWSLogs/1/vpcflowlogs/eu/old")
    assert stream.run("/AWSLogs/*/vpcflowlogs/*", includeExistingFiles="false") == []
    stream.deliver("AWSLogs/1/vpcflowlogs/eu/new", "AWSLogs/1/elb/new", "AWSLogs/2/vpcflowlogs/us/new")
    new = [["AWSLogs/1/vpcflowlogs/eu/new", "AWSLogs/2/vpcflowlogs/us/new"]]
    assert stream.run("/AWSLogs/*/vpcflowlogs/*", includeExistingFiles="false", useNotifications="true") == new


def test_unknown_options_and_invalid_schemas_are_rejected(stream: Stream) -> None:
    with pytest.raises(AnalysisException, match=r"CloudFilesError: .*unknown options: cloudfiles.speed; valid options"):
        stream.files(speed="1")
    reader = stream.spark.readStream.format("cloudFiles").schema("path STRING")
    frame = reader.option("cloudFiles.format", "binaryFile").load(str(stream.folder))
    query = frame.writeStream.format("noop").option("checkpointLocation", str(stream.checkpoint))
    with pytest.raises(StreamingQueryException, match=r"CloudFilesError: .*must be .* for binaryFile"):
        query.trigger(availableNow=True).start().awaitTermination()


def test_a_file_deleted_before_it_is_read_is_reported(stream: Stream) -> None:
    stream.deliver("a", "gone")

    def remove(batch: DataFrame, number: int) -> None:
        (stream.folder / "gone").unlink()
        batch.collect()

    query = stream.files().writeStream.foreachBatch(remove).option("checkpointLocation", str(stream.checkpoint))
    with pytest.raises(
        StreamingQueryException, match=f"while reading file file:{stream.folder}/gone. File does not exist"
    ):
        query.trigger(availableNow=True).start().awaitTermination()
