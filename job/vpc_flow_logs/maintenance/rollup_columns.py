"""The columns of the hourly roll-up, as SQL over a records table with any columns."""

from __future__ import annotations

from collections.abc import Mapping

from vpc_flow_logs.fields import BY_NAME, canonical
from vpc_flow_logs.maintenance import hours
from vpc_flow_logs.sql import literal
from vpc_flow_logs.table_columns import HOURLY

SUMS = ("records", "packets", "bytes")
"""The columns that hold sums. They have the type BIGINT."""

KEYS = tuple(name for name in HOURLY if name not in SUMS)
"""The columns that the records are grouped by, with the hour first. In each, NULL is a group."""

CLUSTERED_BY = ("hour", "srcaddr", "dstaddr")
"""Columns for liquid clustering."""


def query(source: str, columns: Mapping[str, str], condition: str) -> str:
    """Return the query for the rows of the roll-up.

    Args:
        source: The records table, as SQL.
        columns: The columns of the records table: SQL type by lowercase name.
        condition: The SQL condition for the records to sum up.
    """
    values = expressions(columns)
    listed = ", ".join(f"{value} AS `{name}`" for name, value in values.items())
    groups = ", ".join(values[name] for name in KEYS)
    return f"SELECT {listed} FROM {source} WHERE {condition} GROUP BY {groups}"


def expressions(columns: Mapping[str, str]) -> dict[str, str]:
    """Return the SQL expression for each column of the roll-up, in the order of the roll-up.

    Args:
        columns: The columns of the records table: SQL type by lowercase name.
    """
    computed = {
        "hour": hours.start_sql("event_time"),
        "service_port": f"least({_field('srcport', columns)}, {_field('dstport', columns)})",
        "records": "count(*)",
        # A sum that exceeds BIGINT is NULL. With sum, a few forged lines would make every later roll-up fail.
        "packets": f"try_sum({_field('packets', columns)})",
        "bytes": f"try_sum({_field('bytes', columns)})",
    }
    return {name: computed.get(name) or _field(name, columns) for name in HOURLY}


def _field(column: str, columns: Mapping[str, str]) -> str:
    """Return the SQL expression for a field.

    The values of a field without a column are in ``other_fields``. If the column was added later, the values of older
    rows are still there. The names of fields have ``-`` in text files and ``_`` in Parquet files.
    """
    field = BY_NAME[canonical(column)]
    names = dict.fromkeys((field.name, field.column))
    other = _first(*(f"try_element_at(other_fields, {literal(name)})" for name in names))
    if field.type != "STRING":
        other = f"try_cast({other} AS {field.type})"
    type_ = columns.get(column)
    if type_ is None:
        return other
    own = f"`{column}`" if type_ == field.type else f"try_cast(`{column}` AS {field.type})"
    return _first(own, other)


def _first(*values: str) -> str:
    return f"coalesce({', '.join(values)})" if len(values) > 1 else values[0]
