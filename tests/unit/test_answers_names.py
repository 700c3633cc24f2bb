"""Names of addresses in answers: the columns that they add, the order, the view, and the settings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from infra.config import EnvironmentFileError
from infra.workspace_spec import job_parameters, maintenance_parameters
from local.answers.arguments import InvalidArguments, request_of
from local.answers.names import Names, find_names
from local.answers.tables import UnknownTable
from tests.support.environment_files import SIMPLE, environment
from vpc_flow_logs.answers import names
from vpc_flow_logs.answers.catalog import catalog
from vpc_flow_logs.answers.model import Answer
from vpc_flow_logs.answers.names import ADDRESSES, LeftOut, named
from vpc_flow_logs.answers.statements import sources_of, statements
from vpc_flow_logs.parameters import names_table_problem, problems_of

WITH_ADDRESSES = [answer for answer in catalog() if {column.name for column in answer.columns} & set(ADDRESSES)]
VIEW = names.view("`n`", ["cidr", "name"])

each = pytest.mark.parametrize("answer", WITH_ADDRESSES, ids=lambda answer: answer.name)


def test_every_text_column_that_holds_an_address_gets_a_name() -> None:
    columns = {column for answer in catalog() for column in answer.columns if column.type == "STRING"}
    assert {column.name for column in columns if re.search("[Aa]ddress|IP\\b", column.meaning)} == set(ADDRESSES)


def test_answers_without_addresses_stay_the_same() -> None:
    others = [answer for answer in catalog() if answer not in WITH_ADDRESSES]
    assert "freshness" in {answer.name for answer in others}
    assert [named(answer) for answer in others] == others


def with_names(name: str) -> str:
    return f'{SIMPLE}\n[answers]\nnames_table = "{name}"\n'


@each
def test_each_address_is_followed_by_its_name_and_the_other_columns_stay(answer: Answer) -> None:
    columns = [column.name for column in named(answer).columns]
    assert [name for name in columns if not name.endswith("_name")] == [column.name for column in answer.columns]
    for place, name in enumerate(columns):
        assert (name in ADDRESSES) == (columns[place + 1 : place + 2] == [f"{name}_name"])
    assert set(named(answer).columns) > set(answer.columns)


@each
def test_the_order_uses_only_columns_of_the_answer(answer: Answer) -> None:
    order = named(answer).sql.rpartition("ORDER BY ")[2]
    assert "." not in order
    assert set(re.findall(r"[a-z_]+", order)) <= {column.name for column in answer.columns}
    assert answer.sql in named(answer).sql  # with its own order and limit


@each
def test_names_of_the_join_are_neither_columns_nor_parameters_of_an_answer(answer: Answer) -> None:
    taken = {column.name for column in answer.columns} | {parameter.name for parameter in answer.parameters}
    assert not taken & {"bits", "place", "looked_up", "digits", "version", "prefix", "name"}


def test_a_names_table_adds_a_view_before_the_functions_and_changes_the_functions_with_addresses() -> None:
    before, after = statements("c.s.t", {}), statements("c.s.t", {}, named=VIEW)
    assert [statement.name for statement in after if statement.is_view] == [
        f"c.s.t_{name}" for name in ("service_names", "names", "all_fields", "ocsf")
    ]
    known = {statement.name: statement.digest for statement in before}
    changed = {statement.name for statement in after if statement.digest != known.get(statement.name)}
    assert changed == {"c.s.t_names", *(f"c.s.t_{answer.name}" for answer in WITH_ADDRESSES)}
    assert sources_of("c.s.t")["names"] in "".join(statement.sql for statement in after if not statement.is_view)


def test_owner_and_list_may_be_missing() -> None:
    assert "CAST(NULL AS STRING) AS owner, CAST(NULL AS STRING) AS list" in VIEW.query
    assert "CAST(`owner` AS STRING) AS owner" in names.view("`n`", ["CIDR", "Name", "Owner"]).query
    assert names.problem(["CIDR", "Name"]) is None
    assert str(names.problem(["network"])).startswith("it has no column cidr and no column name; a names table has ")


def test_a_note_counts_the_rows_that_are_left_out() -> None:
    assert LeftOut(5, 0, None).lines("n") == []
    (line,) = LeftOut(5000, 1200, "10.0.0.0/33").lines("n")
    assert line.startswith("note: 1,200 of 5,000 rows of the names table n are left out, because they have no valid ")
    assert line.endswith(" block or no name, for example '10.0.0.0/33'")
    assert LeftOut(1, 1, None).lines("n")[0].endswith("or no name")


def test_the_name_of_a_names_table_is_checked() -> None:
    assert names_table_problem("network.inventory.names", "network.flow_logs.staging") is None
    assert "is the view that the job creates" in str(names_table_problem("a.b.t_names", "a.b.t"))
    assert "is not a valid [catalog.][schema.]name" in str(names_table_problem("a.b.`x`; DROP", "a.b.t"))
    assert problems_of({"names-table": "n", "answers": "off"}) == {"names-table": "valid only with --answers create"}
    assert problems_of({"names-table": "n", "answers": "create"}) == {}


def test_the_environment_key_becomes_a_parameter_of_the_streaming_job_only(tmp_path: Path) -> None:
    settings = environment(tmp_path, text=with_names("a.b.names"))
    assert job_parameters(settings, queue_url=None)["names-table"] == "a.b.names"
    assert "names-table" not in maintenance_parameters(settings)
    assert "names-table" not in job_parameters(environment(tmp_path), queue_url=None)


def test_the_environment_key_cannot_name_the_view(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFileError) as error:
        environment(tmp_path, text=with_names(f"{environment(tmp_path).job.table}_names"))
    assert "answers.names_table: 'network.flow_logs.test_names' is the view that the job creates" in str(error.value)


def test_local_answers_take_a_csv_file_or_a_delta_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file, folder = tmp_path / "names.csv", tmp_path / "spark-warehouse" / "cidr_names"
    file.write_text("cidr,name\n")
    (folder / "_delta_log").mkdir(parents=True)
    assert find_names("names.csv") == Names(file, is_csv=True)
    assert find_names("cidr_names") == find_names(str(folder)) == Names(folder, is_csv=False)
    for text in ("", "missing.csv", "s3://bucket/names", "a\x00b", "x" * 5000, str(tmp_path)):
        with pytest.raises(UnknownTable, match="is not a CSV file, the folder of a Delta table, or a table in"):
            find_names(text)
    with pytest.raises(InvalidArguments) as error:
        request_of(["--names-table", "missing.csv"])
    assert "--names-table: needs the name of an answer" in str(error.value)
    assert "--names-table: 'missing.csv' is not a CSV file" in str(error.value)
