"""Names of addresses from a table that the user brings: its view, and the answers with the names in them.

The view turns each CIDR block into a prefix: the IP version and the first bits, as text. An address is in the block if
its own bits begin with the prefix. So an equality finds the blocks of an address: one hash join with a row per address
and prefix length that the table has, whatever the number of blocks. A join on the ranges themselves would compare each
address with each block. The join reads the result of an answer, not the records.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from vpc_flow_logs.answers import addresses
from vpc_flow_logs.answers.model import NAMES, Answer, OutputColumn
from vpc_flow_logs.answers.views import Column, View
from vpc_flow_logs.progress import counted

ADDRESSES = ("srcaddr", "dstaddr", "pkt_srcaddr", "pkt_dstaddr", "client", "server", "destination")
"""Columns of answers that hold an address."""

SHAPE = (
    ("cidr", "STRING", "CIDR block of IPv4 or IPv6, or an address; required"),
    ("name", "STRING", "Name of the addresses; required"),
    ("owner", "STRING", "Owner of the addresses; optional"),
    ("list", "STRING", "List that the block comes from; optional"),
)
"""Name, SQL type and meaning of each column of the user's table. Other columns are not read."""

_REQUIRED, _OPTIONAL = ("cidr", "name"), ("owner", "list")

_COLUMNS = (
    Column("prefix", "STRING", "IP version, a colon, and the first bits of the addresses in the CIDR block"),
    Column("cidr", "STRING", "The CIDR block as it is in the names table"),
    Column("name", "STRING", "Name of the addresses"),
    Column("owner", "STRING", "Owner of the addresses"),
    Column("list", "STRING", "List that the CIDR block comes from"),
)
_CIDR = "^[0-9A-Fa-f:.]+(/[0-9]{1,3})?$"
_QUALIFIER = re.compile(r"\b[a-z]\w*\.")


@dataclass(frozen=True)
class LeftOut:
    """The rows of a names table that have no effect.

    Attributes:
        rows: The number of all rows.
        left_out: The number of rows without a valid CIDR block, or without a name.
        example: The CIDR block of one of them; None if they have none.
    """

    rows: int
    left_out: int
    example: str | None

    def lines(self, table: str) -> list[str]:
        """Return a line to print, or none.

        Args:
            table: The names table, as the user wrote it.
        """
        if not self.left_out:
            return []
        example = "" if self.example is None else f", for example {self.example!r}"
        counts = f"{self.left_out:,} of {counted(self.rows, 'row')} of the names table {table}"
        left_out = "is left out, because it has" if self.left_out == 1 else "are left out, because they have"
        return [f"note: {counts} {left_out} no valid CIDR block or no name{example}"]


def problem(columns: Collection[str]) -> str | None:
    """Return the reason that a table with these columns is not a names table, or None."""
    missing = [name for name in _REQUIRED if name not in {column.lower() for column in columns}]
    if not missing:
        return None
    return (
        f"it has no column {' and no column '.join(missing)}; a names table has the columns "
        f"{', '.join((*_REQUIRED, *_OPTIONAL))}, and the last two are optional"
    )


def view(table: str, columns: Collection[str]) -> View:
    """Return the view of the CIDR blocks, one row per block.

    Args:
        table: Full name of the names table, quoted for SQL.
        columns: The columns of the table.
    """
    values = ", ".join(f"'{name}', {name}" for name in ("name", "owner", "list", "cidr"))
    shown = ", ".join(f"chosen.`{column.name}` AS `{column.name}`" for column in _COLUMNS[1:])
    query = (
        f"SELECT prefix, {shown} FROM (SELECT prefix, min(named_struct({values})) AS chosen "
        f"FROM ({_prefixes(table, columns)}) WHERE prefix IS NOT NULL GROUP BY prefix)"
    )
    return View(NAMES, "The CIDR blocks of the names table, which give addresses a name", _COLUMNS, query)


def left_out(table: str, columns: Collection[str]) -> str:
    """Return the query for the attributes of `LeftOut`.

    Args:
        table: As for `view`.
        columns: As for `view`.
    """
    return (
        "SELECT count(*) AS rows, count_if(prefix IS NULL) AS left_out, "
        f"min(nullif(cidr, '')) FILTER (WHERE prefix IS NULL) AS example FROM ({_prefixes(table, columns)})"
    )


