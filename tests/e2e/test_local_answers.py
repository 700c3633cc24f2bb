"""`local.answers` over tables that the job filled: the rows, the formats, refusals, and text of an attacker."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from local.answers import __main__ as command
from local.answers.arguments import request_of
from local.answers.tables import find, prepare
from local.laptop.spark import QUICK_START
from tests.support.answer_records import SINCE, UNTIL
from tests.support.hostile import BIDI, FORMULAS, HOSTILE
from tests.support.ingesting import ROOT, SECONDS, Place, ingest, snapshot

HEADER = "version srcaddr dstaddr dstport protocol packets bytes start end action log-status interface-id"
FIELDS = dict.fromkeys("_".join(text.split()) for text in (HOSTILE, *FORMULAS))
SOURCES = ["10.0.0.1", "10.0.0.2", *FIELDS]
WINDOW = ["--since", f"{datetime.fromtimestamp(SINCE, timezone.utc):%Y-%m-%dT%H:%MZ}",
          "--until", f"{datetime.fromtimestamp(UNTIL, timezone.utc):%Y-%m-%dT%H:%MZ}"]  # fmt: skip


@pytest.fixture(scope="module")
def table(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a table with one rejected record of each source; source number n sent n * 1000 bytes."""
    where = Place(tmp_path_factory.mktemp("answers"), "local_answers", headers=HEADER.split())
    where.delta = str(where.root / "Hostile-table")
    lines = [
        f"2 {source} 10.9.9.9 443 6 1 {1000 * number} {SINCE + 60 * number} {SINCE + 60 * number + 30} REJECT OK eni-1"
        for number, source in enumerate(SOURCES, start=1)
    ]
    where.deliver("\n".join([HEADER, *lines, "2 too few", ""]).encode(), "a.log")
    ingest(spark, where)
    return Path(where.delta)


@pytest.fixture(scope="module")
def name(spark: SparkSession, table: Path) -> str:
    """Prepare the table as the command does, and return its name."""
    return prepare(spark, find(str(table)))


