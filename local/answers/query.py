"""The queries of a request: the answer, or the text of ``--sql``."""

from __future__ import annotations

import re
from typing import Any

from pyspark.errors import ParseException
from pyspark.sql import DataFrame, SparkSession

from local.answers.arguments import Request
from local.answers.result import Result, of_answer, plain
from vpc_flow_logs.answers.model import OutputColumn
from vpc_flow_logs.answers.names import named
from vpc_flow_logs.answers.statements import sources_of
from vpc_flow_logs.maintenance.settings import setting
from vpc_flow_logs.sql import quoted

_CALLS_JAVA = re.compile(r"\b(reflect|java_method|try_reflect)\(")
_SHOWS = re.compile(r"(SHOW|DESC|DESCRIBE|EXPLAIN)\b", re.IGNORECASE)


class InvalidQuery(Exception):
    """The text of ``--sql`` is not a query, calls a method of Java, or has two columns with the same name."""


def ask(spark: SparkSession, request: Request, table: str) -> Result:
    """Run the answer or the query of a request.

    Args:
        spark: The session, in which `tables.prepare` has prepared the table.
        request: The request.
        table: Full name of the records table.

    Raises:
        InvalidQuery: The text of ``--sql`` is not a query or calls a method of Java, or two columns have the same name.
        PySparkException: Spark rejects or cannot run the query.
    """
    answer = request.answer and (named(request.answer) if request.names else request.answer)
    frame = _query(spark, request.sql) if answer is None else spark.sql(answer.bound(sources_of(table), request.given))
    columns = [OutputColumn(f.name, f.dataType.simpleString().upper(), "") for f in frame.schema.fields]
    names = [column.name for column in columns]
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        raise InvalidQuery(f"two columns have the name {doubled[0]}; give each column its own name with AS")
    about = f"Table {table.removeprefix('spark_catalog.')}"
    limit = request.rows
    data = (frame if limit is None else frame.limit(limit + 1)).toArrow()
    values = [[plain(cell) for cell in column.to_pylist(maps_as_pydicts="lossy")] for column in data.columns]
    rows = list(zip(*values, strict=True))
    is_cut = limit is not None and len(rows) > limit
    if answer is None:
        return Result("Query", about, "", columns, rows[:limit], is_cut=is_cut)
    window = f"{about}, from {plain(request.given['since'])} until {plain(request.given['until'])}"
    return of_answer(answer, window, rows[:limit], is_cut=is_cut)


def _query(spark: SparkSession, sql: str) -> DataFrame:
    """Return the rows of a query. Any other statement, such as DELETE, would run as soon as Spark gets it.

    Raises:
        InvalidQuery: The text is not a query, or it calls a method of Java.
        PySparkException: Spark rejects the query, or it reads a file by its path.
    """
    text = sql.strip().rstrip(";")
    with setting(spark, "spark.sql.runSQLOnFiles", "false"):  # no files by their path
        if not _SHOWS.match(text):
            try:
                # Spark allows only a query in these parentheses. It analyzes the query and does not run it.
                spark.sql(f"SELECT * FROM (\n{text}\n)")
            except ParseException:
                spark.sql(f"EXPLAIN {text}")  # raises the error if the text is not valid SQL either
                raise InvalidQuery("only queries (SELECT, SHOW, DESCRIBE, EXPLAIN); nothing was changed") from None
        frame = spark.sql(text)
    if match := _CALLS_JAVA.search(_plan_of(spark, frame)):
        raise InvalidQuery(f"the function {match[1]} is not allowed, because it can run any code; nothing was run")
    return frame


def _plan_of(spark: SparkSession, frame: DataFrame) -> str:
    java: Any = frame
    with setting(spark, "spark.sql.debug.maxToStringFields", str(10**6)):
        return str(java._jdf.queryExecution().analyzed().toString())


def period(spark: SparkSession, table: str) -> tuple[str, str] | None:
    """Return the times of the oldest and of the newest record; None if no record has a time."""
    frame = spark.sql(f"SELECT min(event_time) AS a, max(event_time) AS b FROM {quoted(table)}")
    ((oldest, newest),) = zip(*(column.to_pylist() for column in frame.toArrow().columns), strict=True)
    return None if oldest is None else (plain(oldest), plain(newest))
