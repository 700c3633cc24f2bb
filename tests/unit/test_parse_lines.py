"""Lines and values of text files: which become rows, which become entries, and which are ignored."""

from __future__ import annotations

from typing import Any

import pytest

from local.traffic import damage
from tests.support.parsing import (
    DEFAULT,
    MEBIBYTE,
    PATH,
    RECORD,
    expected,
    filled,
    header,
    limits,
    only_entry,
    only_row,
    packed,
    parsed,
    places,
    same,
    text,
    words,
)

pytestmark = pytest.mark.lts

THREE = ("version", "srcaddr", "dstport")
INTEGERS = ("version", "bytes")  # one INT and one BIGINT, so that no value of a line is text
MIXED = ("version", "srcaddr", "bytes")

# The example records of AWS: https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html

V2 = " ".join(DEFAULT)
TCP = (
    "version vpc-id subnet-id instance-id interface-id account-id type srcaddr dstaddr srcport dstport pkt-srcaddr "
    "pkt-dstaddr protocol bytes packets start end action tcp-flags log-status"
)
NAT = "instance-id interface-id srcaddr dstaddr pkt-srcaddr pkt-dstaddr"
REGIONAL_NAT = "resource-id instance-id interface-id subnet-id srcaddr dstaddr pkt-srcaddr pkt-dstaddr"
TGW = (
    "version interface-id account-id vpc-id subnet-id instance-id srcaddr dstaddr srcport dstport protocol tcp-flags "
    "type pkt-srcaddr pkt-dstaddr action log-status"
)
PATHS = (
    "version srcaddr dstaddr srcport dstport protocol start end type packets bytes account-id vpc-id subnet-id "
    "instance-id interface-id region az-id sublocation-type sublocation-id action tcp-flags pkt-srcaddr pkt-dstaddr "
    "pkt-src-aws-service pkt-dst-aws-service traffic-path flow-direction log-status"
)
EXAMPLES = {
    "accepted_ssh": (
        V2,
        (
            "2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 "
            "ACCEPT OK"
        ),
    ),
    "rejected_rdp": (
        V2,
        (
            "2 123456789010 eni-1235b8ca123456789 172.31.9.69 172.31.9.12 49761 3389 6 20 4249 1418530010 1418530070 "
            "REJECT OK"
        ),
    ),
    "nodata": (V2, "2 123456789010 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - NODATA"),
    "skipdata": (V2, "2 123456789010 eni-11111111aaaaaaaaa - - - - - - - 1431280876 1431280934 - SKIPDATA"),
    "sg_nacl_ping_request_accept": (
        V2,
        "2 123456789010 eni-1235b8ca123456789 203.0.113.12 172.31.16.139 0 0 1 4 336 1432917027 1432917142 ACCEPT OK",
    ),
    "sg_nacl_ping_response_reject": (
        V2,
        "2 123456789010 eni-1235b8ca123456789 172.31.16.139 203.0.113.12 0 0 1 4 336 1432917094 1432917142 REJECT OK",
    ),
    "ipv6_ssh": (
        V2,
        (
            "2 123456789010 eni-1235b8ca123456789 2001:db8:1234:a100:8d6e:3477:df66:f105 "
            "2001:db8:1234:a102:3304:8879:34cf:4071 34892 22 6 54 8855 1477913708 1477913820 ACCEPT OK"
        ),
    ),
    "tcpflags_1_syn_43416": (
        TCP,
        (
            "3 vpc-abcdefab012345678 subnet-aaaaaaaa012345678 i-01234567890123456 eni-1235b8ca123456789 123456789010 "
            "IPv4 52.213.180.42 10.0.0.62 43416 5001 52.213.180.42 10.0.0.62 6 568 8 1566848875 1566848933 ACCEPT 2 OK"
        ),
    ),
    "tcpflags_2_synack_43416": (
        TCP,
        (
            "3 vpc-abcdefab012345678 subnet-aaaaaaaa012345678 i-01234567890123456 eni-1235b8ca123456789 123456789010 "
            "IPv4 10.0.0.62 52.213.180.42 5001 43416 10.0.0.62 52.213.180.42 6 376 7 1566848875 1566848933 ACCEPT 18 "
            "OK"
        ),
    ),
    "tcpflags_3_syn_43418": (
        TCP,
        (
            "3 vpc-abcdefab012345678 subnet-aaaaaaaa012345678 i-01234567890123456 eni-1235b8ca123456789 123456789010 "
            "IPv4 52.213.180.42 10.0.0.62 43418 5001 52.213.180.42 10.0.0.62 6 100701 70 1566848875 1566848933 ACCEPT "
            "2 OK"
        ),
    ),
    "tcpflags_4_synack_43418": (
        TCP,
        (
            "3 vpc-abcdefab012345678 subnet-aaaaaaaa012345678 i-01234567890123456 eni-1235b8ca123456789 123456789010 "
            "IPv4 10.0.0.62 52.213.180.42 5001 43418 10.0.0.62 52.213.180.42 6 632 12 1566848875 1566848933 ACCEPT 18 "
            "OK"
        ),
    ),
    "tcpflags_5_fin_server": (
        TCP,
        (
            "3 vpc-abcdefab012345678 subnet-aaaaaaaa012345678 i-01234567890123456 eni-1235b8ca123456789 123456789010 "
            "IPv4 10.0.0.62 52.213.180.42 5001 43418 10.0.0.62 52.213.180.42 6 63388 1219 1566848933 1566849113 "
            "ACCEPT 1 OK"
        ),
    ),
    "tcpflags_6_fin_client": (
        TCP,
        (
            "3 vpc-abcdefab012345678 subnet-aaaaaaaa012345678 i-01234567890123456 eni-1235b8ca123456789 123456789010 "
            "IPv4 52.213.180.42 10.0.0.62 43418 5001 52.213.180.42 10.0.0.62 6 23294588 15774 1566848933 1566849113 "
            "ACCEPT 1 OK"
        ),
    ),
    "tcpflags_7_short_client_syn_fin": (
        TCP,
        (
            "3 vpc-abcdefab012345678 subnet-aaaaaaaa012345678 i-01234567890123456 eni-1235b8ca123456789 123456789010 "
            "IPv4 52.213.180.42 10.0.0.62 43638 5001 52.213.180.42 10.0.0.62 6 1260 17 1566933133 1566933193 ACCEPT 3 "
            "OK"
        ),
    ),
    "tcpflags_8_short_server_synack_fin": (
        TCP,
        (
            "3 vpc-abcdefab012345678 subnet-aaaaaaaa012345678 i-01234567890123456 eni-1235b8ca123456789 123456789010 "
            "IPv4 10.0.0.62 52.213.180.42 5001 43638 10.0.0.62 52.213.180.42 6 967 14 1566933133 1566933193 ACCEPT 19 "
            "OK"
        ),
    ),
    "tcpflags_8_as_printed_double_space": (
        TCP,
        (
            "3 vpc-abcdefab012345678 subnet-aaaaaaaa012345678 i-01234567890123456 eni-1235b8ca123456789 123456789010 "
            "IPv4 10.0.0.62 52.213.180.42 5001 43638  10.0.0.62 52.213.180.42 6 967 14 1566933133 1566933193 ACCEPT "
            "19 OK"
        ),
    ),
    "zonal_nat_1_instance_to_nat": (NAT, "- eni-1235b8ca123456789 10.0.1.5 10.0.0.220 10.0.1.5 203.0.113.5"),
    "zonal_nat_2_nat_to_internet": (NAT, "- eni-1235b8ca123456789 10.0.0.220 203.0.113.5 10.0.0.220 203.0.113.5"),
    "zonal_nat_3_internet_to_nat": (NAT, "- eni-1235b8ca123456789 203.0.113.5 10.0.0.220 203.0.113.5 10.0.0.220"),
    "zonal_nat_4_nat_to_instance": (NAT, "- eni-1235b8ca123456789 10.0.0.220 10.0.1.5 203.0.113.5 10.0.1.5"),
    "zonal_nat_5_instance_eni_egress": (
        NAT,
        "i-01234567890123456 eni-1111aaaa2222bbbb3 10.0.1.5 203.0.113.5 10.0.1.5 203.0.113.5",
    ),
    "zonal_nat_6_instance_eni_ingress": (
        NAT,
        "i-01234567890123456 eni-1111aaaa2222bbbb3 203.0.113.5 10.0.1.5 203.0.113.5 10.0.1.5",
    ),
    "regional_nat_1_instance_to_nat": (
        REGIONAL_NAT,
        "nat-1234567890abcdef - - - 10.0.1.5 203.0.113.5 10.0.1.5 203.0.113.5",
    ),
    "regional_nat_2_nat_to_internet": (
        REGIONAL_NAT,
        "nat-1234567890abcdef - - - 107.22.182.139 203.0.113.5 107.22.182.139 203.0.113.5",
    ),
    "regional_nat_3_internet_to_nat": (
        REGIONAL_NAT,
        "nat-1234567890abcdef - - - 203.0.113.5 107.22.182.139 203.0.113.5 107.22.182.139",
    ),
    "regional_nat_4_nat_to_instance": (
        REGIONAL_NAT,
        "nat-1234567890abcdef - - - 203.0.113.5 10.0.1.5 203.0.113.5 10.0.1.5",
    ),
    "regional_nat_5_instance_eni_egress": (
        REGIONAL_NAT,
        (
            "- i-01234567890123456 eni-1111aaaa2222bbbb3 subnet-aaaaaaaa012345678 10.0.1.5 203.0.113.5 10.0.1.5 "
            "203.0.113.5"
        ),
    ),
    "regional_nat_6_instance_eni_ingress": (
        REGIONAL_NAT,
        (
            "- i-01234567890123456 eni-1111aaaa2222bbbb3 subnet-aaaaaaaa012345678 203.0.113.5 10.0.1.5 203.0.113.5 "
            "10.0.1.5"
        ),
    ),
    "transit_gateway_1_server_request": (
        TGW,
        (
            "3 eni-33333333333333333 123456789010 vpc-abcdefab012345678 subnet-22222222bbbbbbbbb i-01234567890123456 "
            "10.20.33.164 10.40.2.236 39812 80 6 3 IPv4 10.20.33.164 10.40.2.236 ACCEPT OK"
        ),
    ),
    "transit_gateway_2_server_response": (
        TGW,
        (
            "3 eni-33333333333333333 123456789010 vpc-abcdefab012345678 subnet-22222222bbbbbbbbb i-01234567890123456 "
            "10.40.2.236 10.20.33.164 80 39812 6 19 IPv4 10.40.2.236 10.20.33.164 ACCEPT OK"
        ),
    ),
    "transit_gateway_3_tgw_eni_request": (
        TGW,
        (
            "3 eni-11111111111111111 123456789010 vpc-abcdefab012345678 subnet-11111111aaaaaaaaa - 10.40.1.175 "
            "10.40.2.236 39812 80 6 3 IPv4 10.20.33.164 10.40.2.236 ACCEPT OK"
        ),
    ),
    "transit_gateway_4_tgw_eni_response": (
        TGW,
        (
            "3 eni-22222222222222222 123456789010 vpc-abcdefab012345678 subnet-22222222bbbbbbbbb - 10.40.2.236 "
            "10.40.2.31 80 39812 6 19 IPv4 10.40.2.236 10.20.33.164 ACCEPT OK"
        ),
    ),
    "service_path_1_s3_ingress": (
        PATHS,
        (
            "5 52.95.128.179 10.0.0.71 80 34210 6 1616729292 1616729349 IPv4 14 15044 123456789012 "
            "vpc-abcdefab012345678 subnet-aaaaaaaa012345678 i-0c50d5961bcb2d47b eni-1235b8ca123456789 ap-southeast-2 "
            "apse2-az3 - - ACCEPT 19 52.95.128.179 10.0.0.71 S3 - - ingress OK"
        ),
    ),
    "service_path_2_s3_egress": (
        PATHS,
        (
            "5 10.0.0.71 52.95.128.179 34210 80 6 1616729292 1616729349 IPv4 7 471 123456789012 vpc-abcdefab012345678 "
            "subnet-aaaaaaaa012345678 i-0c50d5961bcb2d47b eni-1235b8ca123456789 ap-southeast-2 apse2-az3 - - ACCEPT 3 "
            "10.0.0.71 52.95.128.179 - S3 8 egress OK"
        ),
    ),
}