def named(answer: Answer) -> Answer:
    """Return an answer that has a column with the name after each address; the same answer if it has no addresses.

    The rows and their order stay the same.
    """
    names = [column.name for column in answer.columns if column.name in ADDRESSES]
    if not names:
        return answer
    return replace(answer, columns=tuple(_with_names(answer)), sql=_joined(answer, names))


def bits_of(address: str) -> str:
    """Return the SQL expression for the IP version, a colon, and the bits of an address; NULL if it is invalid.

    Args:
        address: A SQL expression of type STRING.
    """
    octet = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
    groups = "([0-9A-Fa-f]{1,4}(:[0-9A-Fa-f]{1,4})*)?"
    digits = addresses.hex_of(address)
    ipv4 = "concat('4:', lpad(conv(digits, 16, 2), 32, '0'))"
    halves = (f"lpad(conv({part}(digits, 16), 16, 2), 64, '0')" for part in ("left", "right"))
    bits = f"CASE length(digits) WHEN 8 THEN {ipv4} WHEN 32 THEN concat('6:', {', '.join(halves)}) END"
    # The lambda names the digits, so that Spark computes them once.
    return (
        f"CASE WHEN {address} RLIKE '^{octet}([.]{octet}){{3}}$' OR {address} RLIKE '^{groups}(::{groups})?$' "
        f"THEN element_at(transform(array({digits}), digits -> {bits}), 1) END"
    )


def _prefixes(table: str, columns: Collection[str]) -> str:
    """Return the query for the rows of the names table with their prefix, NULL for rows that have no effect."""
    present = {column.lower() for column in columns}
    texts = {name: f"CAST(`{name}` AS STRING)" if name in present else "CAST(NULL AS STRING)" for name in _OPTIONAL}
    texts |= {name: f"trim(CAST(`{name}` AS STRING))" for name in _REQUIRED}
    selected = ", ".join(f"{text} AS {name}" for name, text in texts.items())
    address = "split_part(cidr, '/', 1)"
    length = "coalesce(try_cast(nullif(split_part(cidr, '/', 2), '') AS INT) + 2, length(bits))"
    return (
        f"SELECT *, CASE WHEN name <> '' AND cidr RLIKE '{_CIDR}' AND {length} <= length(bits) "
        f"THEN left(bits, {length}) END AS prefix "
        f"FROM (SELECT *, {bits_of(address)} AS bits FROM (SELECT {selected} FROM {table}))"
    )


def _with_names(answer: Answer) -> Iterator[OutputColumn]:
    for column in answer.columns:
        yield column
        if column.name in ADDRESSES:
            meaning = f"Name of {column.name} in the names table, by the longest prefix; NULL if it has none"
            yield OutputColumn(f"{column.name}_name", "STRING", meaning)


def _joined(answer: Answer, names: list[str]) -> str:
    shown = []
    for column in answer.columns:
        shown.append(column.name)
        if column.name in names:
            place = f"FILTER (WHERE place = {names.index(column.name)})"
            shown.append(f"max_by(blocks.name, length(blocks.prefix)) {place} AS {column.name}_name")
    lines = ",\n    ".join(shown)
    return f"""\
SELECT
    {lines}
FROM (
    SELECT *, {bits_of("looked_up")} AS bits
    FROM (
        SELECT *, posexplode(array({", ".join(names)})) AS (place, looked_up)
        FROM (
{answer.sql}
        )
    )
) AS rows_of_answer
LEFT JOIN (
    SELECT DISTINCT left(prefix, 1) AS version, length(prefix) AS digits FROM {NAMES}
) AS lengths
    ON lengths.version = left(rows_of_answer.bits, 1)
LEFT JOIN (SELECT prefix, name FROM {NAMES}) AS blocks
    ON blocks.prefix = left(rows_of_answer.bits, lengths.digits)
GROUP BY {", ".join(column.name for column in answer.columns)}
ORDER BY {_order(answer)}"""


def _order(answer: Answer) -> str:
    """Return the order of an answer, by the names of its columns."""
    order = answer.sql.rpartition("\nORDER BY")[2].partition("\nLIMIT ")[0]
    return _QUALIFIER.sub("", " ".join(order.split()))
