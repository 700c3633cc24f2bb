"""A result as a table in a terminal."""

from __future__ import annotations

from typing import TextIO

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from local.answers.cells import is_number, shown
from local.answers.result import Result

_WIDE = 100_000


def write(result: Result, stream: TextIO) -> None:
    """Write a result. A cell that is wider than the terminal continues in the next line; nothing is cut off.

    Text of cells is neither markup nor an escape sequence. In a file or a pipe, the table is as wide as its cells.
    """
    is_terminal = stream.isatty()
    console = Console(
        file=stream, force_terminal=is_terminal, width=None if is_terminal else _WIDE, markup=False, highlight=False
    )
    for line in filter(None, (result.title, result.about, result.note)):
        console.print(Text(shown(line)))
    if not result.columns:
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in result.columns:
        right = is_number(column.type)
        table.add_column(Text(shown(column.name)), justify="right" if right else "left", overflow="fold")
    types = [column.type for column in result.columns]
    for row in result.rows:
        table.add_row(*(Text(shown(cell, type_)) for cell, type_ in zip(row, types, strict=True)))
    console.print(table)
