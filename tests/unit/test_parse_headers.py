"""Header lines: how they are recognized, and how they apply to the lines after them."""

from __future__ import annotations

import gzip
from datetime import datetime, timezone
from itertools import pairwise

import pytest

from tests.support.parsing import (
    DEFAULT,
    KNOWN,
    PATH,
    RECORD,
    expected,
    filled,
    header,
    limits,
    only_entry,
    only_row,
    parsed,
    places,
    same,
    text,
)
from vpc_flow_logs.fields import FIELDS

pytestmark = pytest.mark.lts

THREE = ("version", "srcaddr", "dstport")


def test_the_catalog_has_the_72_fields_of_aws() -> None:
    assert {field.name for field in FIELDS} == KNOWN
    assert len(KNOWN) == 72


def test_a_header_line_names_the_fields_of_the_lines_after_it() -> None:
    row = only_row(text(b"dstport version srcaddr", b"443 2 10.0.0.1"), THREE)
    assert row == {"version": 2, "srcaddr": "10.0.0.1", "dstport": 443}


def test_the_order_of_the_header_line_overrides_the_order_of_headers() -> None:
    row = only_row(text(b"srcaddr dstport version", b"1 2 3"), THREE)
    assert row == {"version": 3, "srcaddr": "1", "dstport": 2}


@pytest.mark.parametrize(
    "spelled",
    [
        b"account-id interface-id log-status pkt-src-aws-service",
        b"account_id interface_id log_status pkt_src_aws_service",
        b"ACCOUNT-ID Interface_Id LOG_status Pkt-Src_AWS-service",
        b"accountid interfaceid logstatus pkt-src-aws-service",
        b"AccountId InterfaceID LogStatus PKT_SRC_AWS_SERVICE",
    ],
)
def test_case_hyphens_underscores_and_the_spellings_of_the_guide_are_equivalent(spelled: bytes) -> None:
    columns = ("account-id", "interface-id", "log-status", "pkt-src-aws-service")
    row = only_row(text(spelled, b"001 eni-1 OK S3"), columns)
    assert row == {"account_id": "001", "interface_id": "eni-1", "log_status": "OK", "pkt_src_aws_service": "S3"}


@pytest.mark.parametrize("spelled", ["accountid", "account_id", "Account-Id", "ACCOUNTID"])
def test_headers_accept_every_spelling(spelled: str) -> None:
    assert only_row(text(b"account-id version", b"001 2"), (spelled, "version")) == {"account_id": "001", "version": 2}


@pytest.mark.parametrize("field", sorted(KNOWN))
def test_any_documented_field_makes_a_line_a_header_line(field: str) -> None:
    for spelled in (field, field.replace("-", "_"), field.upper()):
        assert parsed(text(b"somebodys-field " + spelled.encode())) == ([], [])


@pytest.mark.parametrize(
    "line",
    [
        b"-version",
        b"version-",
        b"_version",
        b"version_",
        b"pkt--srcaddr version",
        b"pkt__srcaddr version",
        b"pkt-_srcaddr version",
        b"2version version",
        b"version 7",
        b"version -",
        b"version,srcaddr",
        b"version\tsrcaddr",
        b"version\rsrcaddr",
        b"version src.addr",
        b"version ${srcaddr}",
        b'"version" srcaddr',
        b"version sr\xc3\xa7addr",
        b"version sr\xe7addr",
        b"version src\x00addr",
        b"\xd9\xa2 version",
        b"version \xef\xbc\xa1",
        b"# version",
    ],
)
def test_a_line_with_an_invalid_field_name_is_not_a_header_line(line: bytes) -> None:
    count = len([token for token in line.split(b" ") if token])
    entry = only_entry(text(line), tuple(f"f{i}" for i in range(count + 1)))
    assert (entry.line_number, entry.lines) == (1, 1)


@pytest.mark.parametrize("line", [b"nobody-knows this-name", b"a b c", b"ACCEPT OK", b"NODATA"])
def test_a_line_without_a_known_field_is_not_a_header_line(line: bytes) -> None:
    assert only_entry(text(line)).lines == 1


def test_one_known_field_is_enough_for_a_header_line() -> None:
    row = only_row(text(b"zebra a1-b2_c3 Version quagga", b"1 2 3 4"), THREE)
    assert row == {"version": 3, "other_fields": {"zebra": "1", "a1-b2_c3": "2", "quagga": "4"}}


def test_a_field_name_may_be_one_letter_and_may_contain_digits() -> None:
    assert only_row(text(b"x x9-9 version", b"a b 2"), THREE)["other_fields"] == {"x": "a", "x9-9": "b"}


