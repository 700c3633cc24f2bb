"""Convert Parquet values of any type to text."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa

# Arrow's errors, and Python's errors for values that it cannot represent, such as a date outside its range or an
# unknown time zone.
UNREADABLE = (pa.ArrowException, OSError, ValueError, ArithmeticError, LookupError, NotImplementedError)

_ALL = 2**30


def is_text(type_: pa.DataType) -> bool:
    """Return whether Arrow holds the values as text, or as bytes that should be text."""
    kinds = (
        *(pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view),
        *(pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view),
    )
    return any(is_kind(type_) for is_kind in kinds)


def shown_value(array: pa.Array) -> str:
    """Return a single value as it would appear in a text file."""
    array = without_wrapping(array)
    if is_text(array.type):
        array = array.cast(pa.binary())
    try:
        (text,) = texts(array)
    except UNREADABLE:
        return f"(unreadable {array.type})"
    return "-" if text is None else text


def without_wrapping(array: pa.Array) -> pa.Array:
    """Return the values without a dictionary, and text without an extension type such as JSON."""
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if isinstance(array, pa.ExtensionArray) and is_text(array.type.storage_type):
        array = array.storage
    return array


def texts(array: pa.Array) -> list[str | None]:
    """Return each value as plain text. Python converts it, or Arrow if Python cannot represent the value."""
    if array.type == pa.time64("ns"):  # Python drops the nanoseconds
        return list(array.cast(pa.string()).to_pylist())
    try:
        return [_as_text(value) for value in array.to_pylist()]
    except UNREADABLE:
        return [_one_text(array.slice(row, 1)) for row in range(len(array))]


def _one_text(array: pa.Array) -> str | None:
    try:
        return _as_text(array[0].as_py())
    except UNREADABLE:
        if pa.types.is_timestamp(array.type):
            zone = "" if array.type.tz is None else "+00:00"
            return str(array.cast(pa.timestamp(array.type.unit)).cast(pa.string())[0].as_py()) + zone
        if pa.types.is_date(array.type) or pa.types.is_time(array.type):
            return str(array.cast(pa.string())[0].as_py())
        if pa.types.is_duration(array.type):
            return f"{array.cast(pa.int64())[0].as_py()} {array.type.unit}"
        whole = array.to_string(window=_ALL, skip_new_lines=True)
        return str(whole[1:-1])


def _as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return json.dumps(value, default=str) if isinstance(value, (bool, int, float, list, dict)) else str(value)
