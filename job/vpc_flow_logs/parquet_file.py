"""One Parquet file: its columns are the header, its rows the records."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from vpc_flow_logs.assemble import Values
from vpc_flow_logs.careful import integer
from vpc_flow_logs.layout import Format, Layout, Place, format_of
from vpc_flow_logs.quarantine import Entry, shown

MAGIC = b"PAR1"
_ROWS_AT_ONCE = 32 * 1024

# Arrow's own errors, and those of Python where it cannot tell a value: a date outside its years, an unknown time zone.
_UNREADABLE = (pa.ArrowException, OSError, ValueError, ArithmeticError, LookupError, NotImplementedError)


def read(path: str, content: pa.Buffer, layout: Layout) -> Iterator[Values | Entry]:
    """Yield the records and quarantine entries of a Parquet file, row group by row group.

    A row that does not fit is an entry. What cannot be read ends the file: the rows before are kept, the rest is
    one entry.
    """
    row = 1
    try:
        file = parquet.ParquetFile(pa.BufferReader(content))
        for group in range(file.num_row_groups):  # asked for together, damage in one would cost those before it
            end = row + file.metadata.row_group(group).num_rows
            for batch in file.iter_batches(batch_size=_ROWS_AT_ONCE, row_groups=[group], use_threads=False):
                yield from _records(path, batch, layout, row)
                row += batch.num_rows
            if row != end:  # Arrow takes some damage for the end of a row group
                raise pa.ArrowInvalid(f"row group {group + 1} ends {end - row} rows too early")
    except _UNREADABLE as error:
        reason = f"Parquet that cannot be read: {str(error).splitlines()[0] if str(error) else type(error).__name__}"
        yield Entry(source_file=path, line_number=row, lines=1, line=None, reason=reason)


def _records(path: str, batch: pa.RecordBatch, layout: Layout, first_row: int) -> Iterator[Values | Entry]:
    """The rows of a batch; where some do not fit it is halved until they stand alone."""
    if not batch.num_rows or not batch.num_columns:
        return
    format_ = _format(batch.schema, layout)
    arrays, problems = [], []
    for array, place in zip(batch.columns, format_.places, strict=True):
        try:
            arrays.append(_column(array, place))
        except _UNREADABLE as error:
            problems.append(_problem(error, place))
    if not problems:
        yield Values(format=format_, arrays=arrays)
    elif batch.num_rows > 1:
        half = batch.num_rows // 2
        yield from _records(path, batch.slice(0, half), layout, first_row)
        yield from _records(path, batch.slice(half), layout, first_row + half)
    else:
        line = shown(" ".join(map(_shown, batch.columns)).encode())
        yield Entry(source_file=path, line_number=first_row, lines=1, line=line, reason="; ".join(problems))


def _format(schema: pa.Schema, layout: Layout) -> Format:
    """The places of the columns; one that is neither text nor integer has none of the table's."""
    places = format_of(schema.names, layout).places
    return Format(
        places=tuple(
            place if _is_plain(type_) else Place(field="", column=None, key=place.key)
            for place, type_ in zip(places, schema.types, strict=True)
        )
    )


def _is_text(type_: pa.DataType) -> bool:
    if pa.types.is_dictionary(type_):
        return _is_text(type_.value_type)
    kinds = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)
    return any(is_kind(type_) for is_kind in kinds)


def _is_plain(type_: pa.DataType) -> bool:
    return _is_text(type_) or bool(pa.types.is_integer(type_))


def _column(array: pa.Array, place: Place) -> pa.Array:
    """The values as the place wants them. Raises pa.ArrowInvalid when one does not fit."""
    target = place.column.arrow_type if place.column else pa.string()
    if pa.types.is_integer(array.type):
        return array.cast(target)
    if not _is_text(array.type):
        return pa.array([_as_text(value) for value in array.to_pylist()], pa.string())
    text = array.cast(pa.string())
    text.validate(full=True)  # Arrow believes a Parquet file that its text is UTF-8
    text = pc.if_else(pc.equal(text, "-"), None, text)
    if pa.types.is_string(target):
        return text
    coded = text.dictionary_encode()
    numbers = [_number(value.encode(), place) for value in coded.dictionary.to_pylist()]
    return pa.array(numbers, target).take(coded.indices)


def _number(token: bytes, place: Place) -> int | None:
    number, problem = integer(token, place)
    if problem:
        raise pa.ArrowInvalid(problem)
    return number


def _as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return json.dumps(value, default=str) if isinstance(value, (bool, int, float, list, dict)) else str(value)


def _problem(error: Exception, place: Place) -> str:
    said = str(error).splitlines()[0]
    return said if said.startswith(f"{place.field}: ") else f"{place.field or place.key}: {said}"


def _shown(array: pa.Array) -> str:
    """One value as it would stand in a text file."""
    if _is_text(array.type):
        array = array.cast(pa.binary())
    try:
        text = _as_text(array[0].as_py())
    except _UNREADABLE:
        return f"({array.type} that cannot be shown)"
    return "-" if text is None else text


def names(content: pa.Buffer) -> Sequence[str]:
    """The column names of a Parquet file. Raises pa.ArrowInvalid when it cannot be read."""
    return list(parquet.read_schema(pa.BufferReader(content)).names)
