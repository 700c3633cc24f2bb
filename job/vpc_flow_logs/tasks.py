"""The tasks that Spark runs in its Python workers: they turn rows of files into rows of a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa

from vpc_flow_logs.counts import Counts, summary
from vpc_flow_logs.parser import quarantine
from vpc_flow_logs.parser.layout import TIMESTAMP, Layout
from vpc_flow_logs.parser.quarantine import Entry
from vpc_flow_logs.parser.records import DeliveredFile, parse

Task = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]

SUMMARY = "_summary"
"""Internal column of `records_task`: NULL in every record. The last row of a task has only its counts, in JSON."""

_ENTRIES_OF_A_BATCH = 1000


def stamped_schema(schema: pa.Schema) -> pa.Schema:
    """Return ``schema`` with ``ingested_at``."""
    return schema.append(pa.field("ingested_at", TIMESTAMP))


def records_schema(layout: Layout) -> pa.Schema:
    """Return the schema of `records_task`: the table's columns, and ``_summary``."""
    return stamped_schema(layout.schema).append(pa.field(SUMMARY, pa.string()))


def records_task(layout: Layout, *, now: datetime) -> Task:
    """Return a task that yields the records of its files and a last row with its counts.

    Args:
        layout: The layout of the records.
        now: The value of ``ingested_at``.
    """
    schema = records_schema(layout)

    def task(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        read = _Progress()
        for part in parse(_files(batches, read), layout):
            if isinstance(part, Entry):
                read.add(Counts(entries=1, lines=part.lines))
                continue
            read.add(Counts(records=part.num_rows))
            columns = [*_stamped(part, now).columns, pa.nulls(part.num_rows, pa.string())]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)
        if read.first_file is not None:
            nulls = [pa.nulls(1, column.type) for column in schema][:-1]
            counts = pa.array([summary(read.first_file, read.counts)], pa.string())
            yield pa.RecordBatch.from_arrays([*nulls, counts], schema=schema)

    return task


def entries_task(layout: Layout, *, now: datetime) -> Task:
    """Return a task that yields the quarantine entries of its files, in ``quarantine.SCHEMA`` with ``ingested_at``.

    Args:
        layout: The layout of the records.
        now: The value of ``ingested_at``.
    """

    def task(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        waiting: list[Entry] = []
        for part in parse(_files(batches, _Progress()), layout):
            if isinstance(part, Entry):
                waiting.append(part)
            if len(waiting) >= _ENTRIES_OF_A_BATCH:
                yield _stamped(quarantine.to_batch(waiting), now)
                waiting = []
        if waiting:
            yield _stamped(quarantine.to_batch(waiting), now)

    return task


def _stamped(batch: pa.RecordBatch, now: datetime) -> pa.RecordBatch:
    """Return the batch with ``ingested_at``. Adding the column in Spark would copy every row again."""
    times = pa.repeat(pa.scalar(now, TIMESTAMP), batch.num_rows)
    return pa.RecordBatch.from_arrays([*batch.columns, times], schema=stamped_schema(batch.schema))


@dataclass
class _Progress:
    """The counts of the files that a task has read so far, and the path of the first one."""

    first_file: str | None = None
    counts: Counts = field(default_factory=Counts)

    def add(self, counts: Counts) -> None:
        self.counts += counts


def _files(batches: Iterator[pa.RecordBatch], read: _Progress) -> Iterator[DeliveredFile]:
    """Yield the files of Arrow batches with the columns path, modificationTime and content."""
    for batch in batches:
        times = batch.column("modificationTime").cast(pa.int64())
        for path, time, content in zip(
            batch.column("path").to_pylist(), times.to_pylist(), batch.column("content"), strict=True
        ):
            buffer = content.as_buffer()
            read.first_file = read.first_file or path
            read.add(Counts(files=1, bytes=buffer.size, oldest=time / 1_000_000))
            yield DeliveredFile(path=path, content=buffer)
