"""The parse as Spark runs it in its Python workers: rows of files in, rows of a table out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

import pyarrow as pa
from pyspark.accumulators import Accumulator

from vpc_flow_logs import quarantine
from vpc_flow_logs.counts import Counts
from vpc_flow_logs.layout import TIMESTAMP, Layout
from vpc_flow_logs.quarantine import Entry
from vpc_flow_logs.records import DeliveredFile, parse

Task = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]

_ENTRIES_OF_A_BATCH = 1000


def stamped_schema(schema: pa.Schema) -> pa.Schema:
    """What a task gives: the columns of ``schema``, and when they were read."""
    return schema.append(pa.field("ingested_at", TIMESTAMP))


def records_task(layout: Layout, counts: Accumulator[Counts], *, now: datetime) -> Task:
    """A task that gives the records of its files, as ``layout.schema`` with ``ingested_at`` = ``now``, and counts."""

    def task(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for part in _parse(batches, layout, counts):
            if isinstance(part, pa.RecordBatch):
                yield _stamped(part, now)

    return task


def entries_task(layout: Layout, counts: Accumulator[Counts], *, now: datetime) -> Task:
    """The same for the quarantine entries of the files, as ``quarantine.SCHEMA``."""

    def task(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        waiting: list[Entry] = []
        for part in _parse(batches, layout, counts):
            if isinstance(part, Entry):
                waiting.append(part)
            if len(waiting) >= _ENTRIES_OF_A_BATCH:
                yield _stamped(quarantine.to_batch(waiting), now)
                waiting = []
        if waiting:
            yield _stamped(quarantine.to_batch(waiting), now)

    return task


def _stamped(batch: pa.RecordBatch, now: datetime) -> pa.RecordBatch:
    """The batch with ``ingested_at``. Here, for a column that Spark adds copies every row once more."""
    times = pa.repeat(pa.scalar(now, TIMESTAMP), batch.num_rows)
    return pa.RecordBatch.from_arrays([*batch.columns, times], schema=stamped_schema(batch.schema))


def _parse(
    batches: Iterator[pa.RecordBatch], layout: Layout, counts: Accumulator[Counts]
) -> Iterator[pa.RecordBatch | Entry]:
    total: list[Counts] = [Counts()]
    records = entries = lines = 0
    for part in parse(_files(batches, total), layout):
        if isinstance(part, Entry):
            entries, lines = entries + 1, lines + part.lines
        else:
            records += part.num_rows
        yield part
    counts.add(total[0] + Counts(records=records, entries=entries, lines=lines))


def _files(batches: Iterator[pa.RecordBatch], total: list[Counts]) -> Iterator[DeliveredFile]:
    """The files of Arrow batches with the columns path, modificationTime and content."""
    for batch in batches:
        times = batch.column("modificationTime").cast(pa.int64())
        for path, time, content in zip(
            batch.column("path").to_pylist(), times.to_pylist(), batch.column("content"), strict=True
        ):
            buffer = content.as_buffer()
            total[0] += Counts(files=1, bytes=buffer.size, oldest=time / 1_000_000)
            yield DeliveredFile(path=path, content=buffer)
