"""The views next to the table: all documented fields as typed columns, and the names of services."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vpc_flow_logs.answers import addresses
from vpc_flow_logs.answers.model import ALL_FIELDS, SERVICE_NAMES
from vpc_flow_logs.answers.services import ADMIN_PORTS, PORTS, PROTOCOLS, WITH_PORTS
from vpc_flow_logs.fields import FIELDS, Field, spellings
from vpc_flow_logs.sql import literal
from vpc_flow_logs.table_columns import SERVICE

_KEPT = ("event_time", "source_file", "ingested_at")


@dataclass(frozen=True)
class Column:
    """A column of a view.

    Attributes:
        name: Name of the column.
        type: SQL type of the column.
        comment: Comment of the column.
        fields: Columns of the fields that a derived column is computed from.
    """

    name: str
    type: str
    comment: str
    fields: tuple[str, ...] = ()


@dataclass(frozen=True)
class View:
    """A view.

    Attributes:
        name: Short name of the view, one of `model.SOURCES`.
        comment: Comment of the view.
        columns: The columns, in order.
        query: The query of the view, with the full name of the table.
    """

    name: str
    comment: str
    columns: tuple[Column, ...]
    query: str


DERIVED: tuple[Column, ...] = (
    Column("end_time", "TIMESTAMP", "end as a timestamp", ("end",)),
    Column("ip_version", "INT", "4 or 6: by type, else by the addresses", ("type", "srcaddr", "dstaddr")),
    Column("srcaddr_hex", "STRING", "Bits of srcaddr: 8 hexadecimal digits for IPv4, 32 for IPv6", ("srcaddr",)),
    Column("dstaddr_hex", "STRING", "Bits of dstaddr: 8 hexadecimal digits for IPv4, 32 for IPv6", ("dstaddr",)),
    Column("srcaddr_class", "STRING", "public, private or special, by the range of srcaddr", ("srcaddr",)),
    Column("dstaddr_class", "STRING", "public, private or special, by the range of dstaddr", ("dstaddr",)),
    Column("is_admin_port", "BOOLEAN", "Whether dstport is a port for administration, such as 22", ("dstport",)),
)
"""Columns that the view computes from fields. A query that does not use them does not pay for them."""


def all_fields(table: str, types: Mapping[str, str]) -> View:
    """Return the view with a typed column for each documented field, from the columns or from ``other_fields``.

    Args:
        table: Full name of the records table, quoted for SQL.
        types: The table's columns and their SQL types.
    """
    fields = [Column(field.column, field.type, field.meaning) for field in FIELDS]
    service_columns = [Column(name, *SERVICE[name]) for name in _KEPT]
    typed = ", ".join([*(f"{_value(field, types)} AS `{field.column}`" for field in FIELDS), *_KEPT])
    digits = ", ".join(f"{addresses.hex_of(name)} AS {name}_hex" for name in ("srcaddr", "dstaddr"))
    columns = (*fields, *service_columns, *DERIVED)
    shown = ", ".join(f"{_EXPRESSIONS.get(column.name, f'`{column.name}`')} AS `{column.name}`" for column in columns)
    query = f"SELECT {shown} FROM (SELECT *, {digits} FROM (SELECT {typed} FROM {table}))"
    return View(ALL_FIELDS, "The records, with a typed column for each documented field", columns, query)


def _value(field: Field, types: Mapping[str, str]) -> str:
    """Return the SQL expression for a field: its column if the table has one, else its text in ``other_fields``."""
    if field.column in types:
        column = f"`{field.column}`"
        return column if types[field.column] == field.type else f"try_cast({column} AS {field.type})"
    keys = [f"try_element_at(other_fields, {literal(name)})" for name in spellings(field.name)]
    text = keys[0] if len(keys) == 1 else f"coalesce({', '.join(keys)})"
    return text if field.type == "STRING" else f"try_cast({text} AS {field.type})"


_SECONDS, _LAST = 10**11 - 1, 253_402_300_799  # the largest number of seconds, and the end of the year 9999


def milliseconds(field: str) -> str:
    """Return the SQL expression for the time in a field, which can be in seconds, in milliseconds since 1970."""
    return (
        f"CASE WHEN `{field}` BETWEEN 0 AND {_SECONDS} THEN `{field}` * 1000 "
        f"WHEN `{field}` BETWEEN {_SECONDS + 1} AND {_LAST * 1000} THEN `{field}` END"
    )


_EXPRESSIONS = {
    "end_time": f"timestamp_millis({milliseconds('end')})",
    "ip_version": (
        "CASE WHEN type = 'IPv4' THEN 4 WHEN type = 'IPv6' THEN 6 WHEN type IS NOT NULL THEN NULL "
        "WHEN coalesce(srcaddr, dstaddr) LIKE '%:%' THEN 6 WHEN coalesce(srcaddr, dstaddr) LIKE '%.%' THEN 4 END"
    ),
    "srcaddr_class": addresses.class_of("srcaddr"),
    "dstaddr_class": addresses.class_of("dstaddr"),
    "is_admin_port": f"dstport IN ({', '.join(map(str, ADMIN_PORTS))})",
}


def service_names() -> View:
    """Return the view with the names of ports and protocols. The row of a protocol's name has no port (NULL)."""
    ports = [(protocol, str(port), name) for protocol in WITH_PORTS for port, name in PORTS.items()]
    protocols = [(protocol, "CAST(NULL AS INT)", name) for protocol, name in PROTOCOLS.items()]
    rows = ", ".join(f"({protocol}, {port}, {literal(name)})" for protocol, port, name in [*ports, *protocols])
    columns = (
        Column("protocol", "INT", "IANA protocol number"),
        Column("port", "INT", "Port of TCP or UDP; NULL for the name of the protocol"),
        Column("service", "STRING", "Name of the service that usually listens on the port, or of the protocol"),
    )
    query = f"SELECT protocol, port, service FROM VALUES {rows} AS names (protocol, port, service)"
    return View(SERVICE_NAMES, "Names of well-known ports and of protocols", columns, query)
