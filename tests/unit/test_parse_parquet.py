"""Parquet files: the columns are the fields, the rows are the records."""

from __future__ import annotations

from io import BytesIO
from typing import Any
from unittest import mock

import pyarrow as pa
import pytest
from pyarrow import parquet

from local.traffic import damage
from tests.support.parsing import (
    DEFAULT,
    PATH,
    RECORD,
    filled,
    header,
    only_entry,
    only_row,
    parquet_file,
    parsed,
    places,
    text,
)
from vpc_flow_logs.parser import parquet_file as parquet_file_module
from vpc_flow_logs.verification import format_of_file

pytestmark = pytest.mark.lts

THREE = ("version", "srcaddr", "dstport")
RECORD_TYPES = {"version": pa.int32(), "srcport": pa.int32(), "dstport": pa.int32(), "protocol": pa.int32()}


def one_row(**columns: Any) -> bytes:
    """Return a Parquet file of one row; a value may be an array of one element."""
    return parquet_file({name: value if isinstance(value, pa.Array) else [value] for name, value in columns.items()})


def default_table(rows: int) -> pa.Table:
    """Return rows of the default format with the types that AWS writes."""
    values = dict(zip((name.replace("-", "_") for name in DEFAULT), RECORD.decode().split(), strict=True))
    big = {"packets", "bytes", "start", "end"}
    arrays = {
        name: pa.array([int(value)] * rows, RECORD_TYPES.get(name, pa.int64()))
        if name in RECORD_TYPES or name in big
        else pa.array([value] * rows)
        for name, value in values.items()
    }
    return pa.table(arrays)


def test_a_parquet_row_equals_the_row_of_the_same_text_record() -> None:
    assert only_row(parquet_file(default_table(1))) == only_row(text(header(), RECORD))


@pytest.mark.parametrize("compression", ["gzip", "snappy", "zstd", "none"])
@pytest.mark.parametrize("version", ["1.0", "2.6"])
def test_parquet_files_of_every_version_and_compression_are_read(compression: str, version: str) -> None:
    for options in ({}, {"use_dictionary": False}, {"data_page_version": "2.0"}, {"row_group_size": 7}):
        data = parquet_file(default_table(50), compression=compression, version=version, **options)
        rows, entries = parsed(data)
        assert len(rows) == 50
        assert entries == []


@pytest.mark.parametrize("name", ["a.log.parquet", "a.log.gz", "a.log", "a"])
def test_parquet_is_detected_by_its_first_bytes_and_not_by_the_file_name(name: str) -> None:
    rows, entries = parsed([(name, parquet_file(default_table(2)))])
    assert [row["source_file"] for row in rows] == [name, name]
    assert entries == []


def test_text_that_begins_with_the_parquet_magic_is_one_entry() -> None:
    for count in (1, 20_000):
        rows, entries = parsed(text(b"PAR1 version", *[b"a 2"] * count), THREE)
        assert rows == []
        assert places(entries) == [(1, 1)]


def test_columns_may_have_any_order_and_spelling() -> None:
    row = only_row(
        one_row(dstport=443, **{"Account-ID": "001"}, version=2, logstatus="OK"), (*THREE, "account-id", "log-status")
    )
    assert row == {"version": 2, "dstport": 443, "account_id": "001", "log_status": "OK"}


def test_null_and_a_dash_are_null_in_columns_and_absent_from_other_fields() -> None:
    table = {
        "version": pa.array([None, 2], pa.int32()),
        "srcaddr": ["-", None],
        "dstport": ["-", None],
        "vpc_id": ["-", None],
        "tcp_flags": pa.array([None, None], pa.int32()),
        "nothing": pa.nulls(2),
    }
    rows, entries = parsed(parquet_file(table), THREE)
    assert entries == []
    assert [filled(row) for row in rows] == [{}, {"version": 2}]
    assert [row["other_fields"] for row in rows] == [None, None]


def test_fields_without_a_column_go_to_other_fields_under_their_delivered_name() -> None:
    row = only_row(one_row(version=3, VPC_Id="vpc-1", tcp_flags=pa.array([2], pa.int32()), My_own="x"), THREE)
    assert row == {"version": 3, "other_fields": {"VPC_Id": "vpc-1", "tcp_flags": "2", "My_own": "x"}}


