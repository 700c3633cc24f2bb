"""Add the table properties and column comments that tables of an earlier version lack."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import SparkSession

from vpc_flow_logs import table_properties
from vpc_flow_logs.failures import headline
from vpc_flow_logs.progress import counted, say
from vpc_flow_logs.sql import quoted
from vpc_flow_logs.table import delta_detail, quarantine_name
from vpc_flow_logs.table_columns import QUARANTINE_COMMENTS, RECORDS_COMMENTS


def upgrade(spark: SparkSession, table_name: str) -> None:
    """Add the missing properties and comments to both tables, once per table, and print them.

    Loading does not depend on them. If the runtime or the catalog rejects a change, the job prints a note, and the next
    start tries again.

    Raises:
        PySparkException: A table cannot be read.
    """
    _upgrade(spark, table_name, RECORDS_COMMENTS)
    _upgrade(spark, quarantine_name(table_name), QUARANTINE_COMMENTS)


def _upgrade(spark: SparkSession, table_name: str, meanings: Mapping[str, str]) -> None:
    detail = delta_detail(spark, quoted(table_name))
    if detail is None or table_properties.is_current(detail.properties):
        return
    columns = spark.table(quoted(table_name)).schema.fields
    comments = table_properties.missing_comments(
        {column.name: column.metadata.get("comment") for column in columns}, meanings
    )
    properties = table_properties.missing(detail.properties)
    try:
        for statement in table_properties.statements(table_name, properties=properties, comments=comments):
            spark.sql(statement)
    except Exception as error:  # noqa: BLE001 - the class depends on the runtime
        say(f"note: the properties of table {table_name} are not complete: {headline(error)}")
        return
    added = [f"{key} = {value}" for key, value in properties.items()]
    if comments:
        added.append(counted(len(comments), "column comment"))
    if added:
        say(f"added to table {table_name}: {', '.join(added)}")
