"""The time of a record: its ``start``, else its ``end``, else the time in the name of its file."""

from __future__ import annotations

import re
from datetime import datetime, timezone

import pyarrow as pa
import pyarrow.compute as pc

from vpc_flow_logs.parser.layout import TIMESTAMP

# Epochs from this value on are milliseconds: as seconds they would be after the year 5138.
FIRST_MILLISECONDS = 10**11
_YEAR_1 = -62_135_596_800
_YEAR_10000_MILLISECONDS = 253_402_300_800_000
_INTEGER = re.compile(r"(-?)0*([0-9]*)")
_MOST_DIGITS = 18
_NAME_TIME = re.compile(r"_(\d{8}T\d{4})Z_[^/]*$")


def name_time(path: str) -> int | None:
    """Return the time in the name of a delivered file, in microseconds since 1970; None if there is none.

    >>> name_time("s3://b/AWSLogs/123456789012_vpcflowlogs_us-east-1_fl-1234abcd_20180620T1620Z_fe123456.log.gz")
    1529511600000000
    """
    match = _NAME_TIME.search(path)
    if match is None:
        return None
    try:
        when = datetime.strptime(match[1], "%Y%m%dT%H%M").replace(tzinfo=timezone.utc)
    except ValueError:
        return None
    return int(when.timestamp()) * 1_000_000


def microseconds(epoch: int) -> int | None:
    """Convert an epoch in seconds or milliseconds to microseconds; None outside the years 1 to 9999."""
    if not _YEAR_1 <= epoch < _YEAR_10000_MILLISECONDS:
        return None
    return epoch * 1000 if epoch >= FIRST_MILLISECONDS else epoch * 1_000_000


def time_of(text: str | None) -> tuple[bool, int | None]:
    """Return whether a delivered value is a time, and the time in microseconds; None outside the years 1 to 9999."""
    match = _INTEGER.fullmatch(text) if text and text != "-" else None
    if match is None:
        return False, None
    sign, digits = match.groups()
    return True, microseconds(int(sign + (digits or "0"))) if len(digits) <= _MOST_DIGITS else None


def of_columns(start: pa.Array | None, end: pa.Array | None, named: pa.Array) -> pa.Array:
    """Return the `event_time` of each record.

    Args:
        start: The values of the field: BIGINT if it has a column, else text; None if it is not delivered.
        end: The values of the field, like ``start``.
        named: The time in the file name for each record, as INT64 microseconds.
    """
    times = named
    for values in (end, start):
        if values is None or values.null_count == len(values):
            continue
        epochs, present = _integers(values)
        times = epochs if present is None else pc.if_else(present, epochs, times)
    return times.cast(TIMESTAMP)


def _integers(values: pa.Array) -> tuple[pa.Array, pa.Array | None]:
    """Return the microseconds of each value, and a mask of the values that are times; None instead if all are."""
    if pa.types.is_string(values.type):
        return _integers_of_text(values)
    present = values.is_valid() if values.null_count else None
    bounds = pc.min_max(values)
    if bounds["min"].as_py() >= _YEAR_1 and bounds["max"].as_py() < FIRST_MILLISECONDS:
        return pc.multiply(values, 1_000_000), present
    seconds = pc.if_else(pc.less(values, FIRST_MILLISECONDS), 1_000_000, 1000)
    inside = pc.and_(pc.greater_equal(values, _YEAR_1), pc.less(values, _YEAR_10000_MILLISECONDS))
    return pc.multiply(pc.if_else(inside, values, None), seconds), present


def _integers_of_text(values: pa.Array) -> tuple[pa.Array, pa.Array]:
    # A block has few distinct values, because an interval has 60 or 600 seconds. Parse each value once.
    coded = values.dictionary_encode()
    times = [time_of(text) for text in coded.dictionary.to_pylist()]
    present = pa.array([is_time for is_time, _ in times], pa.bool_()).take(coded.indices).fill_null(False)
    return pa.array([time for _, time in times], pa.int64()).take(coded.indices), present