def test_a_known_column_of_the_null_type_is_null() -> None:
    assert only_row(parquet_file({"version": pa.nulls(1), "srcaddr": ["a"]}), THREE) == {"srcaddr": "a"}


@pytest.mark.parametrize(
    "type_", [pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()], ids=str
)
def test_integers_of_every_width_fill_integer_and_text_columns(type_: pa.DataType) -> None:
    data = one_row(
        version=pa.array([7], type_),
        bytes=pa.array([8], type_),
        srcaddr=pa.array([9], type_),
        zoo=pa.array([10], type_),
    )
    assert only_row(data, ("version", "bytes", "srcaddr")) == {
        "version": 7,
        "bytes": 8,
        "srcaddr": "9",
        "other_fields": {"zoo": "10"},
    }


def test_a_row_that_does_not_fit_is_an_entry_and_the_others_are_kept() -> None:
    table = {
        "srcaddr": ["a", "b", "c", "d"],
        "version": pa.array([1, 2**31, 2**31 - 1, None], pa.int64()),
        "bytes": pa.array([1, 2, 2**63, 4], pa.uint64()),
    }
    rows, entries = parsed(parquet_file(table), ("version", "srcaddr", "bytes"))
    assert [row["srcaddr"] for row in rows] == ["a", "d"]
    assert sorted(places(entries)) == [(2, 1), (3, 1)]
    by_line = {entry.line_number: entry for entry in entries}
    assert by_line[2].line == "b 2147483648 2"
    assert by_line[3].line == "c 2147483647 9223372036854775808"
    assert "version" in by_line[2].reason
    assert "bytes" in by_line[3].reason


def test_integers_in_text_columns_follow_the_rules_of_text_files() -> None:
    values = ["7", "007", "-0", "-", None, "2147483647", "2147483648", "+5", "0x10", " 5", "5\t", "1_0", "٥", "", "x"]
    rows, entries = parsed(parquet_file({"srcport": values, "row": [str(n) for n in range(15)]}), ("srcport", "row"))
    assert {int(row["row"]): row["srcport"] for row in rows} == {0: 7, 1: 7, 2: 0, 3: None, 4: None, 5: 2**31 - 1}
    assert sorted(places(entries)) == [(number, 1) for number in range(7, 16)]
    assert all("srcport" in entry.reason for entry in entries)


def test_an_integer_without_a_column_is_not_checked() -> None:
    rows, entries = parsed(
        parquet_file({"srcaddr": ["a"], "version": ["x"], "bytes": pa.array([2**64 - 1], pa.uint64())}), ("srcaddr",)
    )
    assert entries == []
    assert rows[0]["other_fields"] == {"version": "x", "bytes": str(2**64 - 1)}


def test_a_file_of_only_bad_rows_gives_one_entry_per_row() -> None:
    rows, entries = parsed(parquet_file({"version": ["x"] * 300, "srcaddr": ["a"] * 300}), THREE)
    assert rows == []
    assert sorted(places(entries)) == [(number, 1) for number in range(1, 301)]


def test_text_may_be_empty_and_may_contain_spaces_and_line_ends() -> None:
    values = ["", " ", "a b", "a\nb", "\t", "\0", "unknown", "--", "é\N{GRINNING FACE}"]
    rows, entries = parsed(parquet_file({"srcaddr": values, "zoo": values}), THREE)
    assert entries == []
    assert [row["srcaddr"] for row in rows] == values
    assert [row["other_fields"]["zoo"] for row in rows] == values


@pytest.mark.parametrize("type_", [pa.string(), pa.large_string(), pa.binary(), pa.large_binary()], ids=str)
@pytest.mark.parametrize("kept", [True, False])
def test_text_may_have_any_arrow_type(type_: pa.DataType, kept: bool) -> None:
    for array in (
        pa.array(["a", "-", "a"], pa.string()).cast(type_),
        pa.array(["a", "-", "a"]).cast(type_).dictionary_encode(),
    ):
        data = parquet_file({"srcaddr": array, "version": pa.array(["1", "-", "3"]).cast(type_)}, store_schema=kept)
        rows, entries = parsed(data, THREE)
        assert entries == []
        assert [(row["version"], row["srcaddr"]) for row in rows] == [(1, "a"), (None, None), (3, "a")]


