"""A result as an HTML page."""

from __future__ import annotations

from typing import TextIO

from local.answers.cells import is_number, shown
from local.answers.result import Result
from local.page.render import page
from vpc_flow_logs.progress import counted


def write(result: Result, stream: TextIO) -> None:
    """Write a result as a page that needs no other file."""
    types = [column.type for column in result.columns]
    rows = [[shown(cell, type_) for cell, type_ in zip(row, types, strict=True)] for row in result.rows]
    columns = [(column.name, is_number(column.type)) for column in result.columns]
    number = counted(len(rows), "row")
    caption = f"{result.title}: the first {number} of more" if result.is_cut else f"{result.title}: {number}"
    stream.write(page("answer.html", result=result, caption=caption, columns=columns, rows=rows))
