"""Quoting of names and strings for Spark SQL."""

from __future__ import annotations

from collections.abc import Mapping


def quoted(table_name: str) -> str:
    """Return a table name, quoted for SQL.

    >>> quoted("network.flow_logs")
    '`network`.`flow_logs`'
    """
    return ".".join(f"`{part}`" for part in table_name.split("."))


def at_path(path: str) -> str:
    """Return the SQL name of the Delta table in a folder."""
    return f"delta.`{path}`"


def literal(text: str) -> str:
    """Return a string as a SQL literal."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def listed_properties(properties: Mapping[str, str]) -> str:
    """Return table properties as the list inside the parentheses of ``TBLPROPERTIES``.

    >>> listed_properties({"a": "1", "b": "2"})
    "'a' = '1', 'b' = '2'"
    """
    return ", ".join(f"{literal(key)} = {literal(value)}" for key, value in properties.items())