INTEGER_FIELDS = set(words("version srcport dstport protocol packets bytes start end tcp-flags traffic-path"))


def printed(names: str, record: str) -> dict[str, Any]:
    """Return the values of a record: integers where AWS documents them, and no value for ``-``."""
    values = zip(names.split(), record.split(), strict=True)
    return {
        name.replace("-", "_"): int(value) if name in INTEGER_FIELDS else value
        for name, value in values
        if value != "-"
    }


def test_the_first_example_of_aws_is_parsed_value_by_value() -> None:
    row = only_row(text(header(), RECORD))
    del row["event_time"]
    assert row == {
        "version": 2,
        "account_id": "123456789010",
        "interface_id": "eni-1235b8ca123456789",
        "srcaddr": "172.31.16.139",
        "dstaddr": "172.31.16.21",
        "srcport": 20641,
        "dstport": 22,
        "protocol": 6,
        "packets": 20,
        "bytes": 4249,
        "start": 1418530010,
        "end": 1418530070,
        "action": "ACCEPT",
        "log_status": "OK",
    }


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_of_aws_is_parsed_to_its_row(name: str) -> None:
    names, record = EXAMPLES[name]
    row = only_row(text(names.encode(), record.encode()), names.split())
    time = row.pop("event_time", None)
    assert row == printed(names, record)
    assert (time and int(time.timestamp())) == row.get("start")


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_of_aws_keeps_all_values_in_a_table_of_the_default_format(name: str) -> None:
    names, record = EXAMPLES[name]
    row = only_row(text(names.encode(), record.encode()))
    row.pop("event_time", None)
    others = row.pop("other_fields", {})
    values = {**row, **{key.replace("-", "_"): value for key, value in others.items()}}
    assert {key: str(value) for key, value in values.items()} == {
        key: str(value) for key, value in printed(names, record).items()
    }
    assert not set(others) & set(DEFAULT)