@pytest.fixture
def prepared(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the command use the prepared table, instead of preparing it for each request."""
    monkeypatch.setattr(command, "prepare", lambda *_, **__: name)


def answer(spark: SparkSession, *arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    capsys.readouterr()
    status = command.run(spark, request_of(arguments))
    output = capsys.readouterr()
    return status, output.out, output.err


def test_json_has_the_rows_of_the_answer(spark: SparkSession, table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, output, notes = answer(spark, "top_talkers", "--table", str(table), *WINDOW, "--format=json", capsys=capsys)
    assert status == 0
    assert json.loads(output) == [
        {"srcaddr": source, "records": 1, "packets": 1, "bytes": 1000 * number}
        for number, source in reversed([*enumerate(SOURCES, start=1)])
    ]
    assert notes.endswith(f"{len(SOURCES)} rows.\n")


def test_times_are_iso_8601_with_z_and_parameters_choose(
    spark: SparkSession, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--table", str(table), *WINDOW, "--format=json", "--min-ports=1", "--min-addresses=1", "--rows=2"]
    _, output, notes = answer(spark, "port_scans", *options, capsys=capsys)
    rows = json.loads(output)
    assert len(rows) == 2
    assert all(re.fullmatch(r"2026-03-08T00:\d\d:00Z", row["first_seen"]) for row in rows)
    assert notes.endswith("These are the first 2 rows; --rows shows more, and --format csv shows all.\n")
    assert answer(spark, "port_scans", "--table", str(table), *WINDOW, "--format=json", capsys=capsys)[1] == "[]\n"


@pytest.mark.parametrize("format_", ["table", "csv", "html"])
@pytest.mark.usefixtures("prepared")
def test_text_of_an_attacker_does_nothing(
    spark: SparkSession, table: Path, capsys: pytest.CaptureFixture[str], format_: str
) -> None:
    status, output, _ = answer(
        spark, "rejected_sources", "--table", str(table), *WINDOW, f"--format={format_}", capsys=capsys
    )
    assert status == 0
    assert not re.search(f"[\x1b\x07\x9b{BIDI}]", output)
    if format_ == "html":
        assert "<script" not in output
        assert "&lt;script&gt;alert(" in output
    else:
        assert "<script>alert(" in output
    if format_ == "csv":
        rows = list(csv.DictReader(io.StringIO(output)))
        assert {row["srcaddr"][:2] for row in rows} == {"10", "<s", "'=", "'+", "'-", "'@"}
        assert [row["records"] for row in rows] == ["1"] * len(SOURCES)


def test_an_answer_without_rows_names_the_times_of_the_table(
    spark: SparkSession, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, output, notes = answer(spark, "top_talkers", "--table", str(table), "--format=csv", capsys=capsys)
    assert (status, output) == (0, "srcaddr,records,packets,bytes\n")
    assert "No rows. The table has records from 2026-03-08T00:01:00Z to 2026-03-08T00:" in notes


def test_a_query_reads_tables_views_and_table_functions(
    spark: SparkSession, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    query = (
        "SELECT count(*) AS n, max(event_time) AS newest, map('a', 1.5) AS m, CAST('NaN' AS DOUBLE) AS nan, "
        "(SELECT sum(lines) FROM hostile_table_quarantine) AS lines, "
        "(SELECT count(*) FROM Hostile_Table_Top_Talkers(since => TIMESTAMP '2026-03-08')) AS talkers "
        "FROM hostile_table_all_fields WHERE srcaddr_class = 'private'"
    )
    status, output, _ = answer(spark, "--sql", query, "--table", str(table), "--format=json", capsys=capsys)
    assert status == 0
    newest = "2026-03-08T00:02:00Z"
    expected = {"n": 2, "newest": newest, "m": {"a": 1.5}, "nan": None, "lines": 1, "talkers": len(SOURCES)}
    assert json.loads(output) == [expected]


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM hostile_table",
        "drop table hostile_table;",
        "INSERT INTO hostile_table SELECT * FROM hostile_table",
        "-- a comment\nTRUNCATE TABLE hostile_table",
        "CREATE TABLE other (a INT)",
        "WITH a AS (SELECT 1) INSERT INTO hostile_table SELECT * FROM hostile_table",
        "SET x = y",
        "VACUUM hostile_table",
        "OPTIMIZE hostile_table",
    ],
)
@pytest.mark.usefixtures("prepared")
def test_a_statement_that_changes_something_is_rejected(
    spark: SparkSession, table: Path, capsys: pytest.CaptureFixture[str], statement: str
) -> None:
    before = snapshot(table)
    status, output, notes = answer(spark, "--sql", statement, "--table", str(table), capsys=capsys)
    assert (status, output) == (2, "")
    assert "\n--sql: " in notes
    assert snapshot(table) == before


@pytest.mark.parametrize(
    "query",
    ["SELECT 1 AS a;", "WITH a AS (SELECT 1 AS b) SELECT b FROM a -- c", "show tables", "DESCRIBE hostile_table",
     "EXPLAIN DELETE FROM hostile_table", "VALUES (1)", "TABLE hostile_table", "SELECT 1 AS a UNION ALL SELECT 2"],
)  # fmt: skip
@pytest.mark.usefixtures("prepared")
def test_every_form_of_a_query_runs(
    spark: SparkSession, table: Path, capsys: pytest.CaptureFixture[str], query: str
) -> None:
    assert answer(spark, "--sql", query, "--table", str(table), capsys=capsys)[0] == 0


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT reflect('java.lang.System', 'getProperty', 'a') AS b", "the function reflect is not allowed"),
        (
            "SELECT 1, (SELECT java_method/**/('java.lang.System', 'getProperty', 'a')) AS b",
            "the function java_method is not allowed",
        ),
        ("SELECT try_reflect('java.lang.System', 'getProperty', 'a') AS b", "the function try_reflect is not allowed"),
        ("SELECT * FROM csv.`{file}`", "[TABLE_OR_VIEW_NOT_FOUND]"),
        ("SELECT (SELECT max(value) FROM text.`{file}`) AS a", "[TABLE_OR_VIEW_NOT_FOUND]"),
        ("SELECT count(*) AS n FROM delta.`{table}`", "[TABLE_OR_VIEW_NOT_FOUND]"),
    ],
)
@pytest.mark.usefixtures("prepared")
def test_a_query_neither_calls_java_nor_reads_files_by_their_path(
    spark: SparkSession, table: Path, capsys: pytest.CaptureFixture[str], query: str, message: str
) -> None:
    sql = query.format(file=__file__, table=table)
    status, output, notes = answer(spark, "--sql", sql, "--table", str(table), capsys=capsys)
    assert (status, output) == (2, "")
    assert message in notes
    assert spark.conf.get("spark.sql.runSQLOnFiles", "true") == "true"  # the session keeps its settings


def test_a_damaged_file_is_reported_with_its_path(
    spark: SparkSession, table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "damaged"
    shutil.copytree(table, copy)
    (file,) = copy.glob("part-*.parquet")
    file.write_bytes(file.read_bytes()[:100])
    status, output, notes = answer(spark, "top_talkers", "--table", str(copy), *WINDOW, capsys=capsys)
    assert (status, output) == (1, "")
    failure, advice = notes.splitlines()[-2:]
    assert failure.startswith("The query failed: ")
    assert file.name in failure
    assert "restore it from a copy" in advice


@pytest.mark.usefixtures("prepared")
def test_a_sum_that_is_too_large_is_explained(
    spark: SparkSession, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    query = "SELECT sum(a) FROM VALUES (9223372036854775807), (1) AS t(a)"
    status, _, notes = answer(spark, "--sql", query, "--table", str(table), capsys=capsys)
    assert status == 1
    assert "The query failed: [ARITHMETIC_OVERFLOW" in notes
    find = re.search("--sql '(.*)'\n$", notes)
    assert find
    assert answer(spark, "--sql", find[1], "--table", str(table), capsys=capsys)[0] == 0


def test_what_is_wrong_ends_with_status_2_and_one_line(
    spark: SparkSession, table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    foreign = tmp_path / "foreign"
    spark.sql(f"CREATE TABLE delta.`{foreign}` (a INT) USING delta")

    def refused(*arguments: str) -> str:
        status, output, notes = answer(spark, *arguments, capsys=capsys)
        assert (status, output) == (2, "")
        return notes.splitlines()[-1]

    assert refused("top_talkers", "--table", str(foreign)) == (
        f"--table: {foreign} has a table that this project did not create"
    )
    quarantine = f"{table}_quarantine"
    assert refused("top_talkers", "--table", quarantine) == (
        f"--table: {quarantine} is the quarantine table of {table}; name that one"
    )
    assert refused("--sql", "SELECT nothing", "--table", str(table)).startswith(
        "--sql: Spark rejects the query: [UNRESOLVED_COLUMN"
    )
    assert refused("--sql", "SELEC 1", "--table", str(table)).startswith("--sql: Spark rejects the query: ")
    assert refused("--sql", "SELECT 1 AS a, 2 AS a", "--table", str(table)) == (
        "--sql: two columns have the name a; give each column its own name with AS"
    )


@pytest.mark.slow
def test_the_command_answers_in_a_process_and_leaves_nothing_behind(table: Path, tmp_path: Path) -> None:
    command_line = [sys.executable, "-m", "local.answers", "total_bytes_transferred", *WINDOW, "--format", "csv"]
    process = subprocess.run(
        [*command_line, "--table", str(table)],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": f"{ROOT}:{ROOT / 'job'}", "TZ": "America/New_York",
             "TMPDIR": str(tmp_path), "JDK_JAVA_OPTIONS": " ".join(QUICK_START)},
        capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    assert process.returncode == 0, process.stderr
    rows = list(csv.DictReader(io.StringIO(process.stdout)))
    assert [row["bytes"] for row in rows] == [str(1000 * number) for number in range(len(SOURCES), 0, -1)]
    assert process.stderr.splitlines()[0] == "Starting Spark ..."
    assert process.stderr.splitlines()[-1] == f"{len(SOURCES)} rows."
    assert not [path.name for path in tmp_path.iterdir() if "spark" in path.name or path.name.startswith("answers")]
