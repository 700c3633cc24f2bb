"""The entry point of the parser: bytes of flow log files in, Arrow batches of records out.

Each file is read by its own header, not by a schema. This module does not use Spark.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import pyarrow as pa

from vpc_flow_logs.parser import parquet_file
from vpc_flow_logs.parser.decompress import text_blocks
from vpc_flow_logs.parser.event_time import name_time
from vpc_flow_logs.parser.layout import Layout
from vpc_flow_logs.parser.quarantine import Entry
from vpc_flow_logs.parser.record_batch import Source, Values, to_batch
from vpc_flow_logs.parser.small_files import Bundle, SmallFile, parsed_together
from vpc_flow_logs.parser.text_file import TextFile

BLOCK_BYTES = 2 * 1024 * 1024
"""Size of the text blocks that are decompressed and parsed at a time."""

BATCH_ROWS = 32 * 1024
"""Number of rows at which a batch of records is complete. Batches are filled across files."""


@dataclass(frozen=True)
class DeliveredFile:
    """A delivered file: its path and its bytes."""

    path: str
    content: pa.Buffer


def parse(files: Iterable[DeliveredFile], layout: Layout) -> Iterator[pa.RecordBatch | Entry]:
    """Yield the records of the files in batches of ``layout.schema``, and entries for all other lines.

    Every line that is neither blank nor a header line is either a row of a batch or covered by one entry. The contents
    of a file never raise an exception.
    """
    batches = _Batches()
    for part in _parts(files, layout):
        if isinstance(part, Entry):
            yield part
        else:
            yield from batches.add(to_batch(part[0], layout, part[1]))
    yield from batches.flush()


Part = Entry | tuple[Values, list[Source]]


def _parts(files: Iterable[DeliveredFile], layout: Layout) -> Iterator[Part]:
    bundle = Bundle(layout)
    for file in files:
        small = bundle.small_file(file.path, file.content)
        if small is None:
            yield from _file(file, layout)
            continue
        if not bundle.has_room_for(small):
            yield from _bundled(bundle, layout)
        bundle.add(small)
    yield from _bundled(bundle, layout)


def _bundled(bundle: Bundle, layout: Layout) -> Iterator[Part]:
    for part in parsed_together(bundle.take()):
        if isinstance(part, SmallFile):
            yield from _file(DeliveredFile(path=part.path, content=part.content), layout)
        else:
            yield part


def _file(file: DeliveredFile, layout: Layout) -> Iterator[Part]:
    named = name_time(file.path)
    for part in _contents(file, layout):
        yield part if isinstance(part, Entry) else (part, [Source(file.path, named, part.rows)])


def _contents(file: DeliveredFile, layout: Layout) -> Iterator[Values | Entry]:
    content = memoryview(file.content).cast("B")
    if content[: len(parquet_file.MAGIC)] == parquet_file.MAGIC:
        return parquet_file.read(file.path, file.content, layout)
    return TextFile(file.path, layout).read(text_blocks(content, size=BLOCK_BYTES))


@dataclass
class _Batches:
    """Collects small batches until they have `BATCH_ROWS` rows."""

    waiting: list[pa.RecordBatch] = field(default_factory=list)
    rows: int = 0

    def add(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        self.waiting.append(batch)
        self.rows += batch.num_rows
        if self.rows >= BATCH_ROWS:
            yield from self.flush()

    def flush(self) -> Iterator[pa.RecordBatch]:
        if len(self.waiting) == 1:
            yield self.waiting[0]
        elif self.waiting:
            yield from pa.Table.from_batches(self.waiting).combine_chunks().to_batches()
        self.waiting, self.rows = [], 0