@pytest.mark.parametrize("compressed", [False, True])
def test_all_examples_of_aws_are_parsed_from_one_file(compressed: bool) -> None:
    content = text(*(line.encode() for example in EXAMPLES.values() for line in example))
    columns = PATHS.split()
    rows, entries = parsed(packed(content) if compressed else content, columns)
    assert entries == []
    assert len(rows) == len(EXAMPLES) == 34
    same(parsed(content, columns), expected(content, columns))


def test_two_spaces_in_an_example_of_aws_give_the_same_row() -> None:
    twice = EXAMPLES["tcpflags_8_as_printed_double_space"]
    assert "  " in twice[1]
    once = EXAMPLES["tcpflags_8_short_server_synack_fin"]
    assert only_row(text(*map(str.encode, twice))) == only_row(text(*map(str.encode, once)))


@pytest.mark.parametrize("status", ["NODATA", "SKIPDATA"])
def test_nodata_and_skipdata_records_are_rows(status: str) -> None:
    row = only_row(text(header(), f"2 123456789010 eni-1 - - - - - - - 1431280876 1431280934 - {status}".encode()))
    assert row["log_status"] == status
    assert set(row) == {"version", "account_id", "interface_id", "start", "end", "log_status", "event_time"}


def test_unknown_values_of_enumerated_fields_are_kept() -> None:
    content = text(b"account-id action log-status type", b"unknown MAYBE INCOMPLETEDATA IPv9")
    row = only_row(content, ("account-id", "action", "log-status", "type"))
    assert row == {"account_id": "unknown", "action": "MAYBE", "log_status": "INCOMPLETEDATA", "type": "IPv9"}


