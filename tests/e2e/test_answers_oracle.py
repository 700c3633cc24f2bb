"""Each answer over the generator's records equals an independent computation by DuckDB, whatever the format."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyspark.sql import SparkSession

from local.traffic.files import FlowLog, encode
from local.traffic.network import Endpoint, Network
from local.traffic.records import records
from tests.support.answer_queries import DEFAULTS, QUERIES, database
from tests.support.answer_records import DAY, EVERY_VPC_FIELD, ODD_VERSION_5, SINCE, UNTIL
from tests.support.ingesting import Place, ingest
from vpc_flow_logs.answers.catalog import catalog
from vpc_flow_logs.answers.model import ALL_FIELDS, Answer
from vpc_flow_logs.answers.statements import sources_of, statements
from vpc_flow_logs.fields import DEFAULT_FORMAT, FIELDS, TGW_DEFAULT_FORMAT

Row = tuple[Any, ...]

ANSWERS = {answer.name: answer for answer in catalog()}
FORMATS = {
    "default": DEFAULT_FORMAT,
    "version_5": ODD_VERSION_5,
    "every_field": EVERY_VPC_FIELD,
    "transit": TGW_DEFAULT_FORMAT,
}
FLOW_LOGS = {name: f"fl-{number:017x}" for number, name in enumerate(FORMATS, start=1)}
EVERY_FIELD = tuple(field.name for field in FIELDS)
TABLES: dict[str, tuple[str, ...]] = {**{name: (name,) for name in FORMATS}, "mixed": tuple(FORMATS)}
"""The formats of the records that an answer reads. Those of one format are selected from those of ``mixed``."""

FEW = slice(600, 900)
"""The records of each format that are also in a table without columns. Each field has a value in one of them."""

BROKEN = 4
"""Lines in each table's logs that are not records. Each is an entry of the quarantine."""

SORTED_BY = {"rejected_sources": "records", "blocked_by_policy": "records"}
"""The column by which rows are sorted, largest first, where it is not ``bytes``."""

VARIATIONS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("port_scans", {"min_ports": 2, "min_addresses": 5}),
    ("unusual_uploads", {"factor": 2, "min_bytes": 10_000}),
    ("top_talkers", {"direction": "egress"}),
    ("traffic_from", {"direction": "ingress"}),
)
"""Answers with parameters, over the mixed table."""


def _some_in_s3(place: int, endpoint: Endpoint) -> Endpoint:
    """Return an endpoint; some of the sites behind NAT gateways are in S3 and DynamoDB."""
    if endpoint.group != "site" or place % 3:
        return endpoint
    return replace(endpoint, facts={"aws-service": "S3" if place % 2 else "DYNAMODB"})


def _with_few_ports(table: pa.Table) -> pa.Table:
    """Return records in which clients have four ports, so that many conversations have several records."""
    for name in ("srcport", "dstport"):
        ports = table[name]
        few = pc.if_else(pc.greater_equal(ports, 0x8000), pc.bit_wise_and(ports, 0x8003), ports)
        table = table.set_column(table.column_names.index(name), name, few.cast(pa.int32()))
    return table


@pytest.fixture(scope="module")
def delivered() -> dict[str, pa.Table]:
    """Generate the records of each format: a day, the week before it, and some hours after it."""
    seeded = Network.seeded(16)
    network = replace(seeded, endpoints=tuple(_some_in_s3(*each) for each in enumerate(seeded.endpoints)))
    return {
        name: pa.concat_tables(
            _with_few_ports(records(network, format_, start=start, seconds=seconds, count=count, seed=seed))
            for start, seconds, count in ((SINCE, DAY, 1500), (SINCE - 8 * DAY, 9 * DAY + 9000, 400))
        )
        for seed, (name, format_) in enumerate(FORMATS.items())
    }


