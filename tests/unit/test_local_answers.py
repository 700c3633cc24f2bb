"""The command line of `local.answers`, and its four outputs with hostile text in every cell."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from local.answers import __main__ as command
from local.answers import csv_file, html_page, json_file, terminal
from local.answers.arguments import InvalidArguments, Request, request_of
from local.answers.result import Result, listed
from local.answers.tables import UnknownTable, find
from tests.support.hostile import BIDI, DISGUISED_FORMULAS, ESCAPE, FORMULAS, HOSTILE
from vpc_flow_logs.answers.catalog import catalog
from vpc_flow_logs.answers.model import OutputColumn
from vpc_flow_logs.terminal import printable

ALL_OPTIONS = {f"--{p.name.replace('_', '-')}" for answer in catalog() for p in answer.parameters[2:]}
NOW = datetime(2026, 11, 28, 12, tzinfo=timezone.utc)
COLUMNS = (OutputColumn("name", "STRING", ""), OutputColumn("bytes", "BIGINT", ""), OutputColumn("port", "INT", ""))


@pytest.fixture
def warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a warehouse with one records table and its quarantine table, in the working directory."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "spark-warehouse"
    for name in ("flow_logs", "flow_logs_quarantine", "flow_logs_hourly"):
        (folder / name / "_delta_log").mkdir(parents=True)
    return folder


def request(*arguments: str) -> Request:
    return request_of(arguments, now=NOW)


def problems(*arguments: str) -> list[str]:
    with pytest.raises(InvalidArguments) as error:
        request(*arguments)
    return [line.strip() for line in str(error.value).splitlines()[1:-1]]


def result(*names: str, columns: tuple[OutputColumn, ...] = COLUMNS) -> Result:
    return Result(HOSTILE, HOSTILE, HOSTILE, columns, [(name, 1_234_567, 8443) for name in names])


def written(module: Any, table: Result) -> str:
    stream = io.StringIO()
    module.write(table, stream)
    return stream.getvalue()


def test_an_answer_has_the_window_of_the_last_24_hours_by_default(warehouse: Path) -> None:
    chosen = request("top_talkers")

    assert chosen.answer is not None
    assert chosen.answer.name == "top_talkers"
    assert chosen.place is not None
    assert chosen.place.folder == warehouse / "flow_logs"
    assert chosen.given == {"since": NOW - timedelta(hours=24), "until": NOW}
    assert (chosen.format, chosen.rows) == ("table", 1000)


@pytest.mark.parametrize(
    ("arguments", "since", "until"),
    [
        (["--last=90m"], NOW - timedelta(minutes=90), NOW),
        (["--last", "2w"], NOW - timedelta(days=14), NOW),
        (["--last", "7d", "--until", "2026-11-08"], datetime(2026, 11, 1), datetime(2026, 11, 8)),
        (["--since", "2026-11-01T08:30Z"], datetime(2026, 11, 1, 8, 30), NOW),
        (["--since=2026-11-01T08:30+02:00"], datetime(2026, 11, 1, 6, 30), NOW),
        (["--until", "2026-11-08"], datetime(2026, 11, 7), datetime(2026, 11, 8)),
    ],
)
def test_windows_are_in_utc(warehouse: Path, arguments: list[str], since: datetime, until: datetime) -> None:
    given = request("top_talkers", *arguments).given
    assert [given["since"], given["until"]] == [time.replace(tzinfo=timezone.utc) for time in (since, until)]


def test_parameters_of_an_answer_are_options(warehouse: Path) -> None:
    given = request("unusual-uploads", "--factor", "2.5", "--min-bytes", "0").given
    assert (given["factor"], given["min_bytes"]) == (2.5, 0)
    assert request("traffic_from", "--address=2001:db8::1").given["address"] == "2001:db8::1"


def test_every_parameter_of_the_catalog_is_an_option(warehouse: Path) -> None:
    values = {"address": "10.0.0.1", "direction": "egress"}
    for answer in catalog():
        options = [f"--{p.name.replace('_', '-')}={values.get(p.name, '1')}" for p in answer.parameters[2:]]
        assert set(request(answer.name, *options).given) == {parameter.name for parameter in answer.parameters}
        for parameter in answer.parameters:
            assert f"--{parameter.name.replace('_', '-')} " in request(answer.name, "--help").help


def test_the_help_describes_each_parameter_as_its_answers_do(warehouse: Path) -> None:
    general = " ".join(request("--help").help.split())
    for answer in catalog():
        options = " ".join(request(answer.name, "--help").help.partition(f"\n{answer.name}: ")[0].split())
        own = {f"--{parameter.name.replace('_', '-')}": parameter.meaning for parameter in answer.parameters[2:]}
        for option, meaning in own.items():
            assert re.search(rf"{option} \[[A-Z]+\] {re.escape(meaning)}( |$)", options), (answer.name, options)
            assert f"{meaning} (of " in general
        assert set(re.findall(r"--[a-z-]+", options)) & ALL_OPTIONS == set(own)


def test_all_problems_are_reported_at_once() -> None:
    wrong = ["topp_talkers", "--table=s3://bucket/table", "--last=3y", "--since=yesterday", "--min-ports=x", "--nope"]
    assert problems(*wrong, "--format=xml", "--rows=0") == [
        "--nope: unknown argument",
        "topp_talkers: unknown answer; did you mean top_talkers?",
        "--min-ports x: must be a whole number from 0 to 2147483647",
        "--since yesterday: must be an ISO 8601 time such as 2026-11-01T08:30Z (UTC by default)",
        "--last 3y: must be a number from 1 to 999999 and m, h, d or w, such as 90m, 24h or 7d",
        "--last: not together with --since; use one of them",
        "--format xml: unknown format; use table, csv, json, html",
        "--rows 0: must be a whole number from 1 to 2147483647",
        "--table: s3://bucket/table is not on this machine; copy the table to a folder",
    ]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["top_talkers", "--min-ports=5"], "--min-ports: top_talkers has no such parameter; it has --direction"),
        (["skipped_data", "--direction=egress"],
         "--direction: skipped_data has no such parameter; it has only the time window"),
        (["port_scans", "--min-ports=99999999999"],
         "--min-ports 99999999999: must be a whole number from 0 to 2147483647"),
        (["unusual_uploads", "--factor=nan"], "--factor nan: must be a number, such as 2.5"),
        (["traffic_from", "--address"], "--address: needs a value"),
        (["traffic_from", "--address=' OR 1=1 --"], "--address ' OR 1=1 --: must be an IPv4 or IPv6 address"),
        (["traffic_from", "--direction=sideways"], "--direction sideways: must be ingress or egress"),
        (["port_scans", "--min-ports=-1"], "--min-ports -1: must be a whole number from 0 to 2147483647"),
        ([""], "empty name: unknown answer; .venv/bin/python -m local.answers lists the answers"),
        (["top_talkers", "--sql", "SELECT 1"], "--sql: not together with the answer 'top_talkers'; use one of them"),
        (["--sql", " "],
         "--sql: empty; write a query in quotes, such as --sql 'SELECT count(*) FROM flow_logs'"),
        (["--sql", "SELECT 1", "--last=7d"], "--last: has no effect on --sql; write it in the query"),
        (["--address=10.0.0.1"], "--address: needs the name of an answer"),
        (["--table=flow_logs"], "--table: needs the name of an answer"),
        (["top_talkers", "--since=2026-11-29"],
         "--since 2026-11-29: must be before the end of the window, 2026-11-28T12:00:00+00:00"),
        (["top_talkers", "--until=0001-01-01"], "--last: the window begins before the year 1"),
        (["top_talkers", "--since=0001-01-01T00:00+05:00"],
         "--since 0001-01-01T00:00+05:00: must be an ISO 8601 time such as 2026-11-01T08:30Z (UTC by default)"),
        (["\x1b[2J"], r"\x1b[2J: unknown answer; .venv/bin/python -m local.answers lists the answers"),
    ],
)  # fmt: skip
def test_an_argument_that_cannot_be_right_is_a_problem(warehouse: Path, arguments: list[str], problem: str) -> None:
    assert problems(*arguments) == [problem]


def test_invalid_arguments_end_with_status_2_and_nothing_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["nothing", "--rows"]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.count("\n") == 5
    assert output.err.endswith("All options: .venv/bin/python -m local.answers --help\n")


def test_a_table_is_a_name_in_the_warehouse_or_a_folder(warehouse: Path) -> None:
    (warehouse / "net.db" / "vpc" / "_delta_log").mkdir(parents=True)
    by_itself = warehouse.parent / "My-table"
    (by_itself / "_delta_log").mkdir(parents=True)

    assert find("FLOW_LOGS") == find("default.flow_logs") == find("spark_catalog.default.flow_logs") == find(None)
    assert find("net.vpc").folder == warehouse / "net.db" / "vpc"
    assert find("net.vpc").name == "net.vpc"
    for text in ("My-table", str(by_itself), f"file://{by_itself}", "./My-table/"):
        place = find(text)
        assert (place.folder, place.name, place.warehouse) == (by_itself, "default.my_table", None)
    assert find("spark-warehouse/flow_logs").warehouse is None


def test_a_table_that_does_not_exist_is_reported_with_those_that_do(warehouse: Path) -> None:
    for text in ("other", "", "no/folder", "x" * 5000, "a\x00b"):
        with pytest.raises(UnknownTable, match=r"does not exist, nor is it .*; spark-warehouse has flow_logs$"):
            find(text)
    with pytest.raises(UnknownTable, match=r"folder '.*' has no Delta table"):
        find(str(warehouse))
    with pytest.raises(UnknownTable, match=r"local Spark has no catalog 'main'; use net\.flow_logs"):
        find("main.net.flow_logs")
    (warehouse / "flow_logs_quarantine" / "_delta_log").rmdir()
    with pytest.raises(UnknownTable, match=r"^missing; name a table or its folder$"):
        find(None)


@pytest.mark.parametrize("format_", ["table", "csv", "json", "html"])
def test_the_list_has_every_answer_in_every_format(format_: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main([f"--format={format_}"]) == 0
    output = capsys.readouterr().out
    assert all(answer.name in output and "--min-ports" in output for answer in catalog())


def test_the_terminal_shows_text_as_it_is_without_obeying_it() -> None:
    output = written(terminal, result(HOSTILE, "[bold]x[/]", ":smile:", *FORMULAS))

    assert "\x1b" not in output
    assert not re.search(f"[{BIDI}\x07\x9b]", output)
    for text in ("<script>", r"\x1b[2J", r"\u202e", "[bold]x[/]", ":smile:", "1,234,567", " 8443"):
        assert text in output
    assert output.count("1,234,567") == 3 + len(FORMULAS)


def test_the_terminal_cuts_nothing_off() -> None:
    class Narrow(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Narrow()
    terminal.write(result("2001:db8:1234:5678:9abc:def0:1234:5678" * 4), stream)
    shown = re.sub(r"\x1b\[[0-9;]*m|[\s\u2500-\u257f]", "", stream.getvalue())
    assert "\u2026" not in shown
    assert shown.count("2001:db8") == 4


def test_csv_text_is_not_a_formula_and_numbers_are_numbers() -> None:
    header = OutputColumn("=cmd()", "STRING", "")
    formulas = (*FORMULAS, *DISGUISED_FORMULAS)
    plain = ["10.0.0.1", 'a "b", c', "a=1", " 1", ""]
    rows = [(text, -5, None) for text in (*formulas, HOSTILE, *plain)]
    output = written(csv_file, Result("", "", "", (header, *COLUMNS[1:]), rows))
    lines = list(csv.reader(io.StringIO(output)))

    assert lines[0] == ["'=cmd()", "bytes", "port"]
    assert not re.search(f"[\x1b\r{BIDI}]", output)
    for text, line in zip(formulas, lines[1:], strict=False):
        assert line[0] == "'" + "\t".join(map(printable, text.split("\t")))
    assert all(line[1:] == ["-5", ""] for line in lines[1:])
    assert [line[0] for line in lines[-len(plain) :]] == plain


def test_json_is_an_array_of_objects_with_the_values_unchanged() -> None:
    rows = [(HOSTILE, 2**62, None), ("=1", 0, 1)]
    output = written(json_file, Result("", "", "", COLUMNS, rows))

    assert json.loads(output) == [{"name": name, "bytes": bytes_, "port": port} for name, bytes_, port in rows]
    assert output.isascii()
    assert ESCAPE not in output
    assert json.loads(written(json_file, Result("", "", "", COLUMNS, []))) == []


def test_the_page_shows_text_and_never_markup() -> None:
    columns = (OutputColumn(HOSTILE, "STRING", ""), *COLUMNS[1:])
    output = written(html_page, result(HOSTILE, *FORMULAS, columns=columns))

    assert "<script" not in output
    assert "&lt;script&gt;" in output
    assert not re.search(f"[\x1b{BIDI}]", output)
    assert not re.search(r"<[^>]*\son\w+=", output)
    assert not re.search(r"<[^>]*\s(?:src|href)=|url\(|@import", output)
    assert output.count("1,234,567") == 1 + len(FORMULAS)


def test_the_list_of_answers_is_a_result() -> None:
    assert [row[1] for row in listed().rows] == [answer.name for answer in catalog()]