def test_an_account_id_keeps_its_leading_zeros() -> None:
    assert only_row(text(b"account-id version", b"000000000012 2"))["account_id"] == "000000000012"


# Dashes and similar values


def test_a_dash_is_null_in_every_column() -> None:
    content = text(header(), b" ".join([b"-"] * 14), RECORD)
    rows, entries = parsed(content)
    assert entries == []
    assert filled(rows[0]) == {}
    assert len(rows) == 2


def test_a_dash_is_absent_from_other_fields() -> None:
    assert only_row(text(b"version vpc-id zoo type", b"2 vpc-1 - -"), THREE)["other_fields"] == {"vpc-id": "vpc-1"}


@pytest.mark.parametrize(
    "value", ["--", "-a", "a-", "NULL", "null", "N/A", "NaN", '""', "''", '"-"', "#N/A", "nil", "\\N"]
)
def test_only_a_dash_alone_is_null(value: str) -> None:
    assert only_row(text(b"version srcaddr", b"2 " + value.encode()), THREE)["srcaddr"] == value
    assert only_entry(text(b"version srcaddr", value.encode() + b" a"), THREE).line_number == 2


@pytest.mark.parametrize(
    "value", ['"', '"a', '"a"', 'a"b"', "\\", "\\n", "a,b", "a;b", "#", "true", "1e3", "2026-01-01", "'x'"]
)
def test_quotes_backslashes_and_other_special_characters_are_part_of_a_value(value: str) -> None:
    content = text(b"version srcaddr zoo", f"2 {value} {value}".encode(), f"3 {value} {value}".encode())
    rows, entries = parsed(content, THREE)
    assert entries == []
    assert [(row["version"], row["srcaddr"], row["other_fields"]) for row in rows] == [
        (2, value, {"zoo": value}),
        (3, value, {"zoo": value}),
    ]


# Integers

GOOD = {
    b"0": 0,
    b"-0": 0,
    b"00": 0,
    b"-000": 0,
    b"007": 7,
    b"-007": -7,
    b"-1": -1,
    b"2147483647": 2**31 - 1,
    b"-2147483648": -(2**31),
    b"0" * 30 + b"5": 5,
    b"-" + b"0" * 300 + b"5": -5,
    b"0" * 5000: 0,
}
BAD = [
    b"+5",
    b"+0",
    b"1_000",
    b"1,000",
    b"0x10",
    b"0X10",
    b"-0x1",
    b"0x",
    b"0b1",
    b"0o7",
    b"1e3",
    b"1.0",
    b"1.",
    b".5",
    b"5\t",
    b"\t5",
    b"\t",
    b"5\r",
    b"\r5",
    b"5\x0b",
    b"5\x0c",
    b"5\x00",
    b"\x005",
    b"\x00",
    b"5\xc2\xa0",
    b"--5",
    b"5-",
    b"-5-",
    b"five",
    b"nan",
    b"inf",
    b"true",
    b"NULL",
    b'"5"',
    b"5L",
    "٥".encode(),
    "５".encode(),
    "²".encode(),
    "−5".encode(),
    b"\xef\xbb\xbf5",
    b"9" * 5000,
    b"-" + b"9" * 5000,
]


