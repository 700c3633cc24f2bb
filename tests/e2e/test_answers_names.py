"""Names of addresses in answers: the functions that the job creates with a names table, and `local.answers`."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from datetime import datetime, timezone
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from pyspark.sql import Row, SparkSession

from local.answers import __main__ as command
from local.answers.arguments import request_of
from tests.support.answer_records import SINCE, UNTIL
from tests.support.hostile import BIDI, HOSTILE
from tests.support.ingesting import Place, ingest
from vpc_flow_logs.answers import create, names, statements
from vpc_flow_logs.answers.catalog import catalog
from vpc_flow_logs.answers.statements import sources_of

HEADER = "version srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status interface-id"
FULL = "spark_catalog.default.named"
START, END = (f"TIMESTAMP '{datetime.fromtimestamp(time, timezone.utc):%F %T}'" for time in (SINCE, UNTIL))
WINDOW = f"since => {START}, until => {END}"
FEW = ("conversations", "traffic_from")
"""The functions that the tests create. More would only take longer."""

BLOCKS = {
    "10.0.0.0/8": "company",
    "10.0.1.0/24": "subnet a",
    "10.0.1.128/25": "upper half",
    "10.0.1.5/32": "database",
    "10.0.1.6": "cache",
    " 172.16.5.9/12 ": "on premises",
    "2600:1f18::/32": "region",
    "2600:1F18:1:0::/64": "subnet b",
    "2600:1f18:1::5/128": "web",
}
"""Names of CIDR blocks: nested, of exact addresses, with host bits, and of both IP versions."""

INVALID = ("10.0.0.0/33", "2600::/129", "10.0.1/24", "10.0.1.300", "1::2::3/64", "10.0.0.0/", "web", "")
ADDRESSES = (
    "10.0.1.5", "10.0.1.6", "10.0.1.7", "10.0.1.127", "10.0.1.128", "10.0.2.0", "11.0.0.0", "9.255.255.255",
    "172.31.255.255", "172.32.0.0", "2600:1f18:1::5", "2600:1f18:1::6", "2600:1f18:1:1::5", "2600:1f18:ffff::",
    "2600:1f19::", "::1", "a.0.1.5", "10.0.1.5.6",
)  # fmt: skip
"""Source addresses, inside, between and outside of the blocks; the last two are not addresses."""


def expected(address: str | None) -> str | None:
    """Return the name of the smallest block that contains an address."""
    try:
        known = ip_address(address or "")
    except ValueError:
        return None
    blocks = {ip_network(text.strip(), strict=False): name for text, name in BLOCKS.items()}
    found = [block for block in blocks if block.version == known.version and known in block]
    return blocks[max(found, key=lambda block: block.prefixlen)] if found else None


@pytest.fixture(scope="module")
def where(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Load one record of each source address; source number n sent n * 1000 bytes to another one."""
    where = Place(tmp_path_factory.mktemp("names"), "named", headers=HEADER.split())
    lines = [
        f"2 {source} {ADDRESSES[number - 2]} 40000 443 6 1 {1000 * number} {SINCE + number} {SINCE + number + 30} "
        "ACCEPT OK eni-1"
        for number, source in enumerate(ADDRESSES, start=1)
    ]
    where.deliver("\n".join([HEADER, *lines, ""]).encode(), "a.log")
    ingest(spark, where)
    return where


@pytest.fixture(scope="module")
def names_table(spark: SparkSession) -> Iterator[str]:
    spark.sql("CREATE TABLE cidr_names (cidr STRING, name STRING, OWNER STRING) USING delta")
    rows = [*BLOCKS.items(), *((cidr, "invalid") for cidr in INVALID), ("10.0.1.7/32", None), ("10.0.1.7/32", " ")]
    values = [Row(cidr=cidr, name=name, owner="network team") for cidr, name in rows]
    spark.createDataFrame(values, "cidr STRING, name STRING, owner STRING").write.insertInto("cidr_names")
    yield "cidr_names"
    spark.sql("DROP TABLE cidr_names")


@pytest.fixture
def _few_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statements, "catalog", lambda: tuple(each for each in catalog() if each.name in FEW))


