"""The event time of a record: its start, otherwise its end, otherwise the time in the name of its file."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pyarrow as pa
import pytest

from tests.support.parsing import limits, parquet_file, parsed, places, text

pytestmark = pytest.mark.lts

UTC = timezone.utc
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NAMED = "s3://b/AWSLogs/123456789012_vpcflowlogs_us-east-1_fl-1234abcd_20180620T1620Z_fe123456.log.gz"
NAME_TIME = datetime(2018, 6, 20, 16, 20, tzinfo=UTC)

WITH_COLUMNS = ("srcaddr", "start", "end")
WITHOUT = ("srcaddr",)


def event_time(names: bytes, values: bytes, columns: tuple[str, ...] = WITH_COLUMNS, path: str = NAMED) -> Any:
    """Return `event_time` of one record; assert that neither bundling nor other lines change it."""
    times = []
    for content in (text(names, values), text(names, values, b"\xff", values)):
        for bundles in (True, False):
            with limits(bundles=bundles):
                times += [row["event_time"] for row in parsed([(path, content)], columns).rows]
    assert len(times) == 6
    assert len(set(times)) == 1
    return times[0]


columns = pytest.mark.parametrize("columns", [WITH_COLUMNS, WITHOUT, ("srcaddr", "start"), ("srcaddr", "end")])


@columns
def test_event_time_is_start(columns: tuple[str, ...]) -> None:
    time = event_time(b"srcaddr start end", b"a 1418530010 1418530070", columns)
    assert time == datetime(2014, 12, 14, 4, 6, 50, tzinfo=UTC)


@columns
def test_event_time_is_end_if_start_is_missing(columns: tuple[str, ...]) -> None:
    time = datetime(2014, 12, 14, 4, 7, 50, tzinfo=UTC)
    assert event_time(b"srcaddr end", b"a 1418530070", columns) == time
    assert event_time(b"srcaddr start end", b"a - 1418530070", columns) == time
    assert event_time(b"end start srcaddr", b"1418530070 - a", columns) == time


@columns
def test_event_time_comes_from_the_file_name_if_start_and_end_are_missing(columns: tuple[str, ...]) -> None:
    assert event_time(b"srcaddr action", b"a ACCEPT", columns) == NAME_TIME
    assert event_time(b"srcaddr start end", b"a - -", columns) == NAME_TIME
    assert event_time(b"srcaddr end", b"a -", columns) == NAME_TIME


@columns
def test_event_time_is_decided_for_each_record(columns: tuple[str, ...]) -> None:
    content = text(b"start srcaddr end", b"100 a 200", b"- b 200", b"- c -", b"300 d -", b"- e 400", b"0 f 0")
    rows, entries = parsed([(NAMED, content)], columns)
    assert entries == []
    assert {row["srcaddr"]: row["event_time"] for row in rows} == {
        "a": EPOCH + timedelta(seconds=100),
        "b": EPOCH + timedelta(seconds=200),
        "c": NAME_TIME,
        "d": EPOCH + timedelta(seconds=300),
        "e": EPOCH + timedelta(seconds=400),
        "f": EPOCH,
    }


@columns
@pytest.mark.parametrize(
    ("value", "time"),
    [
        (10**11 - 1, EPOCH + timedelta(seconds=10**11 - 1)),
        (10**11, EPOCH + timedelta(milliseconds=10**11)),
        (10**11 + 1, datetime(1973, 3, 3, 9, 46, 40, 1000, tzinfo=UTC)),
        (1418530010123, datetime(2014, 12, 14, 4, 6, 50, 123000, tzinfo=UTC)),
        (253402300799999, datetime(9999, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)),
        (253402300800000, None),
        (253402300799, EPOCH + timedelta(milliseconds=253402300799)),
        (2**53, None),
        (2**63 - 1, None),
        (0, EPOCH),
        (-1, EPOCH - timedelta(seconds=1)),
        (-(10**10), EPOCH - timedelta(seconds=10**10)),
        (-62135596800, datetime(1, 1, 1, tzinfo=UTC)),
        (-62135596801, None),
        (-(10**11), None),
        (-(10**13), None),
        (-(2**63), None),
    ],
)
def test_values_from_10_to_the_11_are_milliseconds_and_years_are_1_to_9999(
    value: int, time: datetime | None, columns: tuple[str, ...]
) -> None:
    assert event_time(b"srcaddr start", b"a %d" % value, columns) == time
    assert event_time(b"srcaddr end", b"a %d" % value, columns) == time
    assert event_time(b"srcaddr start", b"a " + (b"-" if value < 0 else b"") + b"000%d" % abs(value), columns) == time


@columns
def test_a_start_outside_the_years_1_to_9999_is_null_even_if_end_is_valid(columns: tuple[str, ...]) -> None:
    assert event_time(b"srcaddr start end", b"a 253402300800000 1418530070", columns) is None


def test_a_file_may_mix_seconds_milliseconds_and_impossible_times() -> None:
    values = [1418530010, 1418530010123, 2**62, -5, 10**11 - 1, 10**11]
    content = text(b"srcaddr start", *(b"%d %d" % (number, value) for number, value in enumerate(values)))
    for columns in (WITH_COLUMNS, WITHOUT):
        times = {int(row["srcaddr"]): row["event_time"] for row in parsed(content, columns).rows}
        assert [times[number] and times[number].year for number in range(6)] == [2014, 2014, None, 1969, 5138, 1973]


@pytest.mark.parametrize(
    "bad", [b"soon", b"+5", b"1.5", b"0x10", b"5\t", b"--", "٥".encode(), b"1e9", b"\xef\xbb\xbf5"]
)
def test_a_non_integer_start_without_a_column_is_kept_as_text_and_gives_no_time(bad: bytes) -> None:
    content = text(b"srcaddr start end", b"a " + bad + b" 1418530070", b"b " + bad + b" -", b"c - " + bad)
    rows, entries = parsed([(NAMED, content)], WITHOUT)
    assert entries == []
    assert {row["srcaddr"]: row["event_time"] for row in rows} == {
        "a": datetime(2014, 12, 14, 4, 7, 50, tzinfo=UTC),
        "b": NAME_TIME,
        "c": NAME_TIME,
    }
    assert {row["other_fields"].get("start") for row in rows} == {bad.decode(), None}


def test_a_non_integer_start_with_a_column_is_an_entry() -> None:
    rows, entries = parsed([(NAMED, text(b"srcaddr start end", b"a soon 1418530070"))], WITH_COLUMNS)
    assert rows == []
    assert places(entries) == [(2, 1)]
    assert "start" in entries[0].reason


@pytest.mark.parametrize("digits", [18, 19, 20, 30, 400, 5000])
def test_a_start_without_a_column_may_have_any_number_of_digits(digits: int) -> None:
    assert event_time(b"srcaddr start", b"a " + b"9" * digits, WITHOUT) is None
    assert event_time(b"srcaddr start", b"a " + b"0" * digits + b"5", WITHOUT) == EPOCH + timedelta(seconds=5)


def test_start_and_end_are_recognized_in_every_spelling() -> None:
    assert event_time(b"srcaddr START End", b"a 100 200", WITHOUT) == EPOCH + timedelta(seconds=100)


def test_the_first_of_two_starts_is_used() -> None:
    for columns in (WITH_COLUMNS, WITHOUT):
        assert event_time(b"srcaddr start start", b"a 100 200", columns) == EPOCH + timedelta(seconds=100)


def test_headers_give_the_position_of_start_in_a_file_without_a_header_line() -> None:
    rows, _ = parsed([(NAMED, text(b"a 100"))], ("srcaddr", "start"))
    assert rows[0]["event_time"] == EPOCH + timedelta(seconds=100)


@pytest.mark.parametrize(
    ("path", "time"),
    [
        ("x_20180620T1620Z_fe123456.log.gz", NAME_TIME),
        (
            "/a/b/123456789012_vpcflowlogs_us-east-1_fl-1_20240229T2359Z_0.log.parquet",
            datetime(2024, 2, 29, 23, 59, tzinfo=UTC),
        ),
        ("file:/tmp/x_00010101T0000Z_a", datetime(1, 1, 1, tzinfo=UTC)),
        ("x_99991231T2359Z_a.log", datetime(9999, 12, 31, 23, 59, tzinfo=UTC)),
        ("x_20230229T0000Z_a.log", None),
        ("x_20180620T2400Z_a.log", None),
        ("x_20180620T1660Z_a.log", None),
        ("x_00000101T0000Z_a.log", None),
        ("x_20181320T1620Z_a.log", None),
        ("x_20180620_a.log", None),
        ("x_2018062T1620Z_a.log", None),
        ("plain.log", None),
        ("", None),
        ("x_20180620T1620Z_y/plain.log", None),
        ("s3://b/year=2026/month=01/day=02/plain.log.gz", None),
    ],
)
def test_the_time_in_the_file_name_is_utc_to_the_minute(path: str, time: datetime | None) -> None:
    assert event_time(b"srcaddr", b"a", WITHOUT, path) == time


def test_each_bundled_file_uses_the_time_in_its_own_name() -> None:
    files = [(f"x_20180620T16{minute:02}Z_a.log", text(b"srcaddr", b"%d" % minute)) for minute in range(60)]
    files += [("plain.log", text(b"srcaddr", b"99"))]
    rows, _ = parsed(files, WITHOUT)
    times = {int(row["srcaddr"]): row["event_time"] for row in rows}
    assert times == {**{m: datetime(2018, 6, 20, 16, m, tzinfo=UTC) for m in range(60)}, 99: None}


# Parquet


@columns
def test_event_time_follows_the_same_rules_in_parquet(columns: tuple[str, ...]) -> None:
    table = {
        "srcaddr": ["a", "b", "c", "d", "e"],
        "start": pa.array([100, None, None, 1418530010123, 2**62], pa.int64()),
        "end": pa.array([200, 200, None, None, 5], pa.int64()),
    }
    rows, entries = parsed([(NAMED, parquet_file(table))], columns)
    assert entries == []
    assert [row["event_time"] for row in rows] == [
        EPOCH + timedelta(seconds=100),
        EPOCH + timedelta(seconds=200),
        NAME_TIME,
        datetime(2014, 12, 14, 4, 6, 50, 123000, tzinfo=UTC),
        None,
    ]


@columns
def test_start_may_be_text_in_parquet(columns: tuple[str, ...]) -> None:
    table = {"srcaddr": ["a", "b"], "start": ["100", "-"], "end": ["200", "200"]}
    rows, _ = parsed([(NAMED, parquet_file(table))], columns)
    assert [row["event_time"] for row in rows] == [EPOCH + timedelta(seconds=s) for s in (100, 200)]
