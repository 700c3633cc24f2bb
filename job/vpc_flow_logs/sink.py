"""The end of the stream: each micro-batch into both tables, exactly once."""

from __future__ import annotations

import time
from concurrent.futures import Future
from datetime import datetime, timezone

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema

from vpc_flow_logs import progress, quarantine
from vpc_flow_logs.counts import Counts, CountsParam
from vpc_flow_logs.layout import Layout
from vpc_flow_logs.table import quarantine_name, quoted
from vpc_flow_logs.tasks import Task, entries_task, records_task, stamped_schema

_ID_SECONDS = 60


class Sink:
    """Writes micro-batches to the tables ``table_name`` and its quarantine, and adds up what they held.

    A batch that is run again changes nothing: Delta knows it by the streaming query's own id, which lives in the
    checkpoint, and the batch's number. ``query_id`` is to be set once the query is started.
    """

    def __init__(self, spark: SparkSession, *, table_name: str, layout: Layout) -> None:
        self.query_id: Future[str] = Future()
        self.total = Counts()
        self.batches = 0
        self._table_name = table_name
        self._layout = layout
        self._counts = spark.sparkContext.accumulator(Counts(), CountsParam())

    def write(self, batch: DataFrame, batch_id: int) -> None:
        """Write one micro-batch of files (path, modificationTime, length, content)."""
        started = time.monotonic()
        now = datetime.now(timezone.utc)
        task = records_task(self._layout, self._counts, now=now)
        counts = self._append(batch, batch_id, task, self._layout.schema)
        if not counts.files and batch.select("path").isEmpty():
            return  # a stream that finds nothing begins with a batch of nothing
        # No files counted: Delta had this batch already, and what it held for the quarantine is not known.
        if counts.entries or not counts.files:
            task = entries_task(self._layout, self._counts, now=now)
            seen = self._append(batch, batch_id, task, quarantine.SCHEMA)
            counts = counts if counts.files else seen
        self.total += counts
        self.batches += 1 if counts.files else 0  # a batch that was there already is none of this run's
        progress.say(progress.batch_line(batch_id, counts, seconds=time.monotonic() - started, now=time.time()))

    def _append(self, batch: DataFrame, batch_id: int, task: Task, schema: pa.Schema) -> Counts:
        """Parse the batch and append what ``task`` gives; returns what was counted, nothing if it was there before."""
        name = self._table_name if schema is not quarantine.SCHEMA else quarantine_name(self._table_name)
        self._counts.value = Counts()
        files = batch.select("path", "modificationTime", "content")
        rows = files.mapInArrow(task, from_arrow_schema(stamped_schema(schema)))
        (
            rows.write.format("delta")
            .mode("append")
            .option("txnAppId", self.query_id.result(_ID_SECONDS))
            .option("txnVersion", batch_id)
            .saveAsTable(quoted(name))
        )
        return self._counts.value
