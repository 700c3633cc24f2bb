"""The names table of an answer on this machine: a CSV file, or a Delta table."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import SparkSession

from local.answers.tables import UnknownTable, find
from vpc_flow_logs.answers import names_table
from vpc_flow_logs.answers.statements import digest_of
from vpc_flow_logs.answers.views import View
from vpc_flow_logs.sql import literal, quoted
from vpc_flow_logs.terminal import printable

_WILDCARDS, _ESCAPED = re.compile(r"([\\\[\]{}*?])"), r"\\\1"


@dataclass(frozen=True)
class Names:
    """The place of a names table.

    Attributes:
        path: The CSV file, or the folder of the Delta table; an absolute path.
        is_csv: Whether it is a CSV file.
    """

    path: Path
    is_csv: bool


def find_names(text: str) -> Names:
    """Return the place of a names table: a CSV file, a table in the warehouse, or the folder of a Delta table.

    Args:
        text: The path or the name.

    Raises:
        UnknownTable: There is none.
    """
    try:
        file = Path(text).expanduser().absolute()
        if text and file.is_file():
            return Names(file, is_csv=True)
        if text:
            return Names(find(text).folder, is_csv=False)
    except (OSError, ValueError, UnknownTable):  # a name that is too long, or has a null character
        pass
    raise UnknownTable(
        f"{printable(text)!r} is not a CSV file, the folder of a Delta table, or a table in spark-warehouse"
    )


def register(spark: SparkSession, place: Names) -> tuple[View, list[str]]:
    """Register a names table in the session; return its view, and notes about rows that have no effect.

    Args:
        spark: The session, with a catalog in memory.
        place: The place of the table.

    Raises:
        UnusableNames: The table cannot be read, or does not have the columns.
    """
    path = str(place.path)
    name = f"spark_catalog.default.answers_names_{digest_of([path])}"
    source = f"delta LOCATION {literal(path)}"
    if place.is_csv:
        # Spark takes the path for a pattern, and its default escape character is not that of RFC 4180.
        pattern = literal(_WILDCARDS.sub(_ESCAPED, path))
        source = f"csv OPTIONS (header 'true', escape '\"') LOCATION {pattern}"
    spark.sql(f"CREATE TABLE IF NOT EXISTS {quoted(name)} USING {source}")
    view, left_out = names_table.read(spark, name)
    return view, left_out.lines(path)
