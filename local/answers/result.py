"""A result: the columns and rows of an answer, of a query, or of the list of answers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from vpc_flow_logs.answers.catalog import catalog
from vpc_flow_logs.answers.model import Answer, Chart, OutputColumn

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


def of_answer(answer: Answer, about: str, rows: Sequence[Sequence[Cell]], *, is_cut: bool = False) -> Result:
    """Return the result of an answer with these rows."""
    note = f"{answer.question} {answer.counts} Order: {answer.order}."
    return Result(answer.title, about, note, answer.columns, rows, answer.chart, is_cut)


def listed() -> Result:
    """Return the list of the answers."""
    names = (("topic", "Topic"), ("name", "Name of the answer"), ("question", "The question"), ("parameters", ""))
    rows = [
        (a.topic, a.name, a.question, " ".join(f"--{p.name.replace('_', '-')}" for p in a.parameters[2:]))
        for a in catalog()
    ]
    note = "Every answer also has --last, --since and --until. NAME --help describes one."
    return Result("Answers", "", note, [OutputColumn(name, "STRING", meaning) for name, meaning in names], rows)


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
