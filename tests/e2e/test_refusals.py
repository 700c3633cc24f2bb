"""Tables, folders and checkpoints of others are refused, all problems at once, and a refused run makes nothing."""

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
    """The tables and views in the catalog."""
    return {found.name for found in spark.catalog.listTables("default")}


@pytest.fixture
def where(spark: SparkSession, tmp_path: Path) -> Iterator[Place]:
    """A place nobody has used; what a test puts into the catalog is taken out again."""
    before = names(spark)
    yield Place(tmp_path, "flow_logs")
    for found in spark.catalog.listTables("default"):
        if found.name not in before:
            spark.sql(f"DROP {'VIEW' if 'VIEW' in found.tableType or found.isTemporary else 'TABLE'} `{found.name}`")


def problems(spark: SparkSession, where: Place, **changes: str) -> tuple[str, ...]:
    """What a run is refused for, if it is; it must have made nothing."""
    before, tables = snapshot(where.root), names(spark)
    worked: list[int] = []
    found: tuple[str, ...] = ()
    try:
        run.run(where.parameters(**changes), session=lambda: spark, work=lambda *_: worked.append(1))
    except ParameterError as refused:
        found = refused.problems
    assert bool(worked) == (not found)
    assert snapshot(where.root) == before
    assert names(spark) == tables
    return found


def made(spark: SparkSession, where: Place) -> None:
    """Both tables and the checkpoint, as a run makes them."""
    where.checkpoint.mkdir()
    (where.checkpoint / "metadata").write_text(json.dumps({"id": QUERY}))
    bound = Binding("0123", checkpoint=str(where.checkpoint), logs_path=str(where.logs), query_id=QUERY)
    table.create(spark, table_name=where.table_name, path=where.delta, headers=where.headers, binding=bound)


def forget(spark: SparkSession, where: Place) -> None:
    """Take the tables out of the catalog, as a new catalog has it; their files stay."""
    spark.sql(f"DROP TABLE `{where.table_name}`")
    spark.sql(f"DROP TABLE `{where.table_name}_quarantine`")


# Delta Output Path


def test_new_and_empty_folders_are_accepted(spark: SparkSession, where: Place) -> None:
    assert problems(spark, where) == ()
    Path(where.delta).mkdir()
    Path(quarantine_path(where.delta)).mkdir()
    Path(where.delta, ".hidden").touch()
    assert problems(spark, where) == ()


def test_the_jobs_own_table_is_accepted_again_with_and_without_the_catalog(spark: SparkSession, where: Place) -> None:
    made(spark, where)
    assert problems(spark, where) == ()
    assert problems(spark, where, delta_output_path=where.delta + "/") == ()
    assert problems(spark, where, delta_output_path="file:" + where.delta) == ()
    forget(spark, where)
    assert problems(spark, where) == ()
    assert problems(spark, where, table_name="another_name") == ()


def test_a_folder_that_is_not_empty_is_refused(spark: SparkSession, where: Place) -> None:
    Path(where.delta).mkdir()
    Path(where.delta, "notes.txt").write_text("mine")
    (problem,) = problems(spark, where)
    assert problem.startswith(f"--delta-output-path: {where.delta!r} is not empty")


def test_a_plain_file_is_refused(spark: SparkSession, where: Place) -> None:
    Path(where.delta).write_text("mine")
    (problem,) = problems(spark, where)
    assert problem == f"--delta-output-path: {where.delta!r} is a file; use a folder"


def test_a_path_below_a_plain_file_is_refused_or_at_least_no_traceback(spark: SparkSession, where: Place) -> None:
    file = where.root / "file"
    file.write_text("mine")
    for problem in problems(spark, where, delta_output_path=f"{file}/table"):
        assert str(file) in problem


def test_a_delta_table_that_is_not_this_jobs_is_refused(spark: SparkSession, where: Place) -> None:
    spark.range(3).write.format("delta").save(where.delta)
    (problem,) = problems(spark, where)
    assert repr(where.delta) in problem
    assert "no records table of this job" in problem


def test_parquet_files_are_refused(spark: SparkSession, where: Place) -> None:
    spark.range(3).write.parquet(where.delta)
    (problem,) = problems(spark, where)
    assert "is not empty" in problem


def test_the_quarantines_folder_is_checked_too(spark: SparkSession, where: Place) -> None:
    Path(quarantine_path(where.delta)).mkdir()
    Path(quarantine_path(where.delta), "notes.txt").write_text("mine")
    (problem,) = problems(spark, where)
    assert repr(quarantine_path(where.delta)) in problem
    assert "no quarantine table" in problem