@pytest.mark.parametrize("columns", [INTEGERS, MIXED], ids=["integers only", "with text"])
@pytest.mark.parametrize("value", GOOD, ids=lambda value: value[:12].decode())
def test_an_integer_is_digits_with_an_optional_minus_and_leading_zeros(value: bytes, columns: tuple[str, ...]) -> None:
    record = b" ".join(value if name != "srcaddr" else b"a" for name in columns)
    row = only_row(text(header(columns), record), columns)
    assert row["version"] == row["bytes"] == GOOD[value]


@pytest.mark.parametrize("columns", [INTEGERS, MIXED], ids=["integers only", "with text"])
@pytest.mark.parametrize("field", ["version", "bytes"])
@pytest.mark.parametrize("value", BAD, ids=lambda value: repr(value[:12]))
def test_a_non_integer_value_is_an_entry_that_names_the_field(
    value: bytes, field: str, columns: tuple[str, ...]
) -> None:
    record = b" ".join(value if name == field else b"1" for name in columns)
    record += b" " if record.endswith(b"\r") else b""  # otherwise the CR would belong to the line end
    good = b" ".join(b"1" for _ in columns)
    rows, entries = parsed(text(header(columns), good, record, good), columns)
    assert [row["version"] for row in rows] == [1, 1]
    assert places(entries) == [(3, 1)]
    assert entries[0].line == record.decode()[:4096]
    assert field in entries[0].reason


@pytest.mark.parametrize(
    ("field", "fits", "value"),
    [
        ("version", True, 2**31 - 1),
        ("version", False, 2**31),
        ("version", True, -(2**31)),
        ("version", False, -(2**31) - 1),
        ("bytes", True, 2**31),
        ("bytes", True, 2**63 - 1),
        ("bytes", False, 2**63),
        ("bytes", True, -(2**63)),
        ("bytes", False, -(2**63) - 1),
        ("bytes", False, 2**64),
        ("bytes", False, 2**64 + 5),
        ("version", False, 2**32 + 5),
        ("version", False, 2**64 + 5),
    ],
)
def test_an_integer_must_fit_its_column(field: str, fits: bool, value: int) -> None:
    content = text(f"srcaddr {field}".encode(), f"a {value}".encode(), f"b 000{value}".replace("000-", "-000").encode())
    rows, entries = parsed(content, MIXED)
    if fits:
        assert entries == []
        assert [row[field] for row in rows] == [value, value]
    else:
        assert rows == []
        assert places(entries) == [(2, 1), (3, 1)]
        assert all(field in entry.reason for entry in entries)


def test_the_reason_names_the_field() -> None:
    entry = parsed(text(b"srcaddr tcp_flags", b"a x"), ("tcp-flags",)).entries[0]
    assert "tcp-flags" in entry.reason or "tcp_flags" in entry.reason


def test_an_integer_field_without_a_column_is_not_checked() -> None:
    row = only_row(text(b"srcaddr version tcp-flags", b"a ten 0x1"), ("srcaddr",))
    assert row["other_fields"] == {"version": "ten", "tcp-flags": "0x1"}


# Spaces, tabs, line ends


@pytest.mark.parametrize(
    "line",
    [b"2  a 3", b" 2 a 3", b"2 a 3 ", b"   2    a  3   ", b"2 a   3"],
)
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b""])
def test_runs_of_spaces_separate_fields_and_outer_spaces_are_ignored(line: bytes, end: bytes) -> None:
    content = header(THREE) + b"\n" + line + end
    assert only_row(content, THREE) == {"version": 2, "srcaddr": "a", "dstport": 3}
    assert only_row(content + b"\n" * (not end) + b"  \n \n", THREE) == {"version": 2, "srcaddr": "a", "dstport": 3}


def test_two_spaces_are_not_an_empty_value() -> None:
    rows, entries = parsed(text(b"srcaddr dstaddr action", b"a  b", b"a b ", b" a b", b"a b c"), ("srcaddr",))
    assert [row["srcaddr"] for row in rows] == ["a"]
    assert places(entries) == [(2, 1), (3, 1), (4, 1)]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("blank", [b"", b" ", b"  ", b" " * 13, b" " * 100])
def test_blank_lines_are_ignored_but_counted(blank: bytes, end: bytes) -> None:
    content = text(blank, header(), blank, RECORD, blank, blank, b"x y", blank, end=end) + blank
    rows, entries = parsed(content)
    assert len(rows) == 1
    assert places(entries) == [(7, 1)]


