"""The answers over hand-written records of every kind of format, compared with the same answers in plain Python."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

import pytest
from pyspark.sql import SparkSession

from tests.support import answer_oracles as oracle
from tests.support.answer_oracles import at, window
from tests.support.answer_records import GROUPS, SINCE, UNTIL, Record, parquet_file, text_file
from tests.support.documented_records import DOCUMENTED
from tests.support.ingesting import Place, ingest
from vpc_flow_logs.answers import addresses
from vpc_flow_logs.answers.catalog import catalog
from vpc_flow_logs.answers.create import create
from vpc_flow_logs.answers.statements import sources_of, statements
from vpc_flow_logs.fields import DEFAULT_FORMAT, FIELDS

RECORDS = {f"fl-{number:017x}": records for number, records in enumerate([*GROUPS, DOCUMENTED], start=1)}
"""The records of each flow log. Each has its own format."""

EVERY_RECORD = [each for records in RECORDS.values() for each in records]
ANSWERS = {answer.name: answer for answer in catalog()}
IN_WINDOW = window(EVERY_RECORD)
ADMIN_PORTS = oracle.ADMIN


def chosen(**values: Any) -> list[Record]:
    """Return the records of the window whose fields have these values."""
    return [r for r in IN_WINDOW if all(r.get(name.replace("_", "-")) == value for name, value in values.items())]


def port_of(r: Record, *ports: int) -> bool:
    return r.number("srcport") in ports or r.number("dstport") in ports


EXPECTED: dict[str, list[tuple[Any, ...]]] = {
    "accepted_traffic": oracle.flows(chosen(action="ACCEPT", protocol="6")),
    "rejected_tcp_traffic": oracle.flows(chosen(action="REJECT", protocol="6")),
    "rejected_traffic": oracle.flows(chosen(action="REJECT")),
    "ssh_rdp_traffic": oracle.flows(r for r in IN_WINDOW if port_of(r, 22, 3389)),
    "top_tcp_traffic": oracle.flows(chosen(protocol="6")),
    "traffic_from": oracle.flows(IN_WINDOW),
    "traffic_to": oracle.flows(IN_WINDOW),
    "admin_port_traffic": oracle.top((r for r in IN_WINDOW if r.number("dstport") in ADMIN_PORTS), "dstaddr"),
    "ipv4_traffic": oracle.ip_totals(IN_WINDOW, 4),
    "ipv6_traffic": oracle.ip_totals(IN_WINDOW, 6),
    "top_talkers": oracle.top(IN_WINDOW, "srcaddr"),
    "top_talkers_packet_level": oracle.top(IN_WINDOW, "pkt-srcaddr"),
    "top_talking_instances": oracle.top(IN_WINDOW, "instance-id"),
    "top_talking_subnets": oracle.top(IN_WINDOW, "subnet-id"),
    "total_bytes_transferred": oracle.top(IN_WINDOW, "srcaddr", "dstaddr"),
    "total_bytes_transferred_packet_level": oracle.top(IN_WINDOW, "pkt-srcaddr", "pkt-dstaddr"),
    "nat_gateway_bytes": oracle.nat_gateway_bytes(IN_WINDOW),
    "gateway_endpoint_savings": oracle.gateway_endpoint_savings(IN_WINDOW),
    "cross_az_bytes": oracle.cross_az_bytes(IN_WINDOW),
    "internet_egress": oracle.internet_egress(IN_WINDOW),
    "port_scans": oracle.port_scans(IN_WINDOW),
    "rejected_sources": [
        (source, ports, addresses, *oracle.totals(group)[()])
        for source, ports, addresses, group in oracle.rejected_sources(IN_WINDOW)
    ],
    "admin_ports_from_internet": oracle.flows(
        r
        for r in chosen(action="ACCEPT")
        if r.number("dstport") in ADMIN_PORTS
        and oracle.is_public(r.get("srcaddr"))
        and r.get("flow-direction") in ("ingress", None)
    ),
    "unusual_uploads": oracle.unusual_uploads(EVERY_RECORD),
    "unencrypted_traffic": oracle.flows(
        (r for r in chosen(encryption_status="0") if oracle.accepted(r)), oracle.number("traffic-path")
    ),
    "blocked_by_policy": [
        (key[0], *rest)
        for reason in ("BPA", "EC")
        for key, rest in [((reason,), row) for row in oracle.flows(chosen(action="REJECT", reject_reason=reason))]
    ],
    "transit_gateway_drops": oracle.drops(IN_WINDOW),
    "skipped_data": [("eni-b", "SKIPDATA", 1), ("eni-a", "NODATA", 2)],
}
"""The rows of each answer without parameters. The other answers have separate tests."""

CLASSES = {
    "private": "10.0.0.0 10.255.255.255 172.16.0.0 172.31.255.255 192.168.1.1 100.64.0.0 100.127.255.255 fd00::1",
    "special": "0.0.0.0 127.0.0.1 169.254.169.254 224.0.0.1 255.255.255.255 240.0.0.1 :: ::1 fe80::1 ff02::1 2001::1 "
    "2002::1 100::1 1:2:3:4:5:6:7:8",
    "public": "9.255.255.255 11.0.0.0 172.15.255.255 172.32.0.0 100.63.255.255 100.128.0.0 8.8.8.8 52.95.128.179 "
    "192.0.2.1 198.51.100.1 203.0.113.5 198.18.0.1 223.255.255.255 2600:1f18::5 2001:db8::1 64:ff9b::102:304",
}
"""Addresses at the edges of ranges."""

VALUE = {"rejected_sources": "records", "blocked_by_policy": "records", "skipped_data": None, "port_scans": None,
         "transit_gateway_drops": None}  # fmt: skip
"""The column that sorts the rows, largest first, if it is not ``bytes``."""


@pytest.fixture(scope="module")
def tables(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Sequence[str]:
    """Load all records into two tables, one with the columns of the default format and one with all columns."""
    names = {"plain": DEFAULT_FORMAT, "wide": [field.name for field in FIELDS]}
    for name, headers in names.items():
        where = Place(tmp_path_factory.mktemp(name), f"answers_{name}", headers=headers)
        for flow_log, records in RECORDS.items():
            half = len(records) // 2 if flow_log.endswith(("3", "5")) else len(records)
            prefix = f"012345678901_vpcflowlogs_us-east-1_{flow_log}_20260308T1205Z"
            where.deliver(text_file(records[:half]), f"{prefix}_1.log.gz")
            if records[half:]:
                where.deliver(parquet_file(records[half:]), f"{prefix}_2.log.parquet")
        where.deliver(
            b"srcaddr dstaddr\n1 2 3\n1 2 3\n", "012345678901_vpcflowlogs_us-east-1_fl-9_20260308T1205Z_0.log"
        )
        ingest(spark, where)
        if name == "plain":
            assert len(create(spark, where.table_name)) == 1
        else:
            _create_views(spark, where.table_name)
            spark.catalog.cacheTable(f"{where.table_name}_all_fields")  # computing its columns once is enough
    return [f"answers_{name}" for name in names]


def _create_views(spark: SparkSession, table: str) -> None:
    types = {name: type_.upper() for name, type_ in spark.table(table).dtypes}
    for statement in statements(f"spark_catalog.default.{table}", types):
        if statement.is_view:
            spark.sql(statement.sql)


@cache
def ask(spark: SparkSession, table: str, name: str, **given: Any) -> tuple[tuple[Any, ...], ...]:
    """Return the rows of an answer: from the table function over ``plain``, from the query over ``wide``.

    Several tests read the same rows, which do not change.
    """
    given = {"since": moment(SINCE), "until": moment(UNTIL), **given}
    answer = ANSWERS[name]
    if table.endswith("plain"):
        values = ", ".join(f"{parameter} => {value(each)}" for parameter, each in given.items())
        frame = spark.sql(f"SELECT * FROM {table}_{name}({values})")
    else:
        frame = spark.sql(answer.bound(sources_of(f"spark_catalog.default.{table}"), given))
    columns = [(field.name, field.dataType.simpleString().upper()) for field in frame.schema.fields]
    assert columns == [(column.name, column.type) for column in answer.columns]
    return tuple(tuple(row) for row in frame.collect())


def value(given: Any) -> str:
    return f"timestamp_seconds({int(given.timestamp())})" if isinstance(given, datetime) else repr(given)


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc)


@pytest.mark.parametrize("table", ["answers_plain", "answers_wide"])
@pytest.mark.parametrize("name", EXPECTED)
def test_an_answer_equals_the_same_computation_in_python(
    spark: SparkSession, tables: Sequence[str], name: str, table: str
) -> None:
    rows, expected = ask(spark, table, name), EXPECTED[name]
    limit = re.search(r"LIMIT (\d+)$", ANSWERS[name].sql)
    columns = [column.name for column in ANSWERS[name].columns]
    largest_first = VALUE.get(name, "bytes")
    if largest_first is not None:
        place = columns.index(largest_first)
        assert [row[place] for row in rows] == sorted((row[place] for row in rows), reverse=True)
        if limit:
            expected = sorted(expected, key=lambda row: (-row[place], str(row)))[: int(limit[1])]
    assert rows
    assert Counter(rows) == Counter(expected)


@pytest.mark.parametrize("table", ["answers_plain", "answers_wide"])
def test_conversations_have_both_directions_in_one_row(spark: SparkSession, tables: Sequence[str], table: str) -> None:
    rows = ask(spark, table, "conversations")
    records = [r for r in IN_WINDOW if oracle.accepted(r) and r.get("protocol") not in (None, "1", "58")]

    assert {row[0] for row in rows} == {oracle.community_id(r) for r in records}
    assert len(rows) == len({row[0] for row in rows})
    by_ends = {row[1:5]: row[5:] for row in rows}
    expected = {
        # Two records from the client and one from the server. Without flags, the server has the lower port.
        ("10.1.0.5", "10.1.0.9", 443, 6): (1300, 5000, at(SINCE + 43_200), at(SINCE + 43_855), None),
        # Logged at both ends, and counted once.
        ("10.2.0.5", "10.2.0.9", 8443, 6): (9000, 60_000, at(SINCE + 43_200), at(SINCE + 43_260), 19),
        # The flags show which end is the server, whatever its port.
        ("10.2.0.5", "10.2.0.9", 9000, 6): (100, 101, at(SINCE + 43_200), at(SINCE + 43_260), 18),
        ("10.2.0.9", "10.2.0.5", 9001, 6): (0, 102, at(SINCE + 43_200), at(SINCE + 43_260), 18),
        # Logged at two transit gateway attachments.
        ("10.71.1.10", "10.72.1.10", 443, 6): (5100, 6200, at(SINCE + 43_200), at(SINCE + 43_260), 18),
        # Equal ports, or no ports: the client sent first.
        ("10.1.0.6", "10.1.0.7", 123, 17): (76, 77, at(SINCE + 43_200), at(SINCE + 43_261), None),
        ("10.1.0.6", "10.1.0.7", None, 47): (500, 0, at(SINCE + 43_200), at(SINCE + 43_260), None),
        ("2600:1f18::5", "2600:1f18:0:2:8d6e:3477:df66:f105", 443, 6): (
            1100, 1200, at(SINCE + 43_200), at(SINCE + 43_260), None,
        ),
    }  # fmt: skip
    assert {ends: by_ends.get(ends) for ends in expected} == expected


def test_cost_answers_are_correct_for_the_examples_of_the_documentation(
    spark: SparkSession, tables: Sequence[str]
) -> None:
    instance, server = "i-01234567890123456", "203.0.113.5"
    for table in tables:
        # The bytes that the instance sent and received, without the NAT gateways' own records of the same packets.
        rows = [row for row in ask(spark, table, "nat_gateway_bytes") if row[4] == server]
        assert rows == [
            ("ingress", instance, None, None, server, 2, 0, 27_600),
            ("egress", instance, None, None, server, 2, 0, 26_500),
        ]
        egress = [row for row in ask(spark, table, "internet_egress") if row[3] in (server, "52.95.128.179")]
        documented = ("i-0c50d5961bcb2d47b", None, "S3", "52.95.128.179", 1, 7, 471)
        assert [row for row in egress if row[0] != "i-a"] == [documented]
        savings = {row[1] for row in ask(spark, table, "gateway_endpoint_savings")}
        assert savings == {"vpc-3"}
        ends = {row[1:4] for row in ask(spark, table, "conversations") if row[1].startswith(("10.20.", "10.40."))}
        assert ends == {
            ("10.20.33.164", "10.40.2.236", 80),
            ("10.40.1.175", "10.40.2.236", 80),
            ("10.40.2.31", "10.40.2.236", 80),
        }


def test_parameters_select_records(spark: SparkSession, tables: Sequence[str]) -> None:
    def flows_of(records: Sequence[Record]) -> Counter[tuple[Any, ...]]:
        return Counter(oracle.flows(records))

    table, address = tables[0], "10.2.0.9"
    assert Counter(ask(spark, table, "traffic_from", address=address)) == flows_of(chosen(srcaddr=address))
    assert Counter(ask(spark, table, "traffic_to", address=address)) == flows_of(chosen(dstaddr=address))
    either = [r for r in chosen(action="ACCEPT", protocol="6") if address in (r.get("srcaddr"), r.get("dstaddr"))]
    assert Counter(ask(spark, table, "accepted_traffic", address=address)) == flows_of(either)
    once = ask(spark, table, "top_talkers", direction="egress")
    assert Counter(once) == Counter(oracle.top(chosen(flow_direction="egress"), "srcaddr"))
    scans = oracle.port_scans(IN_WINDOW, min_ports=2, min_addresses=1000)
    assert Counter(ask(spark, table, "port_scans", min_ports=2, min_addresses=1000)) == Counter(scans)
    uploads = oracle.unusual_uploads(EVERY_RECORD, factor=2.5, min_bytes=500_000_000)
    rows = ask(spark, table, "unusual_uploads", factor=2.5, min_bytes=500_000_000)
    assert Counter(rows) == Counter(uploads)
    assert len(uploads) > len(EXPECTED["unusual_uploads"])


def test_an_answer_over_a_window_without_records_has_no_rows_and_totals_of_zero(
    spark: SparkSession, tables: Sequence[str]
) -> None:
    table = tables[0]
    for name in ("conversations", "nat_gateway_bytes", "unusual_uploads", "traffic_from"):
        assert ask(spark, table, name, since=moment(0), until=moment(1)) == ()
    assert ask(spark, table, "ipv4_traffic", since=moment(0), until=moment(1)) == ((0, 0, 0),)


@pytest.mark.parametrize("table", ["answers_plain", "answers_wide"])
def test_health_answers_report_the_newest_records_and_the_quarantine(
    spark: SparkSession, tables: Sequence[str], table: str
) -> None:
    rows = ask(spark, table, "freshness")
    newest = {flow_log: max(r.number("start") or 0 for r in records) for flow_log, records in RECORDS.items()}
    assert {row[0]: row[1] for row in rows} == {flow_log: at(seconds) for flow_log, seconds in newest.items()}
    assert [row[1] for row in rows] == sorted(row[1] for row in rows)
    now = datetime.now(timezone.utc).replace(tzinfo=None)
    for _, time, lag in rows:
        assert timedelta(0) <= now - time - timedelta(seconds=lag) <= timedelta(minutes=10)

    assert ask(spark, table, "quarantine_summary") == ()  # this window selects by the time of the load
    today = moment(int(datetime.now(timezone.utc).timestamp()) + 3600)
    (row,) = ask(spark, table, "quarantine_summary", until=today)
    assert row[1:] == (2, 2)
    assert "3" in row[0]


def test_the_view_has_every_field_with_its_type_and_a_comment(spark: SparkSession, tables: Sequence[str]) -> None:
    types = [(field.column, field.type.lower()) for field in FIELDS]
    kept = [("event_time", "timestamp"), ("source_file", "string"), ("ingested_at", "timestamp")]
    for table in tables:
        schema = spark.table(f"{table}_all_fields").schema.fields
        assert [(field.name, field.dataType.simpleString()) for field in schema][: len(types) + 3] == [*types, *kept]
        assert all(field.metadata["comment"] for field in schema)


def test_the_view_has_the_same_rows_over_both_tables(spark: SparkSession, tables: Sequence[str]) -> None:
    columns = [field.column for field in FIELDS]
    plain, wide = (
        Counter(tuple(row) for row in spark.table(f"{table}_all_fields").select(*columns).collect()) for table in tables
    )
    assert plain == wide
    delivered = Counter(
        tuple(r.number(f.name) if f.type != "STRING" else r.get(f.name) for f in FIELDS) for r in EVERY_RECORD
    )
    assert plain == delivered


def test_addresses_have_their_bits_and_the_class_of_their_range(spark: SparkSession) -> None:
    draw = random.Random(16)
    drawn = [str(IPv4Address(draw.getrandbits(32))) for _ in range(200)]
    drawn += [str(IPv6Address(draw.getrandbits(128))) for _ in range(20)]
    # Groups of zeros, which the text form omits, in every position.
    drawn += [str(IPv6Address(draw.getrandbits(128) & draw.getrandbits(128) & (2**128 - 2**64 + 3))) for _ in range(20)]
    classes = {address: kind for kind, addresses in CLASSES.items() for address in addresses.split()}
    texts = [*drawn, *classes, "unknown", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.", "g::1", "1:2:3", "", None]
    values = ", ".join("(CAST(NULL AS STRING))" if text is None else f"('{text}')" for text in texts)
    rows = spark.sql(
        f"SELECT a, {addresses.hex_of('a')}, {addresses.class_of('a')} FROM VALUES {values} AS t (a)"
    ).collect()
    assert len(rows) == len(texts)
    for text, digits, kind in rows:
        try:
            expected = None if text is None else ip_address(text).packed.hex().upper()
        except ValueError:
            expected = None
        assert digits == expected, text
        assert (kind is None) == (digits is None)
        if text in classes:
            assert kind == classes[text], text
        elif kind is not None and ip_address(text).is_global:
            is_special = ip_address(text).is_multicast or ip_address(text).is_reserved
            assert kind == ("special" if is_special else "public"), text


def test_the_time_window_prunes_files_by_statistics(spark: SparkSession, tables: Sequence[str]) -> None:
    """The arguments reach the scan as constants, so Delta can skip files."""
    (plan,) = spark.sql(
        "EXPLAIN EXTENDED SELECT * FROM answers_plain_traffic_from("
        "since => TIMESTAMP '2026-03-08', address => '10.2.0.9')"
    ).collect()
    optimized = plan[0].partition("Optimized Logical Plan")[2].partition("Physical Plan")[0]
    (condition,) = re.findall(r"Filter (.*)\n[\s:]*\+- Relation", optimized)
    assert re.search(r"event_time#\d+ >= 2026-03-08 00:00:00", condition)
    assert re.search(r"srcaddr#\d+ = 10\.2\.0\.9", condition)