def test_a_header_line_may_be_anywhere_and_applies_to_the_lines_after_it() -> None:
    lines = text(b"2 a 1", b"dstport srcaddr", b"2 b", b"3 c", b"srcaddr", b"d", b"version srcaddr dstport", b"5 e 4")
    rows, entries = parsed(lines, THREE)
    assert entries == []
    assert sorted((filled(row) for row in rows), key=lambda row: str(row["srcaddr"])) == [
        {"version": 2, "srcaddr": "a", "dstport": 1},
        {"srcaddr": "b", "dstport": 2},
        {"srcaddr": "c", "dstport": 3},
        {"srcaddr": "d"},
        {"version": 5, "srcaddr": "e", "dstport": 4},
    ]


def test_lines_before_the_first_header_line_use_headers() -> None:
    rows, entries = parsed(text(b"1 x 2", b"srcaddr version", b"y 3"), ("dstport", "srcaddr", "version"))
    assert [filled(row) for row in rows] == [
        {"dstport": 1, "srcaddr": "x", "version": 2},
        {"srcaddr": "y", "version": 3},
    ]
    assert entries == []


def test_the_format_may_change_at_any_line_of_a_long_file() -> None:
    lines = []
    for number in range(3000):
        if number % 97 == 0:
            lines.append(b"dstport srcaddr version" if number % 2 else b"version srcaddr dstport")
        lines.append(b"%d a%d %d" % (number, number, number + 1))
    content = text(*lines)
    for bundles in (True, False):
        with limits(bundles=bundles):
            same(parsed(content, THREE), expected(content, THREE))


def test_the_format_may_change_in_a_file_without_integers() -> None:
    content = text(b"srcaddr dstaddr", b"a b", b"dstaddr srcaddr", b"c d", b"action srcaddr type", b"e f g")
    same(parsed(content, THREE), expected(content, THREE))
    assert [filled(row) for row in parsed(content, ("srcaddr", "dstaddr")).rows] == [
        {"srcaddr": "a", "dstaddr": "b"},
        {"srcaddr": "d", "dstaddr": "c"},
        {"srcaddr": "f", "other_fields": {"action": "e", "type": "g"}},
    ]


def test_repeated_header_lines_are_neither_rows_nor_entries() -> None:
    assert parsed(text(header(), header(), b"", header(("srcaddr",)), b"  version  ")) == ([], [])


def test_spaces_around_and_between_field_names_are_ignored() -> None:
    rows, entries = parsed(text(b"   version   srcaddr  ", b"2 a", b" srcaddr   dstport ", b"b 3"), THREE)
    assert [filled(row) for row in rows] == [{"version": 2, "srcaddr": "a"}, {"srcaddr": "b", "dstport": 3}]
    assert entries == []


def test_a_header_line_may_end_with_cr_lf_or_with_the_file() -> None:
    rows, entries = parsed(b"version srcaddr\r\n2 a\r\nsrcaddr version\r\nb 3\r\nsrcaddr", THREE)
    assert [filled(row) for row in rows] == [{"version": 2, "srcaddr": "a"}, {"version": 3, "srcaddr": "b"}]
    assert entries == []


def test_blank_lines_may_precede_the_header_line() -> None:
    assert only_row(text(b"", b"   ", b"version srcaddr", b"2 a"), THREE) == {"version": 2, "srcaddr": "a"}


def test_a_byte_order_mark_before_the_header_line_is_skipped() -> None:
    for content in (b"\xef\xbb\xbfversion srcaddr\n2 a\n", b"\xef\xbb\xbf\nversion srcaddr\n2 a\n"):
        assert only_row(content, THREE) == {"version": 2, "srcaddr": "a"}
        assert only_row(gzip.compress(content), THREE) == {"version": 2, "srcaddr": "a"}


def test_a_byte_order_mark_elsewhere_is_part_of_a_value() -> None:
    mark = "\N{ZERO WIDTH NO-BREAK SPACE}"
    content = b"srcaddr dstaddr\n\xef\xbb\xbfa b\nc d\xef\xbb\xbf\n"
    assert [row["srcaddr"] for row in parsed(content, ("srcaddr", "dstaddr")).rows] == [f"{mark}a", "c"]
    assert [row["dstaddr"] for row in parsed(content, ("srcaddr", "dstaddr")).rows] == ["b", f"d{mark}"]
    rows, entries = parsed(b"\xef\xbb\xbf\xef\xbb\xbfversion srcaddr\n", ("a", "b", "c"))
    assert rows == []
    assert places(entries) == [(1, 1)]


@pytest.mark.parametrize("spaces", [b" ", b"   "])
def test_a_byte_order_mark_after_spaces_is_part_of_a_value(spaces: bytes) -> None:
    content = text(b"srcaddr dstaddr", spaces + b"\xef\xbb\xbfa b")
    assert only_row(content, ("srcaddr", "dstaddr"))["srcaddr"] == "\N{ZERO WIDTH NO-BREAK SPACE}a"
    rows, entries = parsed(text(b"dstport srcaddr", spaces + b"\xef\xbb\xbf80 b"), ("dstport", "srcaddr"))
    assert rows == []
    assert places(entries) == [(2, 1)]