@pytest.fixture(scope="module")
def mixed(
    spark: SparkSession, tmp_path_factory: pytest.TempPathFactory, delivered: dict[str, pa.Table]
) -> Iterator[Mapping[str, str]]:
    """Load all records into a table with a column per field, and yield the sources of its answers."""
    sources = load(spark, tmp_path_factory.mktemp("mixed"), "oracle_mixed", EVERY_FIELD, delivered)
    # Most answers read the view, and computing its columns once is enough.
    spark.catalog.cacheTable("oracle_mixed_all_fields")
    yield sources
    spark.catalog.uncacheTable("oracle_mixed_all_fields")


def load(
    spark: SparkSession, root: Path, name: str, headers: Sequence[str], records: Mapping[str, pa.Table]
) -> Mapping[str, str]:
    """Load records of each format into a table with these Headers, and return the sources of its answers."""
    where = Place(root, name, headers=headers)
    for each, table in records.items():
        is_transit = each == "transit"
        flow_log = FlowLog(
            id=FLOW_LOGS[each], account="123456789012", region="us-east-1", fields=FORMATS[each],
            file_format="parquet" if is_transit else "plain-text",
        )  # fmt: skip
        file = f"123456789012_vpcflowlogs_us-east-1_{flow_log.id}_20260308T0000Z_0123abcd.log"
        where.deliver(encode(flow_log, table), f"{file}.{'parquet' if is_transit else 'gz'}")
    lines = "1 2 3\n" * BROKEN
    where.deliver(f"{' '.join(DEFAULT_FORMAT)}\n{lines}".encode(), "broken.log")
    ingest(spark, where)
    types = {column: type_.upper() for column, type_ in spark.table(name).dtypes}
    for statement in statements(f"spark_catalog.default.{name}", types):
        if statement.is_view:
            spark.sql(statement.sql)
    return sources_of(f"spark_catalog.default.{name}")


def of_format(spark: SparkSession, sources: Mapping[str, str], name: str) -> Mapping[str, str]:
    """Return sources with only the records of one format."""
    spark.sql(
        f"CREATE OR REPLACE TEMPORARY VIEW oracle_{name} AS "
        f"SELECT * FROM {sources[ALL_FIELDS]} WHERE contains(source_file, '{FLOW_LOGS[name]}')"
    )
    return {**sources, ALL_FIELDS: f"oracle_{name}"}


def ask(spark: SparkSession, sources: Mapping[str, str], answer: Answer, given: Mapping[str, Any]) -> list[Row]:
    """Return the rows of an answer for the day."""
    window = {name: datetime.fromtimestamp(at, timezone.utc) for name, at in (("since", SINCE), ("until", UNTIL))}
    return [tuple(row) for row in spark.sql(answer.bound(sources, {**window, **given})).collect()]


def computed(connection: duckdb.DuckDBPyConnection, answer: Answer, given: Mapping[str, Any]) -> list[Row]:
    """Return the rows that DuckDB computes for the day, all of them and in any order."""
    for name, value in {"since": SINCE, "until": UNTIL, **DEFAULTS, **given}.items():
        text = f"{value}::BIGINT" if isinstance(value, int) else "NULL" if value is None else f"'{value}'"
        connection.execute(f"SET VARIABLE {name} = {text}")
    return connection.execute(QUERIES[answer.name]).fetchall()


def difference(answer: Answer, rows: list[Row], expected: list[Row]) -> str:
    """Return how the rows of an answer differ from the expected ones; empty if they do not.

    Where the answer has a limit, any of the rows that tie for the last places can be there.
    """
    columns = [column.name for column in answer.columns]
    largest_first = SORTED_BY.get(answer.name, "bytes")
    limit = re.search(r"at most ([\d,]+) rows", answer.order)
    if largest_first in columns and answer.name != "port_scans":
        place = columns.index(largest_first)
        sizes = [row[place] for row in rows]
        if sizes != sorted(sizes, reverse=True):
            return "the rows are not in order"
        if limit and len(expected) > (most := int(limit[1].replace(",", ""))):
            last = sorted((row[place] for row in expected), reverse=True)[most - 1]
            if len(rows) != most or Counter(rows) - Counter(expected):
                return f"{len(rows)} rows, of which {sorted(Counter(rows) - Counter(expected))[:2]} are wrong"
            rows, expected = ([row for row in each if row[place] > last] for each in (rows, expected))
    missing, wrong = Counter(expected) - Counter(rows), Counter(rows) - Counter(expected)
    return f"missing {list(missing)[:2]}, wrong {list(wrong)[:2]}" if missing or wrong else ""


