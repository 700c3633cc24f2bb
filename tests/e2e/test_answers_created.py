"""Views and table functions of the answers: the ones that a run creates, replaces and leaves alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession

from tests.support.ingesting import Place, file_of, ingest, table_of
from vpc_flow_logs import table
from vpc_flow_logs.answers import create, statements
from vpc_flow_logs.answers.catalog import catalog
from vpc_flow_logs.fields import DEFAULT_FORMAT

pytestmark = pytest.mark.lts

FEW = ("nat_gateway_bytes", "top_talkers")
"""The answers that the tests create. More would only take longer."""


@pytest.fixture(autouse=True)
def _few_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = tuple(answer for answer in catalog() if answer.name in FEW)
    monkeypatch.setattr(statements, "catalog", lambda: chosen)


@contextmanager
def counted(spark: SparkSession) -> Iterator[list[str]]:
    """Collect the statements that run in the session."""
    texts: list[str] = []
    original = spark.sql

    def sql(text: str, *more: Any, **given: Any) -> Any:
        texts.append(text)
        return original(text, *more, **given)

    spark.sql = sql  # type: ignore[method-assign]
    try:
        yield texts
    finally:
        del spark.sql  # type: ignore[method-assign]


def made(spark: SparkSession, name: str, headers: tuple[str, ...] = DEFAULT_FORMAT) -> None:
    table.create(spark, table_name=name, path="", headers=headers)


def description(spark: SparkSession, function: str) -> str:
    return "\n".join(row[0] for row in spark.sql(f"DESCRIBE FUNCTION EXTENDED {function}").collect())


def creations(texts: list[str]) -> list[str]:
    return [" ".join(text.split()[:5]) for text in texts if text.startswith(("CREATE", "ALTER", "DROP"))]


def test_a_run_creates_the_answers_and_prints_one_line(spark: SparkSession, tmp_path: Path) -> None:
    where = Place(tmp_path, "created_by_run")
    where.deliver(file_of(table_of()), "a.log.gz")
    ran = ingest(spark, where, answers="create")
    (line,) = (line for line in ran.lines if line.startswith("answers:"))
    assert line.startswith("answers:    5 views and table functions created")
    assert line.endswith("names that begin with spark_catalog.default.created_by_run_")
    count = spark.sql("SELECT count(*) AS n FROM created_by_run_all_fields").head()
    assert count is not None
    assert count.n == 20
    assert not spark.sql("SELECT * FROM created_by_run_top_talkers(since => TIMESTAMP '2020-01-01')").isEmpty()
    # The default format does not have the fields of this answer.
    assert spark.sql("SELECT * FROM created_by_run_nat_gateway_bytes(since => TIMESTAMP '2020-01-01')").isEmpty()
    assert not [line for line in ingest(spark, where, answers="create").lines if line.startswith("answers:")]


@pytest.mark.parametrize("name", ["conversations", "freshness", "unusual_uploads"])
def test_costly_texts_are_parsed_for_each_group_and_not_for_each_record(spark: SparkSession, name: str) -> None:
    if not spark.catalog.tableExists("costly_all_fields"):
        made(spark, "costly")
        create.create(spark, "costly")
    (answer,) = (answer for answer in catalog() if answer.name == name)
    spark.conf.set("spark.sql.debug.maxToStringFields", "1000")
    (row,) = spark.sql(f"EXPLAIN FORMATTED {answer.bound(statements.sources_of('costly'), {})}").collect()
    spark.conf.unset("spark.sql.debug.maxToStringFields")
    steps = row[0].partition("\n(1) Scan parquet")[2]  # in the order in which they run
    per_record, _, per_group = steps.partition(") Exchange")
    assert re.search("regexp_extract|RLIKE", per_group)
    assert "Aggregate" in per_record
    assert not re.search("regexp_extract|RLIKE", per_record)


def test_a_run_without_answers_creates_none(spark: SparkSession, tmp_path: Path) -> None:
    ingest(spark, Place(tmp_path, "no_answers"), answers="off")
    assert not spark.catalog.tableExists("no_answers_all_fields")


def test_an_unchanged_start_writes_nothing_and_queries_the_catalog_twice(spark: SparkSession) -> None:
    made(spark, "unchanged_t")
    assert create.create(spark, "unchanged_t")
    with counted(spark) as texts:
        assert create.create(spark, "unchanged_t") == []
    assert creations(texts) == []
    assert [text.split()[0] for text in texts] == ["SELECT", "SHOW", "SHOW"]


def test_only_missing_or_changed_functions_and_views_are_created_again(spark: SparkSession) -> None:
    made(spark, "changing")
    create.create(spark, "changing")
    spark.sql("DROP FUNCTION changing_nat_gateway_bytes")
    with counted(spark) as texts:
        create.create(spark, "changing")
    assert creations(texts) == [
        "CREATE OR REPLACE FUNCTION `spark_catalog`.`default`.`changing_nat_gateway_bytes`",
        "ALTER VIEW `spark_catalog`.`default`.`changing_all_fields` SET TBLPROPERTIES",
    ]
    made(spark, "changing", (*DEFAULT_FORMAT, "vpc-id"))  # adds a column
    with counted(spark) as texts:
        create.create(spark, "changing")
    assert [text.split("`")[5] for text in creations(texts)] == ["changing_all_fields"] * 2
    assert create.create(spark, "changing") == []


def test_an_older_function_of_the_job_is_replaced(spark: SparkSession) -> None:
    made(spark, "older")
    spark.sql(
        "CREATE FUNCTION older_top_talkers (x INT) RETURNS TABLE (y INT) COMMENT 'old [vpc_flow_logs 0123456789ab]' "
        "RETURN SELECT x"
    )
    create.create(spark, "older")
    assert "0123456789ab" not in description(spark, "older_top_talkers")
    assert spark.sql("SELECT * FROM older_top_talkers()").columns == ["srcaddr", "records", "packets", "bytes"]


def test_a_mark_in_the_body_of_a_function_does_not_make_it_the_jobs(spark: SparkSession) -> None:
    made(spark, "quoting")
    spark.sql("CREATE FUNCTION quoting_top_talkers () RETURNS STRING RETURN 'a [vpc_flow_logs 0123456789ab]'")
    assert "quoting_top_talkers" in create.create(spark, "quoting")[-1]
    assert spark.sql("SELECT quoting_top_talkers() AS x").collect() == [("a [vpc_flow_logs 0123456789ab]",)]


def test_functions_and_views_of_others_stay(spark: SparkSession) -> None:
    made(spark, "shared")
    spark.sql("CREATE FUNCTION shared_top_talkers () RETURNS TABLE (y INT) COMMENT 'mine' RETURN SELECT 1")
    lines = create.create(spark, "shared")
    assert lines[1:] == [
        "note: not created by this job, and therefore not replaced: spark_catalog.default.shared_top_talkers"
    ]
    assert spark.sql("SELECT * FROM shared_top_talkers()").columns == ["y"]
    assert "mine" in description(spark, "shared_top_talkers")

    made(spark, "viewed")
    spark.sql("CREATE VIEW viewed_all_fields AS SELECT 1 AS mine")
    lines = create.create(spark, "viewed")
    assert "note: not created by this job" in lines[-1]
    assert spark.table("viewed_all_fields").columns == ["mine"]
    assert not spark.catalog.functionExists("viewed_top_talkers")


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("FUNCTION", "no_function_top_talkers: it has none (and 1 more)"),
        ("VIEW", "no_view_service_names: it has none"),
    ],
)
def test_a_statement_that_the_catalog_rejects_causes_a_note_and_not_a_failure(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch, kind: str, line: str
) -> None:
    name = f"no_{kind.lower()}"
    made(spark, name)
    original = spark.sql

    def sql(text: str, *more: Any, **given: Any) -> Any:
        if text.startswith(f"CREATE OR REPLACE {kind}"):
            raise AnalysisException("it has none")
        return original(text, *more, **given)

    monkeypatch.setattr(spark, "sql", sql)
    assert create.create(spark, name)[-1] == f"note: the catalog rejects spark_catalog.default.{line}"


def test_a_table_that_cannot_be_read_causes_a_note_and_not_a_failure(spark: SparkSession) -> None:
    (line,) = create.create(spark, "missing_table")
    assert line.startswith("note: the answers of missing_table cannot be created: ")
