"""Read the description of a names table: its columns, and the number of rows that have no effect."""

from __future__ import annotations

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from vpc_flow_logs.answers import names
from vpc_flow_logs.answers.names import LeftOut
from vpc_flow_logs.answers.views import View
from vpc_flow_logs.failures import headline
from vpc_flow_logs.sql import quoted


class UnusableNames(Exception):
    """The names table cannot be read, or does not have the columns. The text is the reason."""


def read(spark: SparkSession, table: str) -> tuple[View, LeftOut]:
    """Return the view of a names table, and the rows that have no effect.

    Args:
        spark: The session.
        table: Full name of the names table.

    Raises:
        UnusableNames: The table cannot be read, or does not have the columns.
    """
    name = quoted(table)
    try:
        columns = spark.table(name).columns
        if problem := names.problem(columns):
            raise UnusableNames(problem)
        row = spark.sql(names.left_out(name, columns)).head()
    except PySparkException as error:
        raise UnusableNames(headline(error)) from error
    assert row is not None
    return names.view(name, columns), LeftOut(row.rows, row.left_out, row.example)