@pytest.mark.parametrize("width", [1, 2, 3])
@pytest.mark.parametrize("field", ["srcaddr", "version", "zoo"])
def test_blank_lines_are_ignored_for_any_number_of_fields(field: str, width: int) -> None:
    names = [field, *["version", "bytes", "start"][: width - 1]]
    record = b" ".join([b"1"] * width)
    content = text(header(names), *[b" " * count for count in range(6)], record)
    if field == "zoo" and width == 1:
        names, content = ["srcaddr"], text(b"srcaddr", b"", b" ", record)
    assert len(parsed(content, names).rows) == 1
    assert parsed(content, names).entries == []


def test_lines_may_end_with_lf_or_cr_lf_in_one_file() -> None:
    rows, entries = parsed(b"version srcaddr\r\n2 a\n3 b\r\n4 c", THREE)
    assert [(row["version"], row["srcaddr"]) for row in rows] == [(2, "a"), (3, "b"), (4, "c")]
    assert entries == []


def test_a_tab_is_part_of_a_value() -> None:
    assert only_row(b"version srcaddr\n2 a\tb\n", THREE)["srcaddr"] == "a\tb"
    assert only_row(b"version srcaddr\n2 \t\n", THREE)["srcaddr"] == "\t"
    assert only_row(b"srcaddr dstaddr\n\ta b\t\n", ("srcaddr", "dstaddr")) == {"srcaddr": "\ta", "dstaddr": "b\t"}
    assert places(parsed(b"version srcaddr\n2\ta\n\t\n", THREE).entries) == [(2, 1), (3, 1)]


def test_a_lone_cr_is_part_of_a_value() -> None:
    assert only_row(b"version srcaddr\n2 a\rb\n", THREE)["srcaddr"] == "a\rb"
    assert only_row(b"version srcaddr\n2 \ra\n", THREE)["srcaddr"] == "\ra"
    assert only_row(b"version srcaddr\r\n2 a\r\r\n", THREE)["srcaddr"] == "a\r"
    assert only_row(b"version srcaddr\n2 a\r \n", THREE)["srcaddr"] == "a\r"
    assert only_row(b"srcaddr version\na\rb\rc 2\n", THREE)["srcaddr"] == "a\rb\rc"


def test_a_cr_at_the_end_of_a_file_is_part_of_the_value_with_and_without_bundles() -> None:
    for bundles in (True, False):
        with limits(bundles=bundles):
            assert only_row(b"version srcaddr\n2 a\r", THREE)["srcaddr"] == "a\r"


def test_a_last_line_without_a_line_end_is_a_line() -> None:
    assert only_row(b"version srcaddr\n2 a", THREE) == {"version": 2, "srcaddr": "a"}
    assert places(parsed(b"version srcaddr\n2", THREE).entries) == [(2, 1)]


@pytest.mark.parametrize("sign", ["\x0b", "\x0c", "\x1c", "\x1d", "\x85", "\u2028", "\u2029", "\xa0", "\u3000", "\x00"])
def test_no_other_character_ends_a_line_or_separates_fields(sign: str) -> None:
    value = f"a{sign}b"
    content = text(b"version srcaddr", f"2 {value}".encode(), f"3 {sign}".encode())
    rows, entries = parsed(content, THREE)
    assert [row["srcaddr"] for row in rows] == [value, sign]
    assert entries == []


def test_nul_bytes_are_part_of_a_value_and_never_blank() -> None:
    assert only_row(b"version srcaddr\n2 \0a\0\n", THREE)["srcaddr"] == "\0a\0"
    assert places(parsed(b"version srcaddr\n\0\0\0\n", THREE).entries) == [(2, 1)]
    assert only_entry(b"\0" * 100).lines == 1


# Quarantined lines


@pytest.mark.parametrize("record", [b"2 a", b"2", b"2 a 3 4", b"2 a 3 4 5 6 7"])
def test_a_wrong_number_of_fields_is_an_entry_and_the_rest_of_the_file_is_kept(record: bytes) -> None:
    rows, entries = parsed(text(header(THREE), b"1 a 1", record, b"3 c 3"), THREE)
    assert [row["version"] for row in rows] == [1, 3]
    assert [(entry.source_file, entry.line_number, entry.lines, entry.line) for entry in entries] == [
        (PATH, 3, 1, record.decode())
    ]