def test_text_that_is_not_utf8_is_an_entry_that_shows_the_bytes() -> None:
    array = pa.array([b"good", b"b\xff\xfed", b"\xc3\xa9", b"\xed\xa0\x80"], pa.binary())
    for name in ("srcaddr", "zoo", "dstaddr"):
        table = pa.table({name: array, "n": ["1", "2", "3", "4"]})
        as_text = pa.table({name: pa.Array.from_buffers(pa.string(), 4, array.buffers()), "n": table["n"]})
        for data in (parquet_file(table), parquet_file(as_text)):
            rows, entries = parsed(data, (*THREE, "n"))
            assert [row["n"] for row in rows] == ["1", "3"]
            assert sorted((entry.line_number, entry.lines, entry.line) for entry in entries) == [
                (2, 1, r"b\xff\xfed 2"),
                (4, 1, r"\xed\xa0\x80 4"),
            ]
            assert all(name in entry.reason for entry in entries)


def test_the_line_of_an_entry_has_at_most_4096_characters() -> None:
    _, entries = parsed(parquet_file({"version": ["x" * 100_000]}), THREE)
    assert entries[0].line == "x" * 4096


def test_the_first_of_duplicate_columns_fills_the_column() -> None:
    table = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"]), pa.array(["c"])], ["srcaddr", "srcaddr", "SrcAddr"])
    rows, entries = parsed(parquet_file(table), THREE)
    if entries:  # a parser that cannot read such a file quarantines it
        assert rows == []
        assert places(entries) == [(1, 1)]
    else:
        assert rows[0]["srcaddr"] == "a"
        assert sorted(rows[0]["other_fields"].values()) == ["b", "c"]


@pytest.mark.parametrize("rows", [1, 70_000])
def test_parquet_without_a_flow_log_field_is_one_entry_that_names_its_columns(rows: int) -> None:
    data = parquet_file({"order_id": list(range(rows)), "Amount": ["1"] * rows}, row_group_size=1000)
    entry = only_entry(data, THREE)
    assert (entry.line_number, entry.lines, entry.line) == (1, rows, "order_id Amount")
    assert entry.reason == "Parquet without a flow log field: its columns are order_id, Amount"


def test_the_reason_names_ten_of_many_columns_that_are_not_flow_log_fields() -> None:
    entry = only_entry(one_row(**{f"c{number}": 1 for number in range(12)}), THREE)
    assert entry.reason.endswith("its columns are c0, c1, c2, c3, c4, c5, c6, c7, c8, c9 and 2 more")
    entry = only_entry(one_row(**{"x" * 100_000: 1}), THREE)
    assert len(entry.reason) < 200


def test_parquet_without_a_flow_log_field_is_one_entry_despite_odd_types_and_damage() -> None:
    deep = pa.array([{"version": 1}])
    assert only_entry(one_row(nested=deep), THREE).line == "nested"
    table = pa.table({"alpha": range(100), "beta": [f"b{n}" for n in range(100)]})
    assert places(parsed(damaged_in(table, group=1, group_rows=10, column=1), THREE).entries) == [(1, 100)]


def test_one_documented_field_or_one_table_column_makes_parquet_a_flow_log() -> None:
    assert only_row(one_row(alpha="1", VPC_Id="vpc-1"), THREE) == {"other_fields": {"alpha": "1", "VPC_Id": "vpc-1"}}
    assert only_row(one_row(alpha="1", mine="2"), (*THREE, "mine")) == {"mine": "2", "other_fields": {"alpha": "1"}}
    assert only_row(one_row(alpha="1", was="2"), THREE, columns=(*THREE, "was"))["was"] == "2"


def test_verify_reports_a_parquet_file_without_a_documented_field() -> None:
    assert format_of_file(pa.py_buffer(one_row(version=2, mine=1))) == "Parquet: version mine"
    foreign = format_of_file(pa.py_buffer(one_row(alpha=2, mine=1)))
    assert foreign == "Parquet without a field that AWS documents: alpha mine"


def test_parquet_without_a_flow_log_field_and_without_rows_gives_no_entry() -> None:
    assert parsed(parquet_file({"alpha": pa.array([], pa.string())}), THREE) == ([], [])


# Empty and damaged files


def test_a_file_without_rows_gives_no_rows_and_no_entries() -> None:
    assert parsed(parquet_file(default_table(0))) == ([], [])
    assert parsed(parquet_file(pa.table({}))) == ([], [])