# Files that begin without a header line


def test_a_file_without_a_header_line_is_read_with_headers() -> None:
    row = only_row(text(RECORD))
    assert row["srcaddr"] == "172.31.16.139"
    assert row["event_time"] == datetime(2014, 12, 14, 4, 6, 50, tzinfo=timezone.utc)


def test_a_file_that_matches_neither_a_header_line_nor_headers_is_one_entry() -> None:
    entry = only_entry(text(b"2 a", b"2 a 1", b"whatever", b"2 b 3"), THREE)
    assert (entry.line_number, entry.lines, entry.line) == (1, 4, "2 a")


def test_the_entry_of_lines_without_a_header_ends_at_the_first_header_line() -> None:
    rows, entries = parsed(text(b"2 a", b"1 2 3", b"srcaddr", b"x", b"y", b"two fields"), THREE)
    assert [filled(row) for row in rows] == [{"srcaddr": "x"}, {"srcaddr": "y"}]
    assert places(entries) == [(1, 2), (6, 1)]


def test_the_entry_of_lines_without_a_header_starts_at_the_first_and_skips_blank_lines() -> None:
    entry = only_entry(text(b"", b"  ", b"2 a", b"", b"3 b", b"   "), THREE)
    assert (entry.line_number, entry.lines, entry.line) == (3, 2, "2 a")
    entry = only_entry(text(b"", b"  ", b"2 a", b"", b"3 b", b"   ", end=b"\r\n"), THREE)
    assert (entry.line_number, entry.lines, entry.line) == (3, 2, "2 a")


def test_the_entry_of_lines_without_a_header_counts_lines_of_a_lone_cr_or_a_tab() -> None:
    assert only_entry(b"2 a\n\t\n\r \n\r\r\n \r \n", THREE).lines == 5


def test_a_first_line_of_a_lone_cr_is_not_blank() -> None:
    assert places([only_entry(b"\r \n", THREE)]) == [(1, 1)]


def test_a_cr_at_the_end_of_a_file_is_not_a_line_end_and_not_blank() -> None:
    assert only_entry(b"2 a\n\r", THREE).lines == 2
    assert places([only_entry(b"\r", THREE)]) == [(1, 1)]


def test_if_the_first_line_matches_headers_each_other_line_is_checked() -> None:
    rows, entries = parsed(text(b"", b"2 a 1", b"2 a", b"2 b 3", b"x y z"), THREE)
    assert [row["srcaddr"] for row in rows] == ["a", "b"]
    assert places(entries) == [(3, 1), (5, 1)]


def test_a_first_line_that_matches_headers_only_in_number_is_a_separate_entry() -> None:
    rows, entries = parsed(text(b"one two three", b"2 a 1", b"2 a"), THREE)
    assert [row["srcaddr"] for row in rows] == ["a"]
    assert places(entries) == [(1, 1), (3, 1)]


def test_only_the_first_line_decides_whether_headers_apply() -> None:
    assert only_entry(text(b"short", *[b"2 a 1"] * 50), THREE).lines == 51


def test_lines_without_a_header_may_be_longer_than_a_block() -> None:
    content = text(*[b"2 a"] * 500, b"srcaddr", b"x", b"a b")
    for block in (1, 7, 64, 1000, 4096):
        with limits(block=block, bundles=False):
            rows, entries = parsed(content, THREE)
            assert [row["srcaddr"] for row in rows] == ["x"]
            assert places(entries) == [(1, 500), (503, 1)]


def test_headers_only_order_the_fields_of_files_without_a_header_line() -> None:
    row = only_row(text(b"a 22"), ("srcaddr", "dstport"), columns=("version", "dstport"))
    assert row == {"dstport": 22, "other_fields": {"srcaddr": "a"}}


# Fields without a column, and duplicate fields


def test_fields_without_a_column_go_to_other_fields_under_their_delivered_name() -> None:
    row = only_row(text(b"version VPC_id tcp-flags My_Field", b"3 vpc-1 2 007"), THREE)
    assert row == {"version": 3, "other_fields": {"VPC_id": "vpc-1", "tcp-flags": "2", "My_Field": "007"}}


def test_other_fields_is_null_when_a_record_has_none() -> None:
    rows, _ = parsed(text(b"version srcaddr vpc-id type", b"3 a - -", b"3 b vpc-1 -", b"3 c - IPv4"), THREE)
    assert [row["other_fields"] for row in rows] == [None, {"vpc-id": "vpc-1"}, {"type": "IPv4"}]
    assert parsed(text(b"version srcaddr", b"3 a"), THREE).rows[0]["other_fields"] is None