def test_a_quarantine_table_is_refused_where_records_should_be(spark: SparkSession, where: Place) -> None:
    made(spark, where)
    forget(spark, where)
    (problem,) = problems(spark, where, delta_output_path=quarantine_path(where.delta), table_name="other")
    assert repr(quarantine_path(where.delta)) in problem
    assert "no records table" in problem


def test_a_table_whose_making_was_cut_off_is_accepted(spark: SparkSession, where: Place) -> None:
    Path(where.delta, "_delta_log").mkdir(parents=True)
    assert problems(spark, where) == ()


# Table Name


def test_a_table_of_somebody_else_is_refused(spark: SparkSession, where: Place) -> None:
    spark.sql("CREATE TABLE flow_logs (a INT) USING delta")
    (problem,) = problems(spark, where)
    assert problem == "--table-name: 'flow_logs' exists and is not a records table of this job; use another name"
    assert problems(spark, where, delta_output_path="") == (problem,)


def test_a_table_that_is_no_delta_table_is_refused(spark: SparkSession, where: Place) -> None:
    spark.sql("CREATE TABLE flow_logs (a INT) USING parquet")
    (problem,) = problems(spark, where)
    assert "'flow_logs' exists and is not a records table of this job" in problem


@pytest.mark.parametrize("kind", ["VIEW", "TEMPORARY VIEW"])
def test_a_view_is_refused(spark: SparkSession, where: Place, kind: str) -> None:
    spark.sql(f"CREATE {kind} flow_logs AS SELECT 1 AS a")
    (problem,) = problems(spark, where)
    assert "'flow_logs' exists and is not a records table of this job" in problem


def test_a_table_of_the_quarantines_name_is_refused(spark: SparkSession, where: Place) -> None:
    spark.sql("CREATE TABLE flow_logs_quarantine (a INT) USING delta")
    (problem,) = problems(spark, where)
    assert "'flow_logs_quarantine' exists and is not a quarantine table of this job" in problem


def test_the_name_of_the_jobs_own_quarantine_is_refused(spark: SparkSession, where: Place) -> None:
    made(spark, where)
    found = problems(spark, where, table_name="flow_logs_quarantine", delta_output_path="")
    assert any("'flow_logs_quarantine' exists and is not a records table of this job" in problem for problem in found)


def test_the_jobs_own_table_at_another_place_is_refused(spark: SparkSession, where: Place) -> None:
    made(spark, where)
    other = str(where.root / "elsewhere")
    found = problems(spark, where, delta_output_path=other)
    assert len(found) == 2
    for name, path in (("flow_logs", where.delta), ("flow_logs_quarantine", quarantine_path(where.delta))):
        assert any(repr(name) in problem and path in problem and other in problem for problem in found)


def test_a_schema_that_is_missing_is_refused_with_how_to_make_it(spark: SparkSession, where: Place) -> None:
    found = problems(spark, where, table_name="nowhere.flow_logs")
    assert any("schema 'nowhere' does not exist; run CREATE SCHEMA `nowhere`" in problem for problem in found)


def test_a_problem_with_the_schema_is_told_once(spark: SparkSession, where: Place) -> None:
    assert len(problems(spark, where, table_name="nowhere.flow_logs")) == 1


def test_a_catalog_that_is_missing_is_refused(spark: SparkSession, where: Place) -> None:
    found = problems(spark, where, table_name="no_catalog.default.flow_logs")
    assert found
    assert all(problem.startswith("--table-name: ") and "no_catalog" in problem for problem in found)
    assert all("\n" not in problem for problem in found)


# Checkpoint Path


@pytest.mark.parametrize("ending", ["", "/", "/*", "/*/"])
def test_the_checkpoint_of_the_same_logs_is_accepted_however_they_are_written(
    spark: SparkSession, where: Place, ending: str
) -> None:
    made(spark, where)
    assert problems(spark, where, vpc_logs_path=f"{where.logs}{ending}") == ()
    assert problems(spark, where, checkpoint_path=f"{where.checkpoint}/") == ()


def test_the_checkpoint_of_the_same_logs_is_accepted_with_a_scheme(spark: SparkSession, where: Place) -> None:
    made(spark, where)
    assert problems(spark, where, vpc_logs_path=f"file:{where.logs}") == ()