def test_damaged_lines_do_not_affect_the_other_lines() -> None:
    content = text(header(), *[RECORD] * 2000)
    content = damage.bad_integer(content, line=2, field=10)
    content = damage.too_few_fields(content, line=777)
    content = damage.too_many_fields(content, line=1000)
    content = damage.not_utf8(content, line=1500)
    content = damage.with_double_spaces(content, line=1501)
    content = damage.bad_integer(content, line=2001, field=1, value=b"9" * 10)
    for bundles in (True, False):
        with limits(bundles=bundles):
            rows, entries = parsed(content)
            assert len(rows) == 1995
            assert places(entries) == [(2, 1), (777, 1), (1000, 1), (1500, 1), (2001, 1)]
            same(parsed(content), expected(content))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (b"\xff", r"\xff"),
        (b"a\xfe\xffb", r"a\xfe\xffb"),
        (b"\xc3", r"\xc3"),
        (b"\xe4\xf6\xfc", r"\xe4\xf6\xfc"),
        (b"\xc0\xaf", r"\xc0\xaf"),
        (b"\xed\xa0\x80", r"\xed\xa0\x80"),
        (b"\xf4\x90\x80\x80", r"\xf4\x90\x80\x80"),
        (b"\xf0\x9f\x98", r"\xf0\x9f\x98"),
    ],
)
@pytest.mark.parametrize("names", [b"version srcaddr", b"version zoo", b"srcaddr version"])
def test_invalid_utf8_is_an_entry_that_shows_the_bytes(value: bytes, shown: str, names: bytes) -> None:
    records = {b"version srcaddr": b"2 %b", b"version zoo": b"2 %b", b"srcaddr version": b"%b 2"}
    record = records[names]
    rows, entries = parsed(text(names, record % b"\xc3\xa9", record % value, record % b"b"), THREE)
    assert len(rows) == 2
    assert places(entries) == [(3, 1)]
    assert entries[0].line == record.decode().replace("%b", shown)


def test_text_in_any_script_is_a_value() -> None:
    value = "é中\N{GRINNING FACE}\U0010ffff"
    assert only_row(text(b"version srcaddr zoo", f"2 {value} {value}".encode()), THREE) == {
        "version": 2,
        "srcaddr": value,
        "other_fields": {"zoo": value},
    }


def test_the_line_of_an_entry_has_at_most_4096_characters() -> None:
    for sign in ("x", "é", "中", "\N{GRINNING FACE}"):
        for count in (4095, 4096, 4097, 20000):
            entry = only_entry(text((sign * count).encode()), THREE)
            assert entry.line == (sign * count)[:4096]
    entry = only_entry(text(b"\xff" * 5000), THREE)
    assert entry.line == (r"\xff" * 5000)[:4096]
    entry = only_entry(text(b"x" + "\N{GRINNING FACE}".encode() * 5000), THREE)
    assert entry.line == "x" + "\N{GRINNING FACE}" * 4095


def test_the_line_of_an_entry_has_no_line_end() -> None:
    for end in (b"\n", b"\r\n", b""):
        assert parsed(b"version srcaddr\n2 a b" + end, THREE).entries[0].line == "2 a b"


def test_line_numbers_count_blank_lines_header_lines_and_records() -> None:
    lines = [b"", header(THREE), b"2 a 1", b"x", b"", b"   ", header(("srcaddr",)), b"a", b"a b", header(THREE), b"y"]
    for end in (b"\n", b"\r\n"):
        rows, entries = parsed(text(*lines, end=end), THREE)
        assert len(rows) == 2
        assert places(entries) == [(4, 1), (9, 1), (11, 1)]


def test_line_numbers_are_correct_in_every_part_of_a_long_file() -> None:
    lines = [header(THREE), *(b"2 a %d" % number for number in range(20_000))]
    bad = [2, 3, 4000, 4001, 9999, 15_000, 20_000, 20_001]
    for number in bad:
        lines[number - 1] = b"bad"
    for block in (997, 65_536, 2 * MEBIBYTE):
        with limits(block=block, halved=256, bundles=False):
            rows, entries = parsed(text(*lines), THREE)
            assert len(rows) == 20_000 - len(bad)
            assert places(entries) == [(number, 1) for number in bad]


# Long lines