@pytest.mark.parametrize("at", [0.001, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_one_entry(at: float) -> None:
    rows, entries = parsed(damage.cut(parquet_file(default_table(100)), at=at))
    assert rows == []
    assert [(entry.source_file, entry.line_number, entry.lines) for entry in entries] == [(PATH, 1, 1)]


def test_a_file_with_little_more_than_the_parquet_magic_is_one_entry() -> None:
    for content in (b"PAR1", b"PAR1PAR1", b"PAR1\0\0\0\0PAR1", b"PAR1" + b"\xff" * 100, b"PAR1\n\n\nPAR1"):
        assert places(parsed(content).entries) == [(1, 1)]


def damaged_in(table: pa.Table, *, group: int, group_rows: int, column: int = 0) -> bytes:
    """Return a file of several row groups with a corrupt data page in one of them."""
    data = bytearray(parquet_file(table, row_group_size=group_rows, use_dictionary=False))
    chunk = parquet.ParquetFile(BytesIO(bytes(data))).metadata.row_group(group).column(column)
    begin, size = chunk.data_page_offset, chunk.total_compressed_size
    data[begin + size // 2 : begin + size] = b"\xff" * (size - size // 2)
    return bytes(data)


@pytest.mark.parametrize("group_rows", [10, 1000, 40_000])
@pytest.mark.parametrize("group", [0, 1, 2])
def test_rows_before_a_damaged_row_group_are_kept(group: int, group_rows: int) -> None:
    count = group_rows * 3
    table = pa.table(
        {"version": pa.array(range(count), pa.int32()), "srcaddr": [f"a{n * 7919 % 997}" for n in range(count)]}
    )
    rows, entries = parsed(damaged_in(table, group=group, group_rows=group_rows, column=1), THREE)
    assert [row["version"] for row in rows][: group_rows * group] == list(range(group_rows * group))
    assert places(entries) == [(len(rows) + 1, 1)]
    assert len(rows) < count


def test_damage_anywhere_in_a_parquet_file_never_raises_and_damaged_data_is_never_lost_silently() -> None:
    whole = parquet_file(default_table(30), row_group_size=10)
    footer = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    for at in range(4, len(whole), 29):
        data = bytearray(whole)
        data[at] ^= 0x55
        rows, entries = parsed(bytes(data))
        if at < footer:
            assert len(rows) == 30 or entries


def test_parquet_and_text_may_share_a_folder() -> None:
    files = [
        ("1", parquet_file(default_table(3))),
        ("2", text(header(), RECORD)),
        ("3", parquet_file(default_table(0))),
        ("4", b"PAR1"),
        ("5", parquet_file(default_table(2))),
    ]
    rows, entries = parsed(files)
    assert sorted(row["source_file"] for row in rows) == ["1", "1", "1", "2", "5", "5"]
    assert [entry.source_file for entry in entries] == ["4"]


def test_line_numbers_are_correct_across_batches_and_row_groups() -> None:
    count = 70_000
    table = pa.table(
        {"version": pa.array(range(count), pa.int32()), "dstport": ["x" if n == 40_000 else "1" for n in range(count)]}
    )
    for size in (1000, 33_000, count):
        rows, entries = parsed(parquet_file(table, row_group_size=size), THREE)
        assert sorted(row["version"] for row in rows) == [n for n in range(count) if n != 40_000]
        assert [(entry.line_number, entry.line) for entry in entries] == [(40_001, "40000 x")]


def test_small_row_groups_are_converted_together() -> None:
    table = default_table(3000)
    calls = {}
    for size in (3000, 10):
        with mock.patch.object(parquet_file_module, "_records", wraps=parquet_file_module._records) as records:
            rows, entries = parsed(parquet_file(table, row_group_size=size))
        assert (len(rows), entries) == (3000, [])
        calls[size] = records.call_count
    assert calls[10] <= calls[3000] + 1


@pytest.mark.parametrize("group", [0, 1, 50, 99])
def test_all_small_row_groups_before_a_damaged_one_are_kept(group: int) -> None:
    table = pa.table(
        {"version": pa.array(range(1000), pa.int32()), "srcaddr": [f"a{n * 7919 % 997}" for n in range(1000)]}
    )
    rows, entries = parsed(damaged_in(table, group=group, group_rows=10, column=1), THREE)
    assert [row["version"] for row in rows] == list(range(10 * group))
    assert places(entries) == [(10 * group + 1, 1)]
