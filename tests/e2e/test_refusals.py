"""Tables, folders and checkpoints of others are rejected, with all problems at once and before anything is created."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.support.ingesting import Place, Process, snapshot
from vpc_flow_logs import run, table
from vpc_flow_logs.binding import Binding
from vpc_flow_logs.parameters import ParameterError
from vpc_flow_logs.paths import quarantine_path

pytestmark = pytest.mark.lts

QUERY = "5a1d0a4e-0000-4000-8000-000000000001"


def names(spark: SparkSession) -> set[str]:
    """Return the names of the tables and views in the catalog."""
    # Not Catalog.listTables, which Spark 4.2 cannot decode without code generation.
    return {row.tableName for row in spark.sql("SHOW TABLES IN default").collect()}


@pytest.fixture
def where(spark: SparkSession, tmp_path: Path) -> Iterator[Place]:
    """Yield a new place; remove everything that the test adds to the catalog."""
    before = names(spark)
    yield Place(tmp_path, "flow_logs")
    views = {row.viewName for row in spark.sql("SHOW VIEWS IN default").collect()}
    for name in names(spark) - before:
        spark.sql(f"DROP {'VIEW' if name in views else 'TABLE'} `{name}`")


def problems(spark: SparkSession, where: Place, **changes: str) -> tuple[str, ...]:
    """Return the problems for which a run is rejected, and check that the run created nothing."""
    before, tables = snapshot(where.root), names(spark)
    calls: list[int] = []
    reported: tuple[str, ...] = ()
    try:
        run.run(where.parameters(**changes), session=lambda: spark, work=lambda *_: calls.append(1))
    except ParameterError as error:
        reported = error.problems
    assert bool(calls) == (not reported)
    assert snapshot(where.root) == before
    assert names(spark) == tables
    return reported


def create_tables(spark: SparkSession, where: Place) -> None:
    """Create both tables and the checkpoint, as a run does."""
    where.checkpoint.mkdir()
    (where.checkpoint / "metadata").write_text(json.dumps({"id": QUERY}))
    bound = Binding("0123", checkpoint=str(where.checkpoint), logs_path=str(where.logs), query_id=QUERY)
    table.create(spark, table_name=where.table_name, path=where.delta, headers=where.headers, binding=bound)


def forget(spark: SparkSession, where: Place) -> None:
    """Drop the tables from the catalog, as if the catalog were new; their files stay."""
    spark.sql(f"DROP TABLE `{where.table_name}`")
    spark.sql(f"DROP TABLE `{where.table_name}_quarantine`")


# Delta Output Path


def test_new_and_empty_folders_are_accepted(spark: SparkSession, where: Place) -> None:
    assert problems(spark, where) == ()
    Path(where.delta).mkdir()
    Path(quarantine_path(where.delta)).mkdir()
    Path(where.delta, ".hidden").touch()
    assert problems(spark, where) == ()


def test_the_jobs_own_table_is_accepted_with_and_without_a_catalog_entry(spark: SparkSession, where: Place) -> None:
    create_tables(spark, where)
    assert problems(spark, where) == ()
    assert problems(spark, where, delta_output_path=where.delta + "/") == ()
    assert problems(spark, where, delta_output_path="file:" + where.delta) == ()
    forget(spark, where)
    assert problems(spark, where) == ()
    assert problems(spark, where, table_name="another_name") == ()


def test_a_folder_that_is_not_empty_is_rejected(spark: SparkSession, where: Place) -> None:
    Path(where.delta).mkdir()
    Path(where.delta, "notes.txt").write_text("mine")
    (problem,) = problems(spark, where)
    assert problem.startswith(f"--delta-output-path: {where.delta!r} is not empty")


def test_a_file_as_delta_output_path_is_rejected(spark: SparkSession, where: Place) -> None:
    Path(where.delta).write_text("mine")
    (problem,) = problems(spark, where)
    assert problem == f"--delta-output-path: {where.delta!r} is a file; use a folder"


def test_a_path_under_a_file_is_accepted_or_rejected_without_a_traceback(spark: SparkSession, where: Place) -> None:
    file = where.root / "file"
    file.write_text("mine")
    for problem in problems(spark, where, delta_output_path=f"{file}/table"):
        assert str(file) in problem


def test_a_foreign_delta_table_is_rejected(spark: SparkSession, where: Place) -> None:
    spark.range(3).write.format("delta").save(where.delta)
    (problem,) = problems(spark, where)
    assert repr(where.delta) in problem
    assert "no records table of this job" in problem


def test_a_folder_with_parquet_files_is_rejected(spark: SparkSession, where: Place) -> None:
    spark.range(3).write.parquet(where.delta)
    (problem,) = problems(spark, where)
    assert "is not empty" in problem


def test_the_folder_of_the_quarantine_table_is_checked_too(spark: SparkSession, where: Place) -> None:
    Path(quarantine_path(where.delta)).mkdir()
    Path(quarantine_path(where.delta), "notes.txt").write_text("mine")
    (problem,) = problems(spark, where)
    assert repr(quarantine_path(where.delta)) in problem
    assert "no quarantine table" in problem


def test_a_quarantine_table_is_rejected_as_records_table(spark: SparkSession, where: Place) -> None:
    create_tables(spark, where)
    forget(spark, where)
    (problem,) = problems(spark, where, delta_output_path=quarantine_path(where.delta), table_name="other")
    assert f"{quarantine_path(where.delta)!r} is the folder of the quarantine table" in problem
    assert problem.endswith(f"; use --delta-output-path {where.delta}")


def test_a_table_with_an_interrupted_creation_is_accepted(spark: SparkSession, where: Place) -> None:
    Path(where.delta, "_delta_log").mkdir(parents=True)
    assert problems(spark, where) == ()


# Table Name


def test_an_existing_table_of_the_same_name_is_rejected(spark: SparkSession, where: Place) -> None:
    spark.sql("CREATE TABLE flow_logs (a INT) USING delta")
    (problem,) = problems(spark, where)
    assert problem == "--table-name: 'flow_logs' exists and is not a records table of this job; use another name"
    assert problems(spark, where, delta_output_path="") == (problem,)


def test_a_table_in_another_format_is_rejected(spark: SparkSession, where: Place) -> None:
    spark.sql("CREATE TABLE flow_logs (a INT) USING parquet")
    (problem,) = problems(spark, where)
    assert "'flow_logs' exists and is not a records table of this job" in problem


@pytest.mark.parametrize("kind", ["VIEW", "TEMPORARY VIEW"])
def test_a_view_is_rejected(spark: SparkSession, where: Place, kind: str) -> None:
    spark.sql(f"CREATE {kind} flow_logs AS SELECT 1 AS a")
    (problem,) = problems(spark, where)
    assert "'flow_logs' exists and is not a records table of this job" in problem


def test_an_existing_table_with_the_name_of_the_quarantine_table_is_rejected(spark: SparkSession, where: Place) -> None:
    spark.sql("CREATE TABLE flow_logs_quarantine (a INT) USING delta")
    (problem,) = problems(spark, where)
    assert "'flow_logs_quarantine' exists and is not a quarantine table of this job" in problem


def test_the_name_of_the_jobs_own_quarantine_table_is_rejected(spark: SparkSession, where: Place) -> None:
    create_tables(spark, where)
    reported = problems(spark, where, table_name="flow_logs_quarantine", delta_output_path="")
    assert (
        "--table-name: 'flow_logs_quarantine' is the quarantine table of 'flow_logs'; use --table-name flow_logs"
        in (reported)
    )


def test_the_jobs_own_table_at_another_path_is_rejected(spark: SparkSession, where: Place) -> None:
    create_tables(spark, where)
    new_path = str(where.root / "elsewhere")
    reported = problems(spark, where, delta_output_path=new_path)
    assert len(reported) == 2
    for name, path in (("flow_logs", where.delta), ("flow_logs_quarantine", quarantine_path(where.delta))):
        assert any(repr(name) in problem and path in problem and new_path in problem for problem in reported)


def test_a_missing_schema_is_rejected_with_the_statement_that_creates_it(spark: SparkSession, where: Place) -> None:
    reported = problems(spark, where, table_name="nowhere.flow_logs")
    assert any("schema 'nowhere' does not exist; run CREATE SCHEMA `nowhere`" in problem for problem in reported)


def test_a_problem_with_the_schema_is_reported_once(spark: SparkSession, where: Place) -> None:
    assert len(problems(spark, where, table_name="nowhere.flow_logs")) == 1


def test_a_missing_catalog_is_rejected(spark: SparkSession, where: Place) -> None:
    reported = problems(spark, where, table_name="no_catalog.default.flow_logs")
    assert reported
    assert all(problem.startswith("--table-name: ") and "no_catalog" in problem for problem in reported)
    assert all("\n" not in problem for problem in reported)


# Checkpoint Path


@pytest.mark.parametrize("ending", ["", "/", "/*", "/*/"])
def test_the_checkpoint_of_the_same_logs_is_accepted_in_every_spelling_of_the_path(
    spark: SparkSession, where: Place, ending: str
) -> None:
    create_tables(spark, where)
    assert problems(spark, where, vpc_logs_path=f"{where.logs}{ending}") == ()
    assert problems(spark, where, checkpoint_path=f"{where.checkpoint}/") == ()


def test_the_checkpoint_of_the_same_logs_is_accepted_with_a_scheme(spark: SparkSession, where: Place) -> None:
    create_tables(spark, where)
    assert problems(spark, where, vpc_logs_path=f"file:{where.logs}") == ()


def test_the_checkpoint_of_other_logs_is_rejected(spark: SparkSession, where: Place) -> None:
    create_tables(spark, where)
    other_logs = where.root / "other"
    (problem,) = problems(spark, where, vpc_logs_path=str(other_logs))
    assert problem.startswith(f"--checkpoint-path: {str(where.checkpoint)!r} is the checkpoint of")
    assert repr(str(where.logs)) in problem


def test_a_checkpoint_folder_with_other_files_is_rejected(spark: SparkSession, where: Place) -> None:
    where.checkpoint.mkdir()
    (where.checkpoint / ".hidden").touch()
    assert problems(spark, where) == ()
    (where.checkpoint / "offsets").mkdir()
    (problem,) = problems(spark, where)
    assert problem.startswith(
        f"--checkpoint-path: {str(where.checkpoint)!r} is not empty and not a checkpoint of this job"
    )


def test_a_file_as_checkpoint_path_is_rejected(spark: SparkSession, where: Place) -> None:
    where.checkpoint.write_text("mine")
    (problem,) = problems(spark, where)
    assert problem.startswith(f"--checkpoint-path: {str(where.checkpoint)!r} is a file")


# All checks


def test_path_and_parameter_problems_are_in_one_message(
    spark: SparkSession, where: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    where.checkpoint.write_text("mine")
    Path(where.delta).write_text("mine")
    spark.sql("CREATE VIEW flow_logs AS SELECT 1 AS a")
    reported = problems(spark, where, region_name="moon", headers="a,a", trigger="never", color="red")
    message = capsys.readouterr().err
    parts = ("--region-name:", "--headers:", "--trigger:", "--color=red", "--checkpoint-path:", "--delta-output-path:")
    for part in (*parts, "--table-name:"):
        assert sum(part in problem.split("; valid parameters are: ")[0] for problem in reported) == 1, part
    assert message == f"7 parameter problems; nothing was created:\n{''.join(f'  - {p}' + chr(10) for p in reported)}"


def test_the_table_name_is_checked_even_if_the_delta_output_path_is_invalid(spark: SparkSession, where: Place) -> None:
    spark.sql("CREATE VIEW flow_logs AS SELECT 1 AS a")
    reported = problems(spark, where, delta_output_path="relative")
    assert [problem.split(":")[0] for problem in reported] == ["--delta-output-path", "--table-name"]


def test_the_checkpoint_folder_is_checked_even_if_the_logs_path_is_invalid(spark: SparkSession, where: Place) -> None:
    where.checkpoint.write_text("mine")
    reported = problems(spark, where, vpc_logs_path="Not Good")
    assert [problem.split(":")[0] for problem in reported] == ["--vpc-logs-path", "--checkpoint-path"]


def test_the_folder_of_the_table_is_checked_even_if_its_name_is_invalid(spark: SparkSession, where: Place) -> None:
    Path(where.delta).write_text("mine")
    reported = problems(spark, where, table_name="Not Good")
    assert [problem.split(":")[0] for problem in reported] == ["--table-name", "--delta-output-path"]


@pytest.mark.parametrize("name", ["delta_output_path", "checkpoint_path"])
@pytest.mark.parametrize("path", ["s3://lake-1/flow", "dbfs:/flow"])
def test_storage_that_cannot_be_checked_is_noted_and_accepted(
    spark: SparkSession, where: Place, capsys: pytest.CaptureFixture[str], name: str, path: str
) -> None:
    assert problems(spark, where, **{name: path}) == ()
    (note,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("note: ")]
    assert note.startswith(f"note: --{name.replace('_', '-')}: {path!r} cannot be checked before the run: ")


# Headers


def test_a_name_close_to_a_documented_field_is_noted_and_accepted(
    spark: SparkSession, where: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    assert problems(spark, where, headers="version,scraddr,my-own-field") == ()
    (note,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("note: ")]
    assert note.startswith("note: --headers: 'scraddr' is not a field that AWS documents; did you mean 'srcaddr'?")


# The command


def test_a_rejected_command_creates_no_file_and_prints_no_traceback(tmp_path: Path) -> None:
    where = Place(tmp_path / "place", "flows.vpc")
    Path(where.delta).mkdir()
    Path(where.delta, "notes.txt").write_text("mine")
    before = snapshot(where.root)
    process = Process(where.parameters(region_name="moon"), tmp_path / "process")
    assert process.wait() == 2
    assert process.err.splitlines()[0] == "2 parameter problems; nothing was created:"
    assert "--region-name" in process.err
    assert "--delta-output-path" in process.err
    assert "Traceback" not in process.err
    assert process.out == ""
    assert snapshot(where.root) == before
    assert sorted(file.name for file in (tmp_path / "process").iterdir()) == ["stderr", "stdout"]


@pytest.mark.parametrize(
    ("name", "value"), [("table-name", "main.flows.vpc"), ("checkpoint-path", "s3://lake-1/checkpoint")]
)
def test_the_limits_of_local_spark_are_reported_with_the_other_problems(tmp_path: Path, name: str, value: str) -> None:
    where = Place(tmp_path / "place", "flows.vpc")
    process = Process(where.parameters(**{name.replace("-", "_"): value}, region_name="moon"), tmp_path / "process")
    assert process.wait() == 2
    assert f"--{name}" in process.err
    assert "--region-name" in process.err
    shutil.rmtree(where.root)
