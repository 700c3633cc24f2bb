"""The dashboard's datasets, asked in Spark and in DuckDB, in turns and over the same Parquet files."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import unquote, urlsplit

import duckdb
from pyspark.sql import SparkSession

from bench.answers_table import HOURLY, NAME
from bench.data import START
from bench.duckdb_sql import MACROS, sorted_outside, translated
from bench.month import DAYS
from bench.questions import files_read
from infra.dashboard.datasets import Dataset
from infra.workspace.dashboard.template import filled
from vpc_flow_logs.answers import views
from vpc_flow_logs.sql import quoted
from vpc_flow_logs.table import quarantine_name

Row = tuple[Any, ...]

ROUNDS = 3
SLOW = 30.0
"""Seconds from which the first turn in Spark is followed by one counted turn, and not by `ROUNDS`."""

_OF_NOW = "lag_seconds"
"""A column that depends on the time of the query."""


@dataclass(frozen=True)
class Window:
    """A time range of the dashboard that ends with the month.

    Attributes:
        name: Name for the results.
        days: Length.
        limit: Maximum number of seconds for a dataset.
    """

    name: str
    days: int
    limit: float

    @property
    def ends(self) -> tuple[datetime, datetime]:
        """Start and end of the range."""
        until = START + timedelta(days=DAYS)
        return until - timedelta(days=self.days), until


WINDOWS = (Window("24 hours", 1, 5.0), Window("30 days", DAYS, 10.0))


@dataclass(frozen=True)
class Asked:
    """The result of a dataset for a time range.

    Attributes:
        dataset: Name of the dataset.
        window: Name of the time range.
        rows: Number of rows.
        files: Number of data files that Spark read.
        rounds: Number of counted turns.
        spark: Median of the seconds in Spark.
        duckdb: Median of the seconds in DuckDB; None if DuckDB cannot compute it.
        problem: DuckDB's message, if it cannot compute it.
    """

    dataset: str
    window: str
    rows: int
    files: int
    rounds: int
    spark: float
    duckdb: float | None
    problem: str = ""


def bound(sql: str, window: Window) -> str:
    """Return a dataset's SQL with its parameters, as the dashboard binds them if nobody uses the filters."""
    for end, moment in zip(("min", "max"), window.ends, strict=True):
        sql = re.sub(rf":time_range\.{end}\b", f"'{moment.isoformat(sep=' ')}'", sql)
    return re.sub(r":(account|vpc|action)\b", "CAST(array() AS ARRAY<STRING>)", sql)


def database(spark: SparkSession, temporary: Path, *, threads: int) -> duckdb.DuckDBPyConnection:
    """Return a database with the views of the tables, over the data files of their newest versions."""
    connection = duckdb.connect(config={"threads": threads, "memory_limit": "3GB", "temp_directory": str(temporary)})
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET default_null_order = 'nulls_first_on_asc_last_on_desc'")
    for macro in MACROS:
        connection.execute(f"CREATE MACRO {macro}")
    for name in (NAME, HOURLY):
        files = [unquote(urlsplit(uri).path) for uri in spark.table(quoted(name)).inputFiles()]
        connection.execute(f'CREATE VIEW "{name}" AS SELECT * FROM read_parquet({files})')
    quarantine = quarantine_name(NAME)
    columns = ", ".join(f'"{name}" {type_}' for name, type_ in _types(spark, quarantine).items())
    connection.execute(f'CREATE TABLE "{quarantine}" ({columns.replace("TIMESTAMP", "TIMESTAMPTZ")})')
    for view in (views.service_names(), views.all_fields(quoted(NAME), _types(spark, NAME))):
        connection.execute(f'CREATE VIEW "{NAME}_{view.name}" AS {translated(view.query)}')
    return connection


def ask(spark: SparkSession, connection: duckdb.DuckDBPyConnection, dataset: Dataset, window: Window) -> Asked:
    """Ask both engines, in turns.

    Raises:
        SystemExit: The engines return different rows.
    """
    sql = bound(filled(dataset.sql, NAME), window)
    other = sorted_outside(translated(sql))
    rows, files, first = _in_spark(spark, sql)
    expected, problem = _in_duckdb(connection, other)
    names = [column.name for column in dataset.answer.columns]
    if not problem and (text := difference(names, rows, expected)):
        raise SystemExit(f"bench: Spark and DuckDB differ in {dataset.name}, {window.name}: {text}")
    rounds = 1 if first > SLOW else ROUNDS
    seconds: dict[str, list[float]] = {"spark": [], "duckdb": []}
    for _ in range(rounds):
        seconds["spark"].append(_in_spark(spark, sql)[2])
        started = time.perf_counter()
        if not problem:
            _in_duckdb(connection, other)
        seconds["duckdb"].append(time.perf_counter() - started)
    return Asked(
        dataset=dataset.name,
        window=window.name,
        rows=len(rows),
        files=files,
        rounds=rounds,
        spark=median(seconds["spark"]),
        duckdb=None if problem else median(seconds["duckdb"]),
        problem=problem,
    )


def difference(names: Sequence[str], rows: Sequence[Row], expected: Sequence[Row]) -> str:
    """Return how the rows of the two engines differ; empty if they are the same.

    >>> difference(["port"], [(22,), (23,)], [(22,), (24,)])
    'only in Spark: [(23,)]; only in DuckDB: [(24,)]'
    """
    ours, theirs = (Counter(_comparable(names, row) for row in each) for each in (rows, expected))
    only = (list((ours - theirs).elements())[:3], list((theirs - ours).elements())[:3])
    return f"only in Spark: {only[0]}; only in DuckDB: {only[1]}" if any(only) else ""


def _comparable(names: Sequence[str], row: Row) -> Row:
    """Return a row with its times in UTC, and without the column that depends on the time of the query."""
    return tuple(
        value.astimezone(timezone.utc) if isinstance(value, datetime) else value
        for name, value in zip(names, row, strict=True)
        if name != _OF_NOW
    )


def _in_spark(spark: SparkSession, sql: str) -> tuple[list[Row], int, float]:
    started = time.perf_counter()
    frame = spark.sql(sql)
    rows = [tuple(row) for row in frame.collect()]
    return rows, files_read(frame), time.perf_counter() - started


def _in_duckdb(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[list[Row], str]:
    try:
        return connection.execute(sql).fetchall(), ""
    except duckdb.Error as error:
        return [], str(error).splitlines()[0]


def _types(spark: SparkSession, name: str) -> dict[str, str]:
    return {column: type_.upper() for column, type_ in spark.table(quoted(name)).dtypes}
