"""The text of a cell for people: in a terminal and on a page."""

from __future__ import annotations

import json

from local.answers.result import Cell
from vpc_flow_logs.terminal import printable

_SEPARATED = ("BIGINT", "DECIMAL")


def is_number(type_: str) -> bool:
    """Return whether a column of this SQL type is right-aligned."""
    return type_.startswith(("BIGINT", "INT", "DOUBLE", "FLOAT", "SMALLINT", "TINYINT", "DECIMAL"))


def shown(cell: Cell, type_: str = "STRING") -> str:
    r"""Return the text of a cell, without characters that control a terminal or the direction of text.

    Large numbers have separators; ports and protocols, which are of type INT, have none.

    >>> shown(1234567, "BIGINT"), shown(8443, "INT"), shown(None), shown("a\x1b[1m")
    ('1,234,567', '8443', '-', 'a\\x1b[1m')
    """
    if cell is None:
        return "-"
    if isinstance(cell, str):
        return printable(cell)
    if isinstance(cell, int) and not isinstance(cell, bool) and type_.startswith(_SEPARATED):
        return f"{cell:,}"
    return nested(cell)


def nested(cell: Cell) -> str:
    """Return a Boolean, a number, a list or a mapping as JSON."""
    return json.dumps(cell)