@pytest.mark.parametrize("table", TABLES)
def test_every_answer_equals_the_computation_by_duckdb(
    spark: SparkSession, mixed: Mapping[str, str], delivered: dict[str, pa.Table], table: str
) -> None:
    formats = TABLES[table]
    connection = database({FLOW_LOGS[each]: delivered[each] for each in formats})
    fields = {name for each in formats for name in FORMATS[each]}
    is_mixed = len(formats) > 1
    sources = mixed if is_mixed else of_format(spark, mixed, table)
    differences: dict[str, str] = {}
    empty: set[str] = set()
    # The records of one format are asked what its fields can answer.
    names = [name for name in QUERIES if name != "freshness" and (is_mixed or fields >= set(ANSWERS[name].fields))]
    variations = VARIATIONS if is_mixed else ()
    for name, given in [*((name, {}) for name in names), *variations]:
        rows, expected = ask(spark, sources, ANSWERS[name], given), computed(connection, ANSWERS[name], given)
        if found := difference(ANSWERS[name], rows, expected):
            differences[f"{name} {given or ''}"] = found
        if not expected and not (name == "port_scans" and not given):  # 20 ports are many for these records
            empty.add(name)
    assert differences == {}
    if is_mixed:
        assert empty == set()
        _check_health(spark, sources, connection)


def test_the_fields_of_a_record_have_the_same_values_with_and_without_columns(
    spark: SparkSession,
    mixed: Mapping[str, str],
    delivered: dict[str, pa.Table],
    tmp_path: Path,
) -> None:
    """The answers read only the view, so equal rows of the view have equal answers."""
    few = {name: table[FEW] for name, table in delivered.items()}
    name = "oracle_mixed_without_columns"
    sources = load(spark, tmp_path, name, ("version",), few)
    assert set(spark.table(name).columns).isdisjoint({"srcaddr", "bytes", "tgw_id", "log_status"})
    with_columns, without = (
        Counter(tuple(row) for row in spark.table(each[ALL_FIELDS]).drop("source_file", "ingested_at").collect())
        for each in (mixed, sources)
    )
    assert without - with_columns == Counter()
    columns = spark.table(sources[ALL_FIELDS]).columns
    assert columns[: len(FIELDS)] == [field.column for field in FIELDS]
    values = Counter(row[: len(FIELDS)] for row in without.elements())
    expected = Counter(
        tuple(row.get(name) for name in EVERY_FIELD) for table in few.values() for row in table.to_pylist()
    )
    assert values == expected
    never = {name for place, name in enumerate(EVERY_FIELD) if all(row[place] is None for row in values)}
    assert never == set()
    _check_health(spark, sources, database({FLOW_LOGS[each]: table for each, table in few.items()}))


def _check_health(spark: SparkSession, sources: Mapping[str, str], connection: duckdb.DuckDBPyConnection) -> None:
    """Check the answers that depend on the time of the load."""
    rows = ask(spark, sources, ANSWERS["freshness"], {})
    assert Counter(row[:2] for row in rows) == Counter(computed(connection, ANSWERS["freshness"], {}))
    assert [row[2] for row in rows] == sorted((row[2] for row in rows), reverse=True)
    now = datetime.now(timezone.utc).replace(tzinfo=None)
    assert all(timedelta(0) <= now - newest - timedelta(seconds=lag) < timedelta(hours=1) for _, newest, lag in rows)
    tomorrow = datetime.now(timezone.utc) + timedelta(days=1)
    (row,) = ask(spark, sources, ANSWERS["quarantine_summary"], {"until": tomorrow})
    assert row[1:] == (BROKEN, BROKEN)


def test_every_answer_has_a_computation() -> None:
    assert set(QUERIES) | {"quarantine_summary"} == set(ANSWERS)