def long_line(length: int) -> bytes:
    """Return a record of the three fields with the given number of bytes."""
    return b"2 %b 3" % (b"x" * (length - 4))


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("before", [0, 1, 200_000])
def test_a_line_of_1_mib_is_read_and_a_longer_line_is_an_entry(before: int, end: bytes) -> None:
    short = [long_line(50)] * (before // 50)
    for length, fits in ((MEBIBYTE, True), (MEBIBYTE + 1, False)):
        content = text(header(THREE), *short, long_line(length), b"4 y 5", end=end)
        rows, entries = parsed(content, THREE)
        assert len(rows) == len(short) + 1 + fits
        assert filled(rows[-1]) == {"version": 4, "srcaddr": "y", "dstport": 5}
        assert places(entries) == ([] if fits else [(len(short) + 2, 1)])
        if fits:
            assert len(rows[-2]["srcaddr"]) == MEBIBYTE - 4
        else:
            assert entries[0].line == ("2 " + "x" * 5000)[:4096]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_the_line_length_is_correct_wherever_blocks_end(end: bytes) -> None:
    longest = 40
    lines = [header(THREE)]
    for length in (39, 40, 41, 42, 80, 81, 200, 40, 41):
        lines += [long_line(length), b"2 a 3"]
    for last in (long_line(40), long_line(41), long_line(40) + b" "):
        content = text(*lines, end=end) + last
        result = expected(content, THREE, longest=longest)
        for block in [*range(1, 60), 80, 81, 82, 120, 500]:
            with limits(block=block, longest=longest, halved=16, bundles=False):
                same(parsed(content, THREE), result)


def test_an_oversized_last_line_without_a_line_end_is_an_entry() -> None:
    for length, fits in ((MEBIBYTE, True), (MEBIBYTE + 1, False), (5 * MEBIBYTE, False)):
        rows, entries = parsed(header(THREE) + b"\n" + long_line(length), THREE)
        assert (len(rows), len(entries)) == (int(fits), int(not fits))


def test_an_oversized_line_may_span_many_blocks_and_the_lines_around_it_are_kept() -> None:
    content = text(
        header(THREE), b"1 a 1", long_line(5 * MEBIBYTE), b"2 b 2", long_line(3 * MEBIBYTE), b"bad", b"3 c 3"
    )
    for data in (content, packed(content, 1)):
        rows, entries = parsed(data, THREE)
        assert [row["version"] for row in rows] == [1, 2, 3]
        assert places(entries) == [(3, 1), (5, 1), (6, 1)]


def test_an_oversized_blank_line_is_ignored() -> None:
    for end in (b"\n", b"\r\n", b""):
        for length in (MEBIBYTE + 1, 2 * MEBIBYTE, 5 * MEBIBYTE):
            assert parsed(header(THREE) + b"\n" + b" " * length + end, THREE) == ([], [])


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_an_oversized_blank_line_is_ignored_wherever_blocks_end(end: bytes) -> None:
    content = text(b"srcaddr", b" " * 41, b"a", b" " * 45, end=end)
    for block in range(1, 100):
        with limits(block=block, longest=40, bundles=False):
            rows, entries = parsed(content, THREE)
            assert [row["srcaddr"] for row in rows] == ["a"]
            assert entries == []


def test_an_oversized_line_of_lone_crs_is_an_entry() -> None:
    for line in (b"\r" * (MEBIBYTE + 2), b" " * MEBIBYTE + b"\r "):
        rows, entries = parsed(text(b"srcaddr", b"a", line, b"b"), THREE)
        assert [row["srcaddr"] for row in rows] == ["a", "b"]
        assert places(entries) == [(3, 1)]


@pytest.mark.parametrize("line", [b"\r" * 50, b" " * 45 + b"\r \r", b"\r" + b" " * 50, b" " * 50 + b"\r "])
def test_an_oversized_line_of_spaces_and_lone_crs_is_not_blank(line: bytes) -> None:
    content = text(b"srcaddr", b"a", line, b"b")
    for block in range(1, 100):
        with limits(block=block, longest=40, bundles=False):
            rows, entries = parsed(content, THREE)
            assert [row["srcaddr"] for row in rows] == ["a", "b"]
            assert places(entries) == [(3, 1)]


def test_an_oversized_line_among_lines_without_a_header_is_counted() -> None:
    assert only_entry(text(b"2 a", long_line(MEBIBYTE + 1), b"x"), THREE).lines == 3


def test_an_oversized_first_line_is_counted_once() -> None:
    rows, entries = parsed(text(long_line(MEBIBYTE + 1), header(THREE), b"2 a 3"), THREE)
    assert len(rows) == 1
    assert places(entries) == [(1, 1)]


# Files


def test_empty_files_and_files_of_blank_lines_give_no_rows_and_no_entries() -> None:
    for content in (b"", b"\n", b"\r\n", b"   ", b" \n\r\n  \n\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"):
        assert parsed(content) == ([], [])
        assert parsed(packed(content)) == ([], [])


def test_files_of_only_a_header_line_give_no_rows_and_no_entries() -> None:
    for content in (
        header(),
        header() + b"\n",
        header() + b"\r\n",
        b"\xef\xbb\xbf" + header(),
        b"\n" + header() + b" \n\n",
    ):
        assert parsed(content) == ([], [])
        assert parsed(packed(content)) == ([], [])


@pytest.mark.parametrize("name", ["a.log", "a.log.gz", "a.parquet", "a.csv", "a", "s3://b/a%20b/é.txt.zip", ""])
def test_text_and_gzip_are_detected_by_their_first_bytes_and_not_by_the_file_name(name: str) -> None:
    for content in (text(header(), RECORD), packed(text(header(), RECORD))):
        rows, entries = parsed([(name, content)])
        assert [row["source_file"] for row in rows] == [name]
        assert entries == []


def test_part_of_a_byte_order_mark_is_text() -> None:
    for content in (b"\xef", b"\xef\xbb"):
        assert only_entry(content).line == repr(content)[2:-1]
