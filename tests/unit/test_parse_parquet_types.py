"""Parquet files with types that AWS does not write, as tools that re-encode files create them."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any
from unittest import mock

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.parsing import filled, fuzz, only_entry, only_row, parquet_file, parsed, places
from vpc_flow_logs.parser import parquet_values

pytestmark = pytest.mark.lts

THREE = ("version", "srcaddr", "dstport")
NUMBERS = ("srcport", "bytes")
UTC = timezone.utc


def parquet_or_skip(table: dict[str, Any], **options: Any) -> bytes:
    """Return a Parquet file; skip the test if pyarrow cannot write its types (19: views, small decimals)."""
    try:
        return parquet_file(table, **options)
    except pa.ArrowNotImplementedError as error:
        pytest.skip(str(error))


# Numbers in integer columns

SAME_NUMBER = {
    "double": pa.array([25238.0]),
    "float": pa.array([25238.0], pa.float32()),
    "half float": pa.array([np.float16(25232.0)]),
    "decimal": pa.array([Decimal("443.00")]),
    "small decimal": pa.array([Decimal("443.00")], pa.decimal32(9, 2)),
    "wide decimal": pa.array([Decimal("443.00")], pa.decimal256(60, 20)),
    "negative zero": pa.array([-0.0]),
    "text": pa.array(["0443"]),
    "bytes": pa.array([b"443"]),
    "fixed bytes": pa.array([b"443"], pa.binary(3)),
    "view": pa.array(["443"], pa.string_view()),
    "unsigned": pa.array([443], pa.uint64()),
}


@pytest.mark.parametrize("kept", [True, False], ids=["with Arrow schema", "without Arrow schema"])
@pytest.mark.parametrize("kind", SAME_NUMBER)
def test_an_integer_of_another_type_fills_an_integer_column(kind: str, kept: bool) -> None:
    array = SAME_NUMBER[kind]
    number = int(array[0].as_py())
    data = parquet_or_skip({"srcport": array, "bytes": array}, store_schema=kept)
    assert only_row(data, NUMBERS) == {"srcport": number, "bytes": number}


OTHER_NUMBER = {
    "fraction": (pa.array([25238.5]), "25238.5"),
    "not a number": (pa.array([float("nan")]), "NaN"),
    "infinity": (pa.array([float("inf")]), "Infinity"),
    "negative infinity": (pa.array([float("-inf")], pa.float32()), "-Infinity"),
    "too large a double": (pa.array([2.0**63]), "9.223372036854776e+18"),
    "too large a float": (pa.array([1e30], pa.float32()), "1.0000000150474662e+30"),
    "decimal fraction": (pa.array([Decimal("443.01")]), "443.01"),
    "too large a decimal": (pa.array([Decimal(2**63)], pa.decimal128(38, 2)), "9223372036854775808.00"),
    "decimal as text": (pa.array(["25238.0"]), "25238.0"),
    "fixed bytes with padding": (pa.array([b"443\0"], pa.binary(4)), "443\0"),
    "boolean": (pa.array([True]), "true"),
    "date": (pa.array([date(2026, 3, 4)]), "2026-03-04"),
    "time": (pa.array([time(1, 2, 3)]), "01:02:03"),
    "timestamp": (pa.array([datetime(2026, 3, 4)], pa.timestamp("us")), "2026-03-04 00:00:00"),
    "list": (pa.array([[443]]), "[443]"),
    "struct": (pa.array([{"a": 443}]), '{"a": 443}'),
    "map": (pa.array([[("k", 443)]], pa.map_(pa.string(), pa.int32())), '[["k", 443]]'),
}


@pytest.mark.parametrize("kept", [True, False], ids=["with Arrow schema", "without Arrow schema"])
@pytest.mark.parametrize("field", NUMBERS)
@pytest.mark.parametrize("kind", OTHER_NUMBER)
def test_a_value_that_is_not_an_exact_integer_is_an_entry(kind: str, field: str, kept: bool) -> None:
    array, shown = OTHER_NUMBER[kind]
    values = pa.concat_arrays([array, pa.nulls(1, array.type)])
    rows, entries = parsed(
        parquet_file({field: values, "srcaddr": ["a", "b"]}, store_schema=kept), (*NUMBERS, "srcaddr")
    )
    assert [filled(row) for row in rows] == [{"srcaddr": "b"}]
    assert [(entry.line_number, entry.lines, entry.line) for entry in entries] == [(1, 1, f"{shown} a")]
    assert entries[0].reason.startswith(f"{field}: ")


def test_a_double_above_2_to_53_fills_bigint_with_its_exact_value() -> None:
    values = [2.0**53, 2.0**53 + 2, float(2**63 - 1024), -(2.0**63)]
    rows, entries = parsed(parquet_file({"bytes": values}), NUMBERS)
    assert entries == []
    assert [row["bytes"] for row in rows] == [2**53, 2**53 + 2, 2**63 - 1024, -(2**63)]


def test_the_limits_of_an_int_column_apply_to_doubles() -> None:
    rows, entries = parsed(parquet_file({"srcport": [2.0**31 - 1, 2.0**31, -(2.0**31), -(2.0**31) - 1]}), NUMBERS)
    assert [row["srcport"] for row in rows] == [2**31 - 1, -(2**31)]
    assert places(entries) == [(2, 1), (4, 1)]
    assert entries[0].reason == "srcport: 2147483648.0 does not fit INT"


WHOLE = st.integers(-(2**64), 2**64) | st.sampled_from(
    [s * 2**n + d for n in (31, 53, 63) for s in (1, -1) for d in (-1, 0, 1)]
)
DECIMALS = st.builds(lambda whole, part: Decimal(whole) + Decimal(part) / 1000, WHOLE, st.sampled_from([0, 0, 1, 500]))
NUMBERS_OF_TYPE: dict[pa.DataType, st.SearchStrategy[Any]] = {
    pa.float64(): st.floats() | WHOLE.map(float),
    pa.float32(): st.floats(width=32) | st.integers(-(2**24), 2**24).map(float),
    pa.float16(): st.floats(width=16).map(np.float16),
    pa.decimal128(38, 3): DECIMALS,
    pa.decimal256(70, 3): DECIMALS,
    pa.uint64(): st.integers(0, 2**64 - 1),
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.uint32(): st.integers(0, 2**32 - 1),
}


@fuzz(150)
@given(
    data=st.data(),
    type_=st.sampled_from(list(NUMBERS_OF_TYPE)),
    field=st.sampled_from([("srcport", 31), ("bytes", 63)]),
)
def test_numbers_of_every_type_fill_the_column_exactly_or_are_entries(
    data: st.DataObject, type_: pa.DataType, field: tuple[str, int]
) -> None:
    name, bits = field
    values = data.draw(st.lists(st.none() | NUMBERS_OF_TYPE[type_], min_size=1, max_size=20))
    rows, entries = parsed(
        parquet_file({name: pa.array(values, type_), "action": [str(n) for n in range(len(values))]}), (name, "action")
    )
    exact_values: dict[int, int | None] = {}
    for number, value in enumerate(values):
        exact = None if value is None else _exact(value)
        if value is None or (exact is not None and exact.denominator == 1 and -(2**bits) <= exact < 2**bits):
            exact_values[number] = None if exact is None else int(exact)
    assert {int(row["action"]): row[name] for row in rows} == exact_values
    assert {entry.line_number - 1 for entry in entries} == set(range(len(values))) - set(exact_values)


def _exact(value: Any) -> Fraction | None:
    """Return the exact number of a value, or None if the value is not a number."""
    try:
        return Fraction(value if isinstance(value, (int, Decimal)) else float(value))
    except (ValueError, OverflowError):
        return None


# Instants in start and end

EPOCH = 1_772_582_400
UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin", "+02:00"])
@pytest.mark.parametrize("unit", UNITS)
def test_a_timestamp_in_start_or_end_fills_the_column_with_its_seconds(unit: str, zone: str | None) -> None:
    array = pa.array([EPOCH * UNITS[unit]], pa.timestamp(unit, zone))
    for headers in (("start", "end"), ("end",), ()):
        row = only_row(
            parquet_file({"start": array, "end": array}, store_schema=zone is not None), ("srcaddr", *headers)
        )
        assert {name: row[name] for name in headers} == dict.fromkeys(headers, EPOCH)
        assert row["event_time"] == datetime(2026, 3, 4, tzinfo=UTC)


def test_a_timestamp_with_fractional_seconds_or_out_of_range_is_an_entry() -> None:
    table = {
        "start": pa.array([EPOCH * 10**6, EPOCH * 10**6 + 1, 10**11 * 10**6, -1, -(10**6), None], pa.timestamp("us")),
        "action": list("abcdef"),
    }
    rows, entries = parsed(parquet_file(table), ("start", "action"))
    assert [(row["action"], row["start"]) for row in rows] == [("a", EPOCH), ("e", -1), ("f", None)]
    assert [(entry.line_number, entry.line) for entry in entries] == [
        (2, "2026-03-04 00:00:00.000001 b"),
        (3, "5138-11-16 09:46:40 c"),
        (4, "1969-12-31 23:59:59.999999 d"),
    ]
    assert all(entry.reason.startswith("start: ") for entry in entries)


def test_an_int96_timestamp_keeps_its_instant_beyond_the_nanosecond_range_of_arrow() -> None:
    times = [datetime(2026, 3, 4), datetime(2500, 1, 1), datetime(1600, 1, 1)]
    data = parquet_file(
        {"start": pa.array(times, pa.timestamp("us")), "zoo": pa.array(times, pa.timestamp("us"))},
        use_deprecated_int96_timestamps=True,
    )
    rows, entries = parsed(data, ("start",))
    assert entries == []
    assert [row["start"] for row in rows] == [int(instant.replace(tzinfo=UTC).timestamp()) for instant in times]
    assert [row["other_fields"]["zoo"] for row in rows] == [str(instant) for instant in times]


@pytest.mark.parametrize("value", [date(2026, 3, 4), time(1), timedelta(seconds=5)], ids=str)
def test_a_date_a_time_of_day_and_a_duration_are_not_timestamps(value: object) -> None:
    data = parquet_file({"start": pa.array([value])}, store_schema=True)
    assert only_entry(data, ("start",)).reason.startswith("start: ")


@pytest.mark.parametrize(
    "array", [pa.array([float(EPOCH)]), pa.array([Decimal(EPOCH)]), pa.array([EPOCH * 1000.0])], ids=str
)
def test_event_time_comes_from_a_start_of_another_type_without_a_column(array: pa.Array) -> None:
    row = only_row(parquet_file({"start": array, "srcaddr": ["a"]}), ("srcaddr",))
    assert row["event_time"] == datetime(2026, 3, 4, tzinfo=UTC)
    assert row["other_fields"].keys() == {"start"}


def test_event_time_from_a_start_without_a_column_is_correct_after_quarantined_rows() -> None:
    table = {"start": [1.0, 2.0, 3.0, 4.5], "end": [9.0] * 4, "version": ["1", "x", "3", "4"]}
    rows, _ = parsed(parquet_file(table), ("version",))
    assert [(row["version"], row["event_time"].second) for row in rows] == [(1, 1), (3, 3), (4, 9)]


# Text columns

AS_TEXT = {
    "whole double": (pa.array([123456789012.0]), "123456789012"),
    "double": (pa.array([1.5]), "1.5"),
    "decimal": (pa.array([Decimal("123456789012.00")]), "123456789012"),
    "decimal fraction": (pa.array([Decimal("12.340")]), "12.340"),
    "small decimal": (pa.array([Decimal("0.000000012")]), "0.000000012"),
    "boolean": (pa.array([True]), "true"),
    "date": (pa.array([date(2026, 3, 4)]), "2026-03-04"),
    "timestamp": (pa.array([datetime(2026, 3, 4)], pa.timestamp("ms")), "2026-03-04 00:00:00"),
    "fixed bytes": (pa.array([b"ab"], pa.binary(2)), "ab"),
    "view": (pa.array(["ab"], pa.string_view()), "ab"),
    "view of bytes": (pa.array([b"ab"], pa.binary_view()), "ab"),
    "JSON": (pa.ExtensionArray.from_storage(pa.json_(), pa.array(["{}"])), "{}"),
}


@pytest.mark.parametrize("kind", AS_TEXT)
def test_a_scalar_of_another_type_fills_a_text_column(kind: str) -> None:
    array, text = AS_TEXT[kind]
    assert only_row(parquet_or_skip({"account_id": array}, store_schema=True), ("account-id",)) == {"account_id": text}


INVALID_TEXT = {
    "not a number": pa.array([float("nan")]),
    "infinity": pa.array([float("inf")]),
    "list": pa.array([["a"]]),
    "struct": pa.array([{"a": "x"}]),
    "map": pa.array([[("k", "v")]], pa.map_(pa.string(), pa.string())),
    "bytes that are not UTF-8": pa.array([b"\xff\xfe"]),
    "fixed bytes that are not UTF-8": pa.array([b"\xff\xfe"], pa.binary(2)),
}


@pytest.mark.parametrize("kind", INVALID_TEXT)
def test_a_value_that_is_not_a_valid_scalar_is_an_entry_in_a_text_column(kind: str) -> None:
    array = pa.concat_arrays([INVALID_TEXT[kind], pa.nulls(1, INVALID_TEXT[kind].type)])
    rows, entries = parsed(parquet_file({"srcaddr": array, "version": [2, 3]}), THREE)
    assert [filled(row) for row in rows] == [{"version": 3}]
    assert [(entry.line_number, entry.lines) for entry in entries] == [(1, 1)]
    assert entries[0].reason.startswith("srcaddr: ")


# Fields without a column


def test_the_types_that_aws_writes_are_converted_in_bulk() -> None:
    table = {
        "version": pa.array([2, 3], pa.int32()),
        "start": pa.array([1, 2], pa.int64()),
        "srcaddr": ["a", "-"],
        "tcp_flags": pa.array([2, 18], pa.int32()),
        "vpc_id": ["vpc-1", "vpc-2"],
    }
    with mock.patch.object(parquet_values, "texts") as texts:
        rows, _ = parsed(parquet_file(table), THREE)
    texts.assert_not_called()
    assert rows[1]["other_fields"] == {"start": "2", "tcp_flags": "18", "vpc_id": "vpc-2"}


OTHER = {
    "boolean": pa.array([True, None]),
    "double": pa.array([1.5, None]),
    "float": pa.array([0.25, None], pa.float32()),
    "not a number": pa.array([float("nan"), None]),
    "decimal": pa.array([Decimal("12.340"), None]),
    "date": pa.array([date(2026, 3, 4), None]),
    "time": pa.array([time(1, 2, 3), None]),
    "duration": pa.array([timedelta(seconds=5), None]),
    "seconds": pa.array([datetime(2026, 3, 4), None], pa.timestamp("s")),
    "microseconds": pa.array([datetime(2026, 3, 4, tzinfo=UTC), None], pa.timestamp("us", tz="UTC")),
    "list": pa.array([["a", "b"], None]),
    "list of integers": pa.array([[1, None], None], pa.list_(pa.int32())),
    "list of times": pa.array([[datetime(2026, 3, 4)], None]),
    "list of strange times": pa.array([[1], None], pa.list_(pa.timestamp("ns", tz="Mars/Olympus"))),
    "list of bytes": pa.array([[b"\xff"], None]),
    "struct": pa.array([{"a": 1, "b": "x"}, None]),
    "map": pa.array([[("k", "v")], None], pa.map_(pa.string(), pa.string())),
    "fixed bytes": pa.array([b"\xff\x00ab", None], pa.binary(4)),
}


@pytest.mark.parametrize("kept", [True, False], ids=["with Arrow schema", "without Arrow schema"])
@pytest.mark.parametrize("kind", OTHER)
def test_values_of_every_type_without_a_column_go_to_other_fields_as_text(kind: str, kept: bool) -> None:
    table = {"version": pa.array([2, 3], pa.int32()), "zoo": OTHER[kind]}
    rows, entries = parsed(parquet_file(table, store_schema=kept), THREE)
    assert entries == []
    assert [row["version"] for row in rows] == [2, 3]
    assert set(rows[0]["other_fields"]) == {"zoo"}
    assert rows[0]["other_fields"]["zoo"] != ""
    assert rows[1]["other_fields"] is None


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (pa.array([1.5]), "1.5"),
        (pa.array([True]), "true"),
        (pa.array([Decimal("12.340")]), "12.340"),
        (pa.array([["a", "b"]]), '["a", "b"]'),
        (pa.array([date(2026, 3, 4)]), "2026-03-04"),
    ],
    ids=["double", "boolean", "decimal", "list", "date"],
)
def test_values_of_other_types_have_their_usual_notation_in_other_fields(array: pa.Array, text: str) -> None:
    assert only_row(parquet_file({"version": [2], "zoo": array}), THREE)["other_fields"] == {"zoo": text}


STRANGE_TIMES = {
    "nanoseconds": pa.array([1, 1_700_000_000_123_456_789, None], pa.timestamp("ns")),
    "nanoseconds of UTC": pa.array([1, 1_700_000_000_123_456_789, None], pa.timestamp("ns", tz="UTC")),
    "after the year 9999": pa.array([1, 10**12 * 10**6, None], pa.timestamp("us")),
    "before the year 1": pa.array([1, -(10**12) * 10**6, None], pa.timestamp("us")),
    "milliseconds after the year 9999": pa.array([1, 10**15, None], pa.timestamp("ms")),
    "UTC after the year 9999": pa.array([1, 10**12 * 10**6, None], pa.timestamp("us", tz="UTC")),
    "date after the year 9999": pa.array([1, 10**7, None], pa.date32()),
    "time in nanoseconds": pa.array([1, 86_399_000_000_001, None], pa.time64("ns")),
    "duration": pa.array([1, 2**62, None], pa.duration("us")),
    "unknown time zone": pa.array([1, 2, None], pa.timestamp("us", tz="Mars/Olympus")),
}


@pytest.mark.parametrize("kept", [True, False], ids=["with Arrow schema", "without Arrow schema"])
@pytest.mark.parametrize("kind", STRANGE_TIMES)
def test_a_time_that_python_cannot_represent_is_kept_as_text(kind: str, kept: bool) -> None:
    table = {"version": ["1", "2", "3"], "zoo": STRANGE_TIMES[kind]}
    rows, entries = parsed(parquet_file(table, store_schema=kept), THREE)
    assert entries == []
    assert [row["version"] for row in rows] == [1, 2, 3]
    assert [row["other_fields"] and list(row["other_fields"]) for row in rows] == [["zoo"], ["zoo"], None]


@pytest.mark.parametrize("kind", STRANGE_TIMES)
def test_a_bad_row_with_an_unrepresentable_time_is_an_entry_and_the_others_are_kept(kind: str) -> None:
    table = {"version": ["1", "x", "3"], "zoo": STRANGE_TIMES[kind]}
    rows, entries = parsed(parquet_file(table, store_schema=False), THREE)
    assert [row["version"] for row in rows] == [1, 3]
    assert places(entries) == [(2, 1)]
