"""Names and texts as Spark SQL takes them."""

from __future__ import annotations


def quoted(table_name: str) -> str:
    """Return a table name for SQL.

    >>> quoted("network.flow_logs")
    '`network`.`flow_logs`'
    """
    return ".".join(f"`{part}`" for part in table_name.split("."))


def at_path(path: str) -> str:
    """Return the Delta table in a folder, for SQL."""
    return f"delta.`{path}`"


def literal(text: str) -> str:
    """Return a text for SQL."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
