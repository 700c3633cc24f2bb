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
    """The rows of a batch: those that fit as records, an entry for each of the others."""
    if not batch.num_rows or not batch.num_columns:
        return
    format_ = _format(batch.schema, layout)
    arrays: list[pa.Array] = []
    problems: dict[int, list[str]] = {}
    for array, place in zip(batch.columns, format_.places, strict=True):
        try:
            values, bad = _column(array, place)
        except _UNREADABLE as error:
            if batch.num_rows > 1:
                yield from _halves(path, batch, layout, first_row)
                return
            values, bad = pa.nulls(1, pa.string()), {0: f"{place.field or place.key}: {str(error).splitlines()[0]}"}
        arrays.append(values)
        for row, problem in bad.items():
            problems.setdefault(row, []).append(problem)
    for row, found in sorted(problems.items()):
        line = shown(" ".join(_shown(array.slice(row, 1)) for array in batch.columns).encode())
        yield Entry(source_file=path, line_number=first_row + row, lines=1, line=line, reason="; ".join(found))
    if len(problems) < batch.num_rows:
        kept = pa.array([row for row in range(batch.num_rows) if row not in problems]) if problems else None
        yield Values(format=format_, arrays=arrays if kept is None else [array.take(kept) for array in arrays])


def _halves(path: str, batch: pa.RecordBatch, layout: Layout, first_row: int) -> Iterator[Values | Entry]:
    """A batch with a value that does not let itself be told: halved until the value's row stands alone."""
    half = batch.num_rows // 2
    yield from _records(path, batch.slice(0, half), layout, first_row)
    yield from _records(path, batch.slice(half), layout, first_row + half)


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


def _column(array: pa.Array, place: Place) -> tuple[pa.Array, dict[int, str]]:
    """The values as the place wants them, null where one does not fit, and why those rows do not.

    Raises one of `_UNREADABLE` when some value cannot be told at all.
    """
    target = place.column.arrow_type if place.column else pa.string()
    if pa.types.is_integer(array.type):
        return _integers(array, place, target)
    if not _is_text(array.type):
        return pa.array([_as_text(value) for value in array.to_pylist()], pa.string()), {}
    text = array.cast(pa.string())
    text.validate(full=True)  # Arrow believes a Parquet file that its text is UTF-8
    # With a null array, not a null: pyarrow 19 gets a null and a slice wrong.
    text = pc.if_else(pc.equal(text, "-"), pa.nulls(len(text), pa.string()), text)
    return (text, {}) if pa.types.is_string(target) else _spelled(text, place, target)


def _integers(array: pa.Array, place: Place, target: pa.DataType) -> tuple[pa.Array, dict[int, str]]:
    try:
        return array.cast(target), {}
    except pa.ArrowInvalid:
        told = [None if value is None else integer(str(value).encode(), place) for value in array.to_pylist()]
        numbers = pa.array([one and one[0] for one in told], target)
        return numbers, {row: one[1] for row, one in enumerate(told) if one and one[1]}


def _spelled(text: pa.Array, place: Place, target: pa.DataType) -> tuple[pa.Array, dict[int, str]]:
    """Integers from text; each different text is read once."""
    coded = text.dictionary_encode()
    told = [integer(value.encode(), place) for value in coded.dictionary.to_pylist()]
    numbers = pa.array([number for number, _ in told], target).take(coded.indices)
    reasons = {code: problem for code, (_, problem) in enumerate(told) if problem}
    if not reasons:
        return numbers, {}
    return numbers, {row: reasons[code] for row, code in enumerate(coded.indices.to_pylist()) if code in reasons}


def _as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return json.dumps(value, default=str) if isinstance(value, (bool, int, float, list, dict)) else str(value)


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