def test_other_fields_holds_text_as_delivered() -> None:
    values = ["007", "+5", "x", "99999999999999999999", "unknown", "--"]
    row = only_row(
        text(b"version srcport dstport tcp-flags bytes account-id end", b"2 " + " ".join(values).encode()), ("version",)
    )
    assert list(row["other_fields"].values()) == values


def test_columns_that_are_missing_in_a_file_are_null() -> None:
    row = parsed(text(b"srcaddr", b"a"), THREE).rows[0]
    assert row == {
        "version": None,
        "srcaddr": "a",
        "dstport": None,
        "event_time": None,
        "other_fields": None,
        "source_file": PATH,
    }


def test_the_first_of_duplicate_fields_fills_the_column_and_the_others_go_to_other_fields() -> None:
    row = only_row(text(b"version version srcaddr srcaddr srcaddr", b"2 3 a b c"), THREE)
    assert row == {"version": 2, "srcaddr": "a", "other_fields": {"version_2": "3", "srcaddr_2": "b", "srcaddr_3": "c"}}


def test_the_second_of_duplicate_fields_is_not_checked_as_an_integer() -> None:
    assert only_row(text(b"version version", b"2 two"), THREE)["other_fields"] == {"version_2": "two"}


def test_the_second_of_duplicate_fields_does_not_replace_a_missing_first() -> None:
    assert only_row(text(b"version version", b"- 3"), THREE) == {"other_fields": {"version_2": "3"}}


def test_a_duplicate_field_without_a_column_gets_a_numbered_name() -> None:
    assert only_row(text(b"version zoo zoo zoo", b"2 a - c"), THREE)["other_fields"] == {"zoo": "a", "zoo_3": "c"}


def test_two_spellings_of_a_field_are_duplicates() -> None:
    row = only_row(text(b"account-id ACCOUNT_ID accountid", b"1 2 3"), ("account-id",))
    assert row["account_id"] == "1"
    assert sorted(row["other_fields"].values()) == ["2", "3"]


def test_no_value_is_lost_when_a_numbered_name_is_already_a_field() -> None:
    row = only_row(text(b"version zoo zoo zoo_2 zoo_2", b"2 a b c d"), THREE)
    assert sorted(row["other_fields"].values()) == ["a", "b", "c", "d"]
    assert row["other_fields"]["zoo"] == "a"
    assert row["other_fields"]["zoo_2"] == "c"


def test_instance_tag_2_is_a_field_and_not_a_duplicate_of_instance_tag() -> None:
    row = only_row(text(b"instance-tag instance-tag-2 version", b"a b 2"), ("instance-tag", "instance-tag-2"))
    assert row == {"instance_tag": "a", "instance_tag_2": "b", "other_fields": {"version": "2"}}


def test_fields_named_like_service_columns_go_to_other_fields() -> None:
    row = only_row(text(b"version event_time other_fields source_file ingested_at", b"2 a b c d"), THREE)
    assert row == {
        "version": 2,
        "other_fields": {"event_time": "a", "other_fields": "b", "source_file": "c", "ingested_at": "d"},
    }


def test_unknown_fields_in_headers_get_text_columns() -> None:
    assert only_row(text(b"version made-up", b"2 007"), ("made_up", "version")) == {"version": 2, "made_up": "007"}


# Several formats in a folder


def test_files_of_every_version_may_share_a_folder() -> None:
    names = sorted(KNOWN)
    files = []
    for number, (first, last) in enumerate(pairwise(range(0, 73, 6))):
        fields = names[first:last][:: -1 if number % 2 else 1]
        lines = [header(fields), *(b" ".join(b"%d" % (row * 100 + i) for i in range(len(fields))) for row in range(4))]
        files.append((f"{number}_x", text(*lines)))
    rows, entries = parsed(files * 3, DEFAULT)
    assert entries == []
    assert len(rows) == 12 * 4 * 3
    for path, content in files:
        file_rows = [row for row in rows if row["source_file"] == path]
        same(parsed([(path, content)]), expected(content, path=path))
        assert [filled(row) for row in file_rows] == [filled(row) for row in expected(content, path=path).rows] * 3


def test_a_file_does_not_inherit_the_header_of_the_file_before() -> None:
    files = [("a", text(b"srcaddr version", b"x 1")), ("b", text(b"1 y 2")), ("c", text(b"x 1"))]
    rows, entries = parsed(files, THREE)
    assert {row["source_file"]: row["srcaddr"] for row in rows} == {"a": "x", "b": "y"}
    assert [(entry.source_file, entry.line_number, entry.lines) for entry in entries] == [("c", 1, 1)]
