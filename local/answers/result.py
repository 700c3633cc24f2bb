"""The result of an answer or a query: its columns and rows, as values of Python."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from pyspark.sql import SparkSession

from local.answers.arguments import Request
from vpc_flow_logs.answers.catalog import catalog
from vpc_flow_logs.answers.model import Chart, OutputColumn
from vpc_flow_logs.answers.statements import sources_of
from vpc_flow_logs.sql import quoted

Cell = Any
"""None, text, a number, a Boolean, or a list or a mapping of cells. Times are text."""


_TABLE = Chart("table")


@dataclass(frozen=True)
class Result:
    """A table of values with its description.

    Attributes:
        title: A heading.
        about: The table and the window of the rows.
        note: What the rows count, and their order.
        columns: The columns; a column of a query has no meaning.
        rows: The rows.
        chart: How to draw the rows.
        is_cut: Whether there are more rows.
    """

    title: str
    about: str
    note: str
    columns: Sequence[OutputColumn]
    rows: Sequence[Sequence[Cell]]
    chart: Chart = _TABLE
    is_cut: bool = False


class SameName(Exception):
    """Two columns of a query have the same name."""


def listed() -> Result:
    """Return the list of the answers."""
    names = (("topic", "Topic"), ("name", "Name of the answer"), ("question", "The question"), ("parameters", ""))
    rows = [
        (a.topic, a.name, a.question, " ".join(f"--{p.name.replace('_', '-')}" for p in a.parameters[2:]))
        for a in catalog()
    ]
    note = "Every answer also has --last, --since and --until. NAME --help describes one."
    return Result("Answers", "", note, [OutputColumn(name, "STRING", meaning) for name, meaning in names], rows)


def ask(spark: SparkSession, request: Request, table: str) -> Result:
    """Run the answer or the query of a request.

    Args:
        spark: The session, in which `tables.prepare` has prepared the table.
        request: The request.
        table: Full name of the records table.

    Raises:
        SameName: Two columns have the same name.
        PySparkException: Spark rejects or cannot run the query.
    """
    answer = request.answer
    frame = spark.sql(request.sql if answer is None else answer.bound(sources_of(table), request.given))
    columns = [OutputColumn(f.name, f.dataType.simpleString().upper(), "") for f in frame.schema.fields]
    names = [column.name for column in columns]
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        raise SameName(f"two columns have the name {doubled[0]}; give each column its own name with AS")
    about = f"Table {table.removeprefix('spark_catalog.')}"
    if not columns:
        return Result("Query", about, "The statement has no result.", [], [])
    limit = request.rows
    data = (frame if limit is None else frame.limit(limit + 1)).toArrow()
    values = [[plain(cell) for cell in column.to_pylist(maps_as_pydicts="lossy")] for column in data.columns]
    rows = list(zip(*values, strict=True))
    is_cut = limit is not None and len(rows) > limit
    if answer is None:
        return Result("Query", about, "", columns, rows[:limit], is_cut=is_cut)
    window = f"{about}, from {plain(request.given['since'])} until {plain(request.given['until'])}"
    note = f"{answer.question} {answer.counts} Order: {answer.order}."
    return Result(answer.title, window, note, answer.columns, rows[:limit], answer.chart, is_cut)


def period(spark: SparkSession, table: str) -> tuple[str, str] | None:
    """Return the times of the oldest and of the newest record; None if no record has a time."""
    frame = spark.sql(f"SELECT min(event_time) AS a, max(event_time) AS b FROM {quoted(table)}")
    ((oldest, newest),) = zip(*(column.to_pylist() for column in frame.toArrow().columns), strict=True)
    return None if oldest is None else (plain(oldest), plain(newest))


def plain(value: Any) -> Cell:
    """Return a value of Arrow as a cell: times in ISO 8601, UTC with Z.

    >>> plain(datetime.fromisoformat("2026-11-01T00:00:00+00:00")), plain([Decimal(3), Decimal("1.5")])
    ('2026-11-01T00:00:00Z', [3, 1.5])
    """
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value if isinstance(value, str | int | None) else str(value)
