"""The sink of the stream: writes each micro-batch to both tables exactly once."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timezone

from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from vpc_flow_logs import checkpoint, counts, folders, history, progress, table
from vpc_flow_logs.binding import Binding
from vpc_flow_logs.counts import Counts
from vpc_flow_logs.folders import StorageError
from vpc_flow_logs.parser import quarantine
from vpc_flow_logs.parser.layout import Layout
from vpc_flow_logs.sql import quoted
from vpc_flow_logs.table import quarantine_name
from vpc_flow_logs.tasks import SUMMARY, entries_task, records_schema, records_task, stamped_schema

REMOVED = "the file was removed before the job read it"
"""Reason of the quarantine entry for a missing file."""

PASSED = "the batch with the missing files is written"
"""Text of `BatchPassed`; `stream.run` recognizes the exception by it in Spark's error."""


class BatchPassed(Exception):
    """Stops a stream that ignores missing files, once the batch with the missing files is written."""


class Sink:
    """Writes micro-batches to the records table and the quarantine table, and adds up their counts.

    A batch that runs again changes nothing: Delta recognizes it by the stream ID, which belongs to one checkpoint, and
    the batch number.

    Attributes:
        total: Counts of all batches that this run wrote.
        batches: Number of batches that this run wrote.
        missing_files: Files that were removed before they were read. Each gets a quarantine entry, written with its
            batch.
    """

    def __init__(self, spark: SparkSession, *, table_name: str, layout: Layout, binding: Binding) -> None:
        self.total = Counts()
        self.batches = 0
        self.missing_files: list[str] = []
        self._passed = False
        self._spark = spark
        self._table_name = table_name
        self._layout = layout
        self._binding = binding

    def write(self, batch: DataFrame, batch_id: int) -> None:
        """Write one micro-batch of files.

        Args:
            batch: The files: path, modificationTime, length and content.
            batch_id: Number of the batch.

        Raises:
            BatchPassed: The batch with the missing files is written; the stream must restart without ignoring files.
            PySparkException: Spark cannot read the files or write the tables.
        """
        if self._passed:
            raise BatchPassed(PASSED)
        started = time.monotonic()
        now = datetime.now(timezone.utc)
        if batch.select("path").isEmpty():
            # A stream that finds no files starts with an empty batch.
            self._write_missing(batch_id, now=now)
            return
        self._complete_binding()
        every = batch.select("path", "modificationTime", "content")
        new = self._without_loaded(every, self._table_name)
        written = self._write_records(new, batch_id, now=now)
        if written is None:
            # The table already has the records, so the batch was not parsed. Its entries may still be missing.
            added = self._write_entries(every, batch_id, now=now)
            self.total += added
            progress.say(progress.known_batch_line(batch_id, added.entries))
            return
        if written.entries or self.missing_files:
            added = self._write_entries(new, batch_id, now=now)
            written = replace(written, entries=added.entries, lines=added.lines)
        self.total += written
        self.batches += 1
        seconds, ended = time.monotonic() - started, time.time()
        progress.say(progress.batch_line(batch_id, written, seconds=seconds, now=ended))
        progress.say(progress.batch_json(batch_id, written, seconds=seconds, now=ended))

    def strict_again(self) -> None:
        """Forget the missing files after their batch is written, so that the next missing file is an error again."""
        self.missing_files.clear()
        self._passed = False

    def _write_missing(self, batch_id: int, *, now: datetime) -> None:
        """Write the entries of a batch that has no files left."""
        if self.missing_files:
            self._complete_binding()
            name = quarantine_name(self._table_name)
            self._append(self._missing_entries(now), batch_id, name)
            progress.say(f"batch {batch_id}: all of its files were removed before the job read them")
            self._passed = True

    def _missing_entries(self, now: datetime) -> DataFrame:
        """Return an entry for each missing file, except for files with rows that are already in the table."""
        schema = from_arrow_schema(stamped_schema(quarantine.SCHEMA))
        entries = self._spark.createDataFrame([(path, 1, 0, None, REMOVED, now) for path in self.missing_files], schema)
        written = self._spark.table(quoted(self._table_name)).select("source_file")
        return entries.join(written, "source_file", "left_anti")

    def _without_loaded(self, files: DataFrame, table_name: str) -> DataFrame:
        """Return the files without those that an adopted table already has."""
        if self._binding.adopted_at is None:
            return files
        adopted = datetime.fromtimestamp(self._binding.adopted_at, timezone.utc)
        old = files.where(F.col("modificationTime") <= F.lit(adopted)).select("path")
        in_table = self._spark.table(quoted(table_name)).select(F.col("source_file").alias("path"))
        # Collected first, because the table changes while the batch is written.
        loaded = [row.path for row in in_table.join(old, "path", "left_semi").distinct().collect()]
        if not loaded:
            return files
        progress.say(f"skipped {progress.counted(len(loaded), 'file')} that {table_name} already has")
        return files.where(~F.col("path").isin(loaded))

    def _complete_binding(self) -> None:
        """Store the ID of the query that owns the checkpoint. Spark writes it when the stream starts."""
        if self._binding.query_id is not None:
            return
        with suppress(StorageError):  # the next run tries again; until then the path alone identifies the checkpoint
            query_id = checkpoint.read(folders.of(self._spark), self._binding.checkpoint).query_id
            self._binding = replace(self._binding, query_id=query_id)
            table.bind(self._spark, self._table_name, self._binding)

    def _write_records(self, files: DataFrame, batch_id: int, *, now: datetime) -> Counts | None:
        """Append the records of the files; return their counts, or None if the table already has this batch."""
        observation = Observation()
        parsed = files.mapInArrow(records_task(self._layout, now=now), from_arrow_schema(records_schema(self._layout)))
        # A set, because the parse may run twice: for the sort of a clustered write, or when Spark retries a task.
        # https://docs.databricks.com/aws/en/delta/clustering
        observed = parsed.observe(observation, F.collect_set(SUMMARY).alias("summaries"))
        marker = self._append(observed.where(F.col(SUMMARY).isNull()).drop(SUMMARY), batch_id, self._table_name)
        if history.rows_of(self._spark, self._table_name, marker) is None:
            return None
        return counts.total(observation.get["summaries"])

    def _write_entries(self, files: DataFrame, batch_id: int, *, now: datetime) -> Counts:
        """Append the quarantine entries of the files; return the counts of the entries that were written.

        The files may have more entries: files that an adopted quarantine table already has are left out, and Delta
        skips a batch that the table already has.
        """
        schema = from_arrow_schema(stamped_schema(quarantine.SCHEMA))
        name = quarantine_name(self._table_name)
        new = self._without_loaded(files, name)
        entries = new.mapInArrow(entries_task(self._layout, now=now), schema)
        if self.missing_files:
            entries = entries.union(self._missing_entries(now))
        self._append(entries, batch_id, name)
        self._passed = bool(self.missing_files)
        written = self._spark.table(quoted(name)).where(F.col("ingested_at") == F.lit(now))
        row = written.agg(F.count(F.lit(1)).alias("entries"), F.sum("lines").alias("lines")).first()
        return Counts() if row is None else Counts(entries=row.entries, lines=row.lines or 0)

    def _append(self, rows: DataFrame, batch_id: int, table_name: str) -> str:
        """Append rows once for this batch; return the mark that identifies the commit, if any, in the history."""
        marker = history.marker(stream_id=self._binding.stream_id, batch_id=batch_id)
        (
            rows.write.format("delta")
            .mode("append")
            .option("txnAppId", self._binding.stream_id)
            .option("txnVersion", batch_id)
            .option("userMetadata", marker)
            .saveAsTable(quoted(table_name))
        )
        return marker
