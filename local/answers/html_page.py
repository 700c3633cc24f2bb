"""A result as an HTML page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TextIO

from local.answers.cells import is_number, shown
from local.answers.pictures import figures, picture
from local.answers.result import Result
from local.page.charts import WIDE, Picture
from local.page.render import page
from vpc_flow_logs.progress import counted


@dataclass(frozen=True)
class Section:
    """A result for a template: the chart, large numbers, and the table with the texts of its cells."""

    title: str
    about: str
    note: str
    picture: Picture | None
    figures: list[tuple[str, str]]
    caption: str
    columns: list[tuple[str, bool]]
    rows: list[list[str]]


def section(result: Result, *, width: int = WIDE) -> Section:
    """Return a result for a template.

    Args:
        result: The result.
        width: Width of the chart in pixels where the page has room.
    """
    types = [column.type for column in result.columns]
    rows = [[shown(cell, type_) for cell, type_ in zip(row, types, strict=True)] for row in result.rows]
    number = counted(len(rows), "row")
    return Section(
        title=result.title,
        about=result.about,
        note=result.note,
        picture=picture(result, width=width),
        figures=figures(result),
        caption=f"{result.title}: the first {number} of more" if result.is_cut else f"{result.title}: {number}",
        columns=[(column.name, is_number(column.type)) for column in result.columns],
        rows=rows,
    )


def write(result: Result, stream: TextIO) -> None:
    """Write a result as a page that needs no other file."""
    stream.write(page("answer.html", answer=section(result)))
