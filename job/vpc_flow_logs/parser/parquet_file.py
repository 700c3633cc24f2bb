"""The parser of one Parquet file. The columns correspond to the header line, the rows to the records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
from pyarrow import parquet

from vpc_flow_logs.fields import canonical, is_known
from vpc_flow_logs.parser.layout import Column, Format, Layout, Place, format_of
from vpc_flow_logs.parser.line_by_line import cut
from vpc_flow_logs.parser.parquet_text import UNREADABLE, shown_value
from vpc_flow_logs.parser.parquet_values import TIME_FIELDS, converted, is_number_or_instant
from vpc_flow_logs.parser.quarantine import Entry, shown
from vpc_flow_logs.parser.record_batch import Values
from vpc_flow_logs.progress import counted

MAGIC = b"PAR1"
_ROWS_AT_ONCE = 32 * 1024
_MOST_NAMED = 10


def read(path: str, content: pa.Buffer, layout: Layout) -> Iterator[Values | Entry]:
    """Yield the records and quarantine entries of a Parquet file.

    A row with a value that does not fit is an entry. If the file cannot be read to its end, the rows before the damage
    are kept, and the rest is one entry. A file without a column for a flow log field is one entry, like text lines
    without a valid header line.
    """
    row = 1
    try:
        # With nanoseconds, Arrow's default, an INT96 value after the year 2262 would silently become another time.
        file = parquet.ParquetFile(pa.BufferReader(content), coerce_int96_timestamp_unit="us")
        columns = file.schema_arrow.names
        if not any(_is_field(name, layout) for name in columns):
            yield from _foreign(path, columns, rows=file.metadata.num_rows)
            return
        for batch in _batches(file):
            yield from _records(path, batch, layout, row)
            row += batch.num_rows
    except UNREADABLE as error:
        yield Entry(path, line_number=row, lines=1, line=None, reason=f"unreadable Parquet file: {_message(error)}")


def _is_field(name: str, layout: Layout) -> bool:
    """Return whether AWS documents the field or the table has a column for it. Headers may name newer fields."""
    return is_known(name) or canonical(name) in layout.by_field


def _foreign(path: str, columns: Sequence[str], *, rows: int) -> Iterator[Entry]:
    """Yield the entry of a file that is not a flow log; none if it has no rows."""
    if rows > 0:
        more = len(columns) - _MOST_NAMED
        named = ", ".join(map(cut, columns[:_MOST_NAMED])) + (f" and {more} more" if more > 0 else "")
        reason = f"Parquet without a flow log field: its columns are {named or 'none'}"
        yield Entry(path, line_number=1, lines=rows, line=shown(" ".join(columns).encode()), reason=reason)


def _batches(file: parquet.ParquetFile) -> Iterator[pa.RecordBatch]:
    """Yield the rows. Small row groups are read together, so that the cost does not depend on their number."""
    for groups in _small_together(file.metadata):
        together = _read_together(file, groups) if len(groups) > 1 else None
        if together is not None:
            yield from together
            continue
        for group in groups:  # one by one, so that damage in a row group does not lose the ones before it
            left = file.metadata.row_group(group).num_rows
            for batch in file.iter_batches(batch_size=_ROWS_AT_ONCE, row_groups=[group], use_threads=False):
                yield batch
                left -= batch.num_rows
            if left:  # Arrow mistakes some damage for the end of a row group
                raise pa.ArrowInvalid(f"row group {group + 1} ends {counted(left, 'row')} too early")


def _small_together(metadata: parquet.FileMetaData) -> Iterator[list[int]]:
    """Yield consecutive row groups with at most `_ROWS_AT_ONCE` rows in total. A larger row group is yielded alone."""
    groups: list[int] = []
    rows = 0
    for group in range(metadata.num_row_groups):
        more = metadata.row_group(group).num_rows
        if groups and rows + more > _ROWS_AT_ONCE:
            yield groups
            groups, rows = [], 0
        groups.append(group)
        rows += more
    if groups:
        yield groups


def _read_together(file: parquet.ParquetFile, groups: list[int]) -> list[pa.RecordBatch] | None:
    """Return the rows of small row groups, or None if one of them is damaged."""
    rows = sum(file.metadata.row_group(group).num_rows for group in groups)
    try:
        batches = list(file.iter_batches(batch_size=_ROWS_AT_ONCE, row_groups=groups, use_threads=False))
    except UNREADABLE:
        return None
    return batches if sum(batch.num_rows for batch in batches) == rows else None


def _message(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "") or type(error).__name__


def _records(path: str, batch: pa.RecordBatch, layout: Layout, first_row: int) -> Iterator[Values | Entry]:
    """Yield the rows of a batch: records for the rows with values that fit, an entry for each of the others."""
    if not batch.num_rows or not batch.num_columns:
        return
    format_ = format_of(batch.schema.names, layout)
    arrays: list[pa.Array] = []
    problems: dict[int, list[str]] = {}
    for array, place in zip(batch.columns, format_.places, strict=True):
        try:
            values, bad = converted(array, place)
        except UNREADABLE as error:
            if batch.num_rows > 1:
                yield from _halves(path, batch, layout, first_row)
                return
            values, bad = pa.nulls(1, pa.string()), {0: f"{place.field or place.key}: {_message(error)}"}
        arrays.append(values)
        for row, problem in bad.items():
            problems.setdefault(row, []).append(problem)
    for row, reasons in sorted(problems.items()):
        line = shown(" ".join(shown_value(array.slice(row, 1)) for array in batch.columns).encode())
        yield Entry(source_file=path, line_number=first_row + row, lines=1, line=line, reason="; ".join(reasons))
    if len(problems) < batch.num_rows:
        values = Values(format=format_, arrays=arrays, times=_times(batch.columns, format_))
        good_rows = pa.array([row for row in range(batch.num_rows) if row not in problems]) if problems else None
        yield values if good_rows is None else values.take(good_rows)


def _halves(path: str, batch: pa.RecordBatch, layout: Layout, first_row: int) -> Iterator[Values | Entry]:
    """Split a batch that holds an unreadable value in half until only the bad row is left."""
    half = batch.num_rows // 2
    yield from _records(path, batch.slice(0, half), layout, first_row)
    yield from _records(path, batch.slice(half), layout, first_row + half)


def _times(columns: Sequence[pa.Array], format_: Format) -> dict[str, pa.Array]:
    """Return `start` and `end` as epochs if the table has no column for them and their text does not show the epoch."""
    times = {}
    for field in TIME_FIELDS:
        position = format_.position(field)
        if position is None or format_.places[position].column is not None:
            continue
        if is_number_or_instant(columns[position].type):
            place = Place(field=field, column=Column(name=field, type="BIGINT"), key=field)
            times[field], _ = converted(columns[position], place)
    return times


def names(content: pa.Buffer) -> Sequence[str]:
    """Return the column names of a Parquet file.

    Raises:
        pa.ArrowException: The file cannot be read as Parquet.
        OSError: The file is truncated or damaged.
    """
    return list(parquet.read_schema(pa.BufferReader(content)).names)
