"""The two Delta tables: their state, their creation, and the columns that they have.

Functions that run a statement raise `pyspark.errors.PySparkException` if Spark or the catalog rejects it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyspark.errors import AnalysisException
from pyspark.sql import Row, SparkSession

from vpc_flow_logs import binding as bindings
from vpc_flow_logs import history, table_properties
from vpc_flow_logs.binding import Binding, TableState
from vpc_flow_logs.failures import headline
from vpc_flow_logs.fields import SERVICE_COLUMNS
from vpc_flow_logs.history import StreamHistory
from vpc_flow_logs.parser.layout import ARROW_TYPES, Column, Layout, columns_of
from vpc_flow_logs.paths import quarantine_path
from vpc_flow_logs.sql import at_path, listed_properties, literal, quoted
from vpc_flow_logs.table_columns import QUARANTINE, SERVICE, meaning

MARK = "vpc_flow_logs.table"
"""Table property that marks a table as a table of this job: ``records``, ``quarantine`` or ``hourly``."""

CLUSTERED_BY = ("event_time", "srcaddr", "dstaddr")
"""Columns for liquid clustering, the most common filters. Columns that the table does not have are left out."""


def quarantine_name(table_name: str) -> str:
    """Return the name of the quarantine table."""
    return f"{table_name}_quarantine"


def hourly_name(table_name: str) -> str:
    """Return the name of the hourly roll-up."""
    return f"{table_name}_hourly"


def use_catalog(spark: SparkSession, table_name: str) -> str | None:
    """Select the catalog in the table's name, if any, for the session; return the reason if that fails, or None.

    If the Hive metastore is disabled, even statements with full names fail while the session's catalog is Hive's.
    Source: https://docs.databricks.com/aws/en/data-governance/unity-catalog/disable-hms
    """
    catalog, *rest = table_name.split(".")
    if len(rest) != 2:
        return None
    try:
        spark.sql(f"SET CATALOG {quoted(catalog)}")
    except Exception as error:  # noqa: BLE001 - the class depends on the runtime
        return f"catalog {catalog!r} cannot be used: {headline(error)}"
    return None


def known(spark: SparkSession, *, table_name: str, path: str, new: bool) -> TableState:
    """Return the state of the records table, which is looked up by its name and then by its folder.

    Args:
        spark: The session.
        table_name: Name of the records table.
        path: Folder of the records table; empty for a managed table.
        new: The checkpoint is new: determine whether the tables have rows instead of reading the history.

    Raises:
        PySparkException: A table cannot be read.
    """
    table = quoted(table_name)
    detail = delta_detail(spark, table) if spark.catalog.tableExists(table) else None
    if detail is None and path:
        table = at_path(path)
        detail = delta_detail(spark, table)
    if detail is None:
        return TableState(exists=False)
    binding = bindings.of_properties(detail.properties)
    accepted = detail.properties.get(bindings.ACCEPTED_RESTORE, "")
    return TableState(
        exists=True,
        filled=new and _filled(spark, table_name, path),
        binding=binding,
        history=history.of_stream(spark, table, binding.stream_id) if binding and not new else StreamHistory(),
        accepted_restore=int(accepted) if accepted.isdigit() else None,
    )


def _filled(spark: SparkSession, table_name: str, path: str) -> bool:
    """Return whether one of the two tables has a row."""
    for name, folder in ((table_name, path), (quarantine_name(table_name), quarantine_path(path))):
        table = quoted(name) if spark.catalog.tableExists(quoted(name)) else at_path(folder)
        is_there = table == quoted(name) or (folder and delta_detail(spark, table) is not None)
        if is_there and not spark.sql(f"SELECT 1 FROM {table} LIMIT 1").isEmpty():
            return True
    return False


def delta_detail(spark: SparkSession, table: str) -> Row | None:
    """Return Delta's description of a table (format, location, properties); None if it is not a Delta table.

    Args:
        spark: The session.
        table: The table, quoted for SQL: `sql.quoted` or `sql.at_path`.
    """
    try:
        detail = spark.sql(f"DESCRIBE DETAIL {table}").first()
    except AnalysisException:
        return None
    return detail if detail is not None and detail.format == "delta" else None


def create(
    spark: SparkSession, *, table_name: str, path: str, headers: Sequence[str], binding: Binding | None = None
) -> Layout:
    """Create the two tables if they do not exist, and add missing columns; return the layout for the parser.

    An existing table keeps its columns, even those that Headers no longer names.

    Raises:
        PySparkException: A table cannot be created or changed.
    """
    named = columns_of(headers)
    columns = {column.name: (column.type, meaning(column)) for column in named}
    clustered = [name for name in CLUSTERED_BY if name in columns or name in SERVICE]
    bound = binding.properties() if binding else {}
    records = {**columns, **SERVICE}
    new = _create(spark, table_name, path, records, kind="records", clustered=clustered, more=bound)
    _create(spark, quarantine_name(table_name), quarantine_path(path), QUARANTINE, kind="quarantine", clustered=[])
    if binding is not None and not new:
        bind(spark, table_name, binding)
    present = field_columns(spark, table_name)
    names = {column.name for column in present}
    added = [column for column in named if column.name not in names]
    if added:
        _add(spark, table_name, added, after=present[-1].name if present else None)
    return Layout(columns=field_columns(spark, table_name), headers=tuple(headers))


def _create(
    spark: SparkSession,
    name: str,
    path: str,
    columns: dict[str, tuple[str, str]],
    *,
    kind: str,
    clustered: Sequence[str],
    more: Mapping[str, str] | None = None,
) -> bool:
    """Create the table if its name is free; return True if it is new, False if it existed, even if only as a folder."""
    if spark.catalog.tableExists(quoted(name)):
        return False
    location = f" LOCATION {literal(path)}" if path else ""
    if path and delta_detail(spark, at_path(path)) is not None:
        spark.sql(f"CREATE TABLE IF NOT EXISTS {quoted(name)} USING DELTA{location}")
        return False
    listed = ", ".join(f"`{column}` {type_} COMMENT {literal(text)}" for column, (type_, text) in columns.items())
    cluster = f" CLUSTER BY ({', '.join(clustered)})" if clustered else ""
    properties = {MARK: kind, **table_properties.of_new_table(clustered=clustered), **(more or {})}
    spark.sql(
        f"CREATE TABLE IF NOT EXISTS {quoted(name)} ({listed}) USING DELTA{cluster} "
        f"TBLPROPERTIES ({listed_properties(properties)}){location}"
    )
    return True


def bind(spark: SparkSession, table_name: str, binding: Binding) -> None:
    """Write the binding into the table's properties, unless they have it already.

    Raises:
        PySparkException: The properties cannot be changed.
    """
    detail = delta_detail(spark, quoted(table_name))
    if detail is None or bindings.of_properties(detail.properties) != binding:
        spark.sql(f"ALTER TABLE {quoted(table_name)} SET TBLPROPERTIES ({listed_properties(binding.properties())})")


def _add(spark: SparkSession, name: str, columns: Sequence[Column], *, after: str | None) -> None:
    listed = []
    for column in columns:
        place = f" AFTER `{after}`" if after else " FIRST"
        listed.append(f"`{column.name}` {column.type} COMMENT {literal(meaning(column))}{place}")
        after = column.name
    spark.sql(f"ALTER TABLE {quoted(name)} ADD COLUMNS ({', '.join(listed)})")


def field_columns(spark: SparkSession, table_name: str) -> tuple[Column, ...]:
    """Return the columns of the table that hold fields, in order.

    Raises:
        PySparkException: The table does not exist or cannot be read.
    """
    columns = [
        Column(name=field.name, type=field.dataType.simpleString().upper())
        for field in spark.table(quoted(table_name)).schema.fields
        if field.name not in SERVICE_COLUMNS
    ]
    return tuple(column for column in columns if column.type in ARROW_TYPES)