@pytest.mark.usefixtures("_few_answers")
def test_the_functions_of_the_job_show_names_by_the_longest_prefix(
    spark: SparkSession, where: Place, names_table: str
) -> None:
    lines = ingest(spark, where, answers="create", names_table=names_table).lines
    (note,) = (line for line in lines if "cidr_names" in line)
    assert note == (
        f"note: {len(INVALID) + 2} of {len(BLOCKS) + len(INVALID) + 2} rows of the names table cidr_names are left "
        "out, because they have no valid CIDR block or no name, for example '10.0.0.0/'"
    )

    rows = spark.sql(f"SELECT * FROM named_traffic_from({WINDOW})").collect()
    assert list(rows[0].asDict())[:4] == ["srcaddr", "srcaddr_name", "dstaddr", "dstaddr_name"]
    assert [row.srcaddr for row in rows] == list(reversed(ADDRESSES))
    assert {row.srcaddr: row.srcaddr_name for row in rows} == {each: expected(each) for each in ADDRESSES}
    assert [row.dstaddr_name for row in rows] == [expected(row.dstaddr) for row in rows]
    assert len({row.srcaddr_name for row in rows}) == len(BLOCKS) + 1

    (row,) = spark.sql(f"SELECT * FROM named_traffic_from(address => '10.0.1.128', {WINDOW})").collect()
    assert (row.srcaddr_name, row.dstaddr_name) == ("upper half", "subnet a")
    sides = spark.sql(f"SELECT * FROM named_conversations({WINDOW})").collect()
    assert [(row.client_name, row.server_name) for row in sides] == [
        (expected(row.client), expected(row.server)) for row in sides
    ]
    # The first record and the last two have an end that is not an address.
    assert [row.client_bytes + row.server_bytes for row in sides] == [1000 * n for n in range(16, 1, -1)]

    view = spark.sql("SELECT cidr, name, owner, list FROM named_names WHERE cidr = '10.0.1.6'").collect()
    assert view == [("10.0.1.6", "cache", "network team", None)]
    assert [line for line in create.create(spark, "named", names=names_table) if "note:" not in line] == []


@pytest.mark.usefixtures("_few_answers")
def test_without_a_usable_names_table_the_functions_show_no_names(spark: SparkSession, where: Place) -> None:
    (_, note) = create.create(spark, "named", names="missing_names")
    assert note.startswith("note: the names table missing_names cannot be used, so answers show no names: [TABLE_OR")
    assert "srcaddr_name" not in spark.sql("SELECT * FROM named_traffic_from()").columns
    note = create.create(spark, "named", names=where.table_name)[-1]
    assert note.endswith(
        "it has no column cidr and no column name; a names table has the columns cidr, name, owner, list, and the last "
        "two are optional"
    )


def test_an_answer_with_names_has_the_same_rows_in_the_same_order_and_joins_by_equality(
    spark: SparkSession, where: Place, names_table: str
) -> None:
    types = {name: type_.upper() for name, type_ in spark.table(where.table_name).dtypes}
    for statement in statements.statements(FULL, types, named=names.view(names_table, ["cidr", "name"])):
        if statement.name in (f"{FULL}_names", f"{FULL}_all_fields"):
            spark.sql(statement.sql)
    given = {"since": datetime.fromtimestamp(SINCE, timezone.utc), "until": datetime.fromtimestamp(UNTIL, timezone.utc)}
    (answer,) = (answer for answer in catalog() if answer.name == "total_bytes_transferred")
    before, after = (each.bound(sources_of(FULL), given) for each in (answer, names.named(answer)))
    without, named = spark.sql(before), spark.sql(after)
    assert named.columns == [column.name for column in names.named(answer).columns]
    assert named.select(*without.columns).collect() == without.collect()
    # The plan reads the records once, and has no loop over the rows of the names table.
    ((plan,),) = spark.sql(f"EXPLAIN {after}").collect()
    assert not re.search("NestedLoop|Cartesian", plan)
    assert plan.count("FileScan") == 3


def test_local_answers_take_names_from_a_csv_file_and_escape_them(
    spark: SparkSession, where: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "names [1].csv"
    with file.open("w", newline="") as stream:
        csv.writer(stream).writerows([["cidr", "name"], ["10.0.1.5/32", HOSTILE], ["10.0.1.6", "=1+1"], ["x", "y"]])

    def output(format_: str) -> tuple[str, str]:
        options = ["--names-table", str(file), "--table", where.delta, f"--format={format_}"]
        window = [f"--since={datetime.fromtimestamp(SINCE, timezone.utc):%FT%TZ}",
                  f"--until={datetime.fromtimestamp(UNTIL, timezone.utc):%FT%TZ}"]  # fmt: skip
        assert command.run(spark, request_of(["top_talkers", *options, *window])) == 0
        captured = capsys.readouterr()
        return captured.out, captured.err

    text, notes = output("json")
    assert {row["srcaddr"]: row["srcaddr_name"] for row in json.loads(text)} == {
        each: {"10.0.1.5": HOSTILE, "10.0.1.6": "=1+1"}.get(each) for each in ADDRESSES
    }
    assert f"note: 1 of 3 rows of the names table {file} is left out" in notes
    for format_ in ("table", "csv", "html"):
        text, _ = output(format_)
        assert not re.search(f"[\x1b\x07\x9b{BIDI}]", text)
        assert ("<script" in text) == (format_ != "html")
        assert ("'=1+1" in text) == (format_ == "csv")


def test_local_answers_refuse_a_file_without_the_columns(
    spark: SparkSession, where: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "other.csv"
    file.write_text("network,name\n10.0.0.0/8,a\n")
    request = request_of(["top_talkers", "--names-table", str(file), "--table", where.delta])
    assert command.run(spark, request) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines()[-1].startswith("--names-table: it has no column cidr; a names table has ")
