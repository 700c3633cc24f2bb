"""A result as CSV for a spreadsheet."""

from __future__ import annotations

import csv
import unicodedata
from typing import TextIO

from local.answers.cells import nested
from local.answers.result import Cell, Result
from vpc_flow_logs.terminal import printable

_FORMULA = ("=", "+", "-", "@")
_CONTROLS = ("\t", "\r")


def write(result: Result, stream: TextIO) -> None:
    """Write a result with a header line. NULL is an empty cell."""
    lines = csv.writer(stream, lineterminator="\n")
    lines.writerow([text(column.name) for column in result.columns])
    lines.writerows([_cell(cell) for cell in row] for row in result.rows)


def _cell(cell: Cell) -> str | int | float | None:
    if isinstance(cell, str):
        return text(cell)
    is_plain = cell is None or (isinstance(cell, int | float) and not isinstance(cell, bool))
    return cell if is_plain else text(nested(cell))


def text(value: str) -> str:
    r"""Return a text that a spreadsheet does not take for a formula, without control characters except the tab.

    Such a text gets a leading ``'``. Spreadsheets may drop leading spaces and invisible characters, and in some locales
    they accept the full-width forms of the characters that begin a formula.
    Source: https://owasp.org/www-community/attacks/CSV_Injection

    >>> text("=1+1"), text(" \uff1d1+1"), text("10.0.0.1"), text("a\x1b[1m")
    ("'=1+1", "' ＝1+1", '10.0.0.1', 'a\\x1b[1m')
    """
    safe = "\t".join(map(printable, value.split("\t")))
    return f"'{safe}" if value.startswith(_CONTROLS) or _begins_formula(value) else safe


def _begins_formula(value: str) -> bool:
    first = next((character for character in value if character.isprintable() and not character.isspace()), "")
    # The normal form of a full-width or small character is the ASCII character.
    return unicodedata.normalize("NFKC", first)[:1] in _FORMULA