def test_the_checkpoint_of_other_logs_is_refused(spark: SparkSession, where: Place) -> None:
    made(spark, where)
    other = where.root / "other"
    (problem,) = problems(spark, where, vpc_logs_path=str(other))
    assert problem.startswith(f"--checkpoint-path: {str(where.checkpoint)!r} is the checkpoint of")
    assert repr(str(where.logs)) in problem


def test_a_checkpoint_folder_with_other_files_is_refused(spark: SparkSession, where: Place) -> None:
    where.checkpoint.mkdir()
    (where.checkpoint / ".hidden").touch()
    assert problems(spark, where) == ()
    (where.checkpoint / "offsets").mkdir()
    (problem,) = problems(spark, where)
    assert problem.startswith(
        f"--checkpoint-path: {str(where.checkpoint)!r} is not empty and not a checkpoint of this job"
    )


def test_a_plain_file_as_checkpoint_is_refused(spark: SparkSession, where: Place) -> None:
    where.checkpoint.write_text("mine")
    (problem,) = problems(spark, where)
    assert problem.startswith(f"--checkpoint-path: {str(where.checkpoint)!r} is a file")


# Together


def test_refusals_and_bad_values_are_in_one_message(
    spark: SparkSession, where: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    where.checkpoint.write_text("mine")
    Path(where.delta).write_text("mine")
    spark.sql("CREATE VIEW flow_logs AS SELECT 1 AS a")
    found = problems(spark, where, region_name="moon", headers="a,a", trigger="never", color="red")
    message = capsys.readouterr().err
    parts = ("--region-name:", "--headers:", "--trigger:", "--color=red", "--checkpoint-path:", "--delta-output-path:")
    for part in (*parts, "--table-name:"):
        assert sum(part in problem.split("; valid parameters are: ")[0] for problem in found) == 1, part
    assert message == f"7 parameter problems; nothing was created:\n{''.join(f'  - {p}' + chr(10) for p in found)}"


def test_a_bad_delta_output_path_does_not_keep_the_table_name_from_being_checked(
    spark: SparkSession, where: Place
) -> None:
    spark.sql("CREATE VIEW flow_logs AS SELECT 1 AS a")
    found = problems(spark, where, delta_output_path="relative")
    assert [problem.split(":")[0] for problem in found] == ["--delta-output-path", "--table-name"]


def test_a_folder_as_checkpoint_is_looked_at_even_when_the_logs_path_is_bad(spark: SparkSession, where: Place) -> None:
    where.checkpoint.write_text("mine")
    found = problems(spark, where, vpc_logs_path="Not Good")
    assert [problem.split(":")[0] for problem in found] == ["--vpc-logs-path", "--checkpoint-path"]


def test_the_folder_of_the_table_is_looked_at_even_when_its_name_is_bad(spark: SparkSession, where: Place) -> None:
    Path(where.delta).write_text("mine")
    found = problems(spark, where, table_name="Not Good")
    assert [problem.split(":")[0] for problem in found] == ["--table-name", "--delta-output-path"]


@pytest.mark.parametrize("name", ["delta_output_path", "checkpoint_path"])
@pytest.mark.parametrize("path", ["s3://lake-1/flow", "dbfs:/flow"])
def test_a_storage_that_cannot_be_looked_at_is_reported_and_is_not_a_refusal(
    spark: SparkSession, where: Place, capsys: pytest.CaptureFixture[str], name: str, path: str
) -> None:
    assert problems(spark, where, **{name: path}) == ()
    (note,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("note: ")]
    assert note.startswith(f"note: --{name.replace('_', '-')}: {path!r} cannot be checked before the run: ")


# Headers


def test_a_name_close_to_a_documented_field_is_a_note_and_no_refusal(
    spark: SparkSession, where: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    assert problems(spark, where, headers="version,scraddr,my-own-field") == ()
    (note,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("note: ")]
    assert note.startswith("note: --headers: 'scraddr' is not a field that AWS documents; did you mean 'srcaddr'?")


# The command


def test_a_refused_command_makes_no_file_and_shows_no_traceback(tmp_path: Path) -> None:
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
def test_what_local_spark_cannot_do_is_told_together_with_the_rest(tmp_path: Path, name: str, value: str) -> None:
    where = Place(tmp_path / "place", "flows.vpc")
    process = Process(where.parameters(**{name.replace("-", "_"): value}, region_name="moon"), tmp_path / "process")
    assert process.wait() == 2
    assert f"--{name}" in process.err
    assert "--region-name" in process.err
    shutil.rmtree(where.root)
