"""Convert Parquet values of any type to the types of the table.

A value is converted if the result is the same number, or in `start` and `end` the same time. Otherwise it is a problem
of its row. AWS writes INT32, INT64 and text; other types come from tools that re-encode files.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from vpc_flow_logs.parser.event_time import FIRST_MILLISECONDS
from vpc_flow_logs.parser.layout import Place
from vpc_flow_logs.parser.line_by_line import cut, integer
from vpc_flow_logs.parser.parquet_text import is_text, shown_value, texts, without_wrapping

TIME_FIELDS = ("start", "end")

Converted = tuple[pa.Array, dict[int, str]]
"""The converted values, with null for values that do not fit, and the reasons by row."""

_LIMITS = {"INT": 2**31, "BIGINT": 2**63}
_UNITS_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def converted(array: pa.Array, place: Place) -> Converted:
    """Convert the values of a column to the type of their place.

    Raises:
        Exception: A value cannot be represented, such as invalid UTF-8. The exception is one of `UNREADABLE`.
    """
    array = without_wrapping(array)
    if place.is_integer:
        return _numbers(array, place)
    if is_text(array.type) or (place.column is not None and pa.types.is_fixed_size_binary(array.type)):
        return _text(array), {}
    if pa.types.is_integer(array.type):
        return array.cast(pa.string()), {}
    if place.column is None:
        return pa.array(texts(array), pa.string()), {}
    return _scalars_as_text(array, place)


def is_number_or_instant(type_: pa.DataType) -> bool:
    """Return whether values of a type that is neither integer nor text can be an epoch."""
    return any(is_kind(type_) for is_kind in (pa.types.is_floating, pa.types.is_decimal, pa.types.is_timestamp))


def _text(array: pa.Array) -> pa.Array:
    text = array.cast(pa.string())
    text.validate(full=True)  # Arrow does not check that text in a Parquet file is UTF-8
    # A null array instead of a null scalar, because pyarrow 19 handles a scalar with a slice incorrectly.
    return pc.if_else(pc.equal(text, "-"), pa.nulls(len(text), pa.string()), text)


# Integer columns


def _numbers(array: pa.Array, place: Place) -> Converted:
    assert place.column is not None
    type_ = array.type
    if pa.types.is_integer(type_):
        return _of_integers(array, place)
    if is_text(type_) or pa.types.is_fixed_size_binary(type_):
        return _spelled(_text(array), place)
    if pa.types.is_floating(type_):
        return _of_floats(array, place)
    if pa.types.is_decimal(type_):
        return _of_decimals(array, place)
    if pa.types.is_timestamp(type_) and place.field in TIME_FIELDS:
        return _of_timestamps(array, place)
    return _rejected(array, place, "is not an integer")


def _of_integers(array: pa.Array, place: Place) -> Converted:
    try:
        return array.cast(_type(place)), {}
    except pa.ArrowInvalid:
        return _one_by_one(array, place, lambda value: integer(str(value).encode(), place))


def _spelled(text: pa.Array, place: Place) -> Converted:
    """Convert text to integers. Each distinct text is parsed once."""
    coded = text.dictionary_encode()
    results = [integer(value.encode(), place) for value in coded.dictionary.to_pylist()]
    numbers = pa.array([number for number, _ in results], _type(place)).take(coded.indices)
    reasons = {code: problem for code, (_, problem) in enumerate(results) if problem}
    if not reasons:
        return numbers, {}
    return numbers, {row: reasons[code] for row, code in enumerate(coded.indices.to_pylist()) if code in reasons}


def _of_floats(array: pa.Array, place: Place) -> Converted:
    assert place.column is not None
    # Arrow's cast converts 2^63 to the largest BIGINT.
    values = np.asarray(array.to_numpy(zero_copy_only=False), np.float64)
    valid = np.asarray(array.is_valid().to_numpy(zero_copy_only=False))
    limit = float(_LIMITS[place.column.type])
    fits = np.isfinite(values) & (np.trunc(values) == values) & (values >= -limit) & (values < limit)
    numbers = pa.array(np.where(fits, values, 0).astype(np.int64), mask=~(valid & fits)).cast(_type(place))
    rows = np.flatnonzero(valid & ~fits).tolist()
    return numbers, {row: _misfit(float(values[row]), place) for row in rows}


def _of_decimals(array: pa.Array, place: Place) -> Converted:
    try:
        return array.cast(_type(place)), {}
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return _one_by_one(
            array,
            place,
            lambda value: integer(str(int(value)).encode(), place) if value == int(value) else _not(value, place),
        )


def _of_timestamps(array: pa.Array, place: Place) -> Converted:
    """Convert timestamps to whole seconds since 1970. A timestamp without a time zone is in UTC, as in flow logs."""
    values = array.cast(pa.int64()).fill_null(0).to_numpy()
    valid = np.asarray(array.is_valid().to_numpy(zero_copy_only=False))
    per_second = _UNITS_PER_SECOND[array.type.unit]
    seconds = values // per_second
    fits = (seconds * per_second == values) & (seconds < FIRST_MILLISECONDS)
    numbers = pa.array(seconds, mask=~(valid & fits)).cast(_type(place))
    reason = f"is not a whole second before the epoch {FIRST_MILLISECONDS:,}"
    return numbers, _reasons(array, place, np.flatnonzero(valid & ~fits).tolist(), reason)


def _one_by_one(array: pa.Array, place: Place, number_of: Callable[[Any], tuple[int | None, str | None]]) -> Converted:
    results = [(None, None) if value is None else number_of(value) for value in array.to_pylist()]
    numbers = pa.array([number for number, _ in results], _type(place))
    return numbers, {row: problem for row, (_, problem) in enumerate(results) if problem}


def _misfit(value: float, place: Place) -> str:
    assert place.column is not None
    if math.isfinite(value) and value == math.trunc(value):
        return f"{place.field}: {value!r} does not fit {place.column.type}"
    return f"{place.field}: '{value!r}' is not an integer"


def _not(value: Any, place: Place) -> tuple[None, str]:
    return None, f"{place.field}: '{value}' is not an integer"


# Text columns


def _scalars_as_text(array: pa.Array, place: Place) -> Converted:
    """Convert numbers, times and other single values to text. Whole numbers are written without a fraction."""
    if pa.types.is_nested(array.type):
        return _rejected(array, place, "is not a single value")
    if pa.types.is_decimal(array.type):
        plain = [_decimal_text(value) for value in array.to_pylist()]
        return pa.array(plain, pa.string()), {}
    if not pa.types.is_floating(array.type):
        return pa.array(texts(array), pa.string()), {}
    values = array.to_pylist()
    rows = [row for row, value in enumerate(values) if value is not None and not math.isfinite(value)]
    plain = [
        None if value is None or not math.isfinite(value) else str(int(value) if _is_plain(value) else value)
        for value in values
    ]
    return pa.array(plain, pa.string()), _reasons(array, place, rows, "is not a number")


def _decimal_text(value: Decimal | None) -> str | None:
    if value is None:
        return None
    return str(int(value)) if value == int(value) else f"{value:f}"


def _is_plain(value: float) -> bool:
    return value.is_integer() and abs(value) < _LIMITS["BIGINT"]


# Problems


def _rejected(array: pa.Array, place: Place, reason: str) -> Converted:
    """Reject all values of a column."""
    rows = np.flatnonzero(array.is_valid().to_numpy(zero_copy_only=False)).tolist()
    assert place.column is not None
    return pa.nulls(len(array), place.column.arrow_type), _reasons(array, place, rows, reason)


def _reasons(array: pa.Array, place: Place, rows: Sequence[int], reason: str) -> dict[int, str]:
    return {row: f"{place.field}: '{cut(shown_value(array.slice(row, 1)))}' {reason}" for row in rows}


def _type(place: Place) -> pa.DataType:
    assert place.column is not None
    return place.column.arrow_type
