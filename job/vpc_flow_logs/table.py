"""The two Delta tables: what they look like, whether they are ours, and their creation before anything is in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyspark.errors import AnalysisException
from pyspark.sql import Row, SparkSession

from vpc_flow_logs import binding as bindings
from vpc_flow_logs import history
from vpc_flow_logs.binding import Binding, Known
from vpc_flow_logs.failures import telling_line
from vpc_flow_logs.fields import BY_NAME, SERVICE_COLUMNS, canonical
from vpc_flow_logs.folders import Folders, NotAFolder
from vpc_flow_logs.history import StreamHistory
from vpc_flow_logs.parser.layout import ARROW_TYPES, Column, Layout, columns_of
from vpc_flow_logs.paths import quarantine_path, same
from vpc_flow_logs.sql import at_path, literal, quoted

MARK = "vpc_flow_logs.table"
"""Table property that says a table is this job's: ``records`` or ``quarantine``."""

CLUSTERED_BY = ("event_time", "srcaddr", "dstaddr")
"""What people filter on, in this order; a column that the table lacks is left out."""

_SERVICE = {
    "event_time": ("TIMESTAMP", "When: from start, else end, else the time in the name of the file"),
    "other_fields": ("MAP<STRING, STRING>", "Fields of the file that have no column, by their name as delivered"),
    "source_file": ("STRING", "The file the record came in"),
    "ingested_at": ("TIMESTAMP", "When the record was read"),
}
_QUARANTINE = {
    "source_file": ("STRING", "The file"),
    "line_number": ("BIGINT", "The first line of the file that the entry stands for, 1 = first; in Parquet the row"),
    "lines": ("BIGINT", "How many lines the entry stands for"),
    "line": ("STRING", "The line, at most 4096 characters of it, bytes that are not UTF-8 as \\x.."),
    "reason": ("STRING", "Why it is no record"),
    "ingested_at": ("TIMESTAMP", "When the file was read"),
}


def quarantine_name(table_name: str) -> str:
    """The quarantine table's name."""
    return f"{table_name}_quarantine"


def use_catalog(spark: SparkSession, table_name: str) -> str | None:
    """Make the table's catalog, if its name has one, the session's; return why that is not possible, or None.

    Where the Hive metastore is off, even statements with full names fail while the session's catalog is Hive's.
    Source: https://docs.databricks.com/aws/en/data-governance/unity-catalog/disable-hms
    """
    catalog, *rest = table_name.split(".")
    if len(rest) != 2:
        return None
    try:
        spark.sql(f"SET CATALOG {quoted(catalog)}")
    except Exception as error:  # noqa: BLE001 - of a class that depends on the runtime
        return f"catalog {catalog!r} cannot be used: {telling_line(error)}"
    return None


def name_refusals(spark: SparkSession, table_name: str, path: str | None) -> list[str]:
    """Return why the tables cannot have these names: all reasons. ``path`` is None when it is not known to be good."""
    *schema, _ = table_name.split(".")
    try:
        if schema and not _schema_exists(spark, ".".join(schema)):
            where = ".".join(schema)
            return [f"schema {where!r} does not exist: CREATE SCHEMA {quoted(where)}, or name another"]
        records = _name_refusal(spark, table_name, path, "records")
        quarantine_at = None if path is None else quarantine_path(path)
        return records + _name_refusal(spark, quarantine_name(table_name), quarantine_at, "quarantine")
    except AnalysisException as error:
        return [f"{table_name!r} cannot be used: {telling_line(error)}"]


def _schema_exists(spark: SparkSession, schema: str) -> bool:
    # Not Catalog.databaseExists: it asks the Hive metastore first, with the whole text as one name.
    try:
        spark.sql(f"DESCRIBE SCHEMA {quoted(schema)}")
    except AnalysisException as error:
        if error.getCondition() == "SCHEMA_NOT_FOUND":
            return False
        raise
    return True


def _name_refusal(spark: SparkSession, name: str, path: str | None, kind: str) -> list[str]:
    if not spark.catalog.tableExists(quoted(name)):
        return []
    detail = _detail(spark, quoted(name))
    if detail is None or detail.properties.get(MARK) != kind:
        return [f"there is a table {name!r} that is not this job's: choose another name"]
    if path and not same(detail.location, path):
        return [f"table {name!r} lies at {detail.location!r}, not at {path!r}: give the one or the other"]
    return []


def path_refusals(spark: SparkSession, folders: Folders, path: str) -> list[str]:
    """Return why the tables cannot lie there: a folder is neither new, nor empty, nor holding such a table of ours.

    Raises:
        CannotLook: nothing here can look into a folder that holds no Delta table.
    """
    kinds = {"records": path, "quarantine": quarantine_path(path)}
    return [problem for kind, folder in kinds.items() for problem in _path_refusal(spark, folders, folder, kind)]


def _path_refusal(spark: SparkSession, folders: Folders, path: str, kind: str) -> list[str]:
    detail = _detail(spark, at_path(path))
    if detail is not None and detail.properties.get(MARK) == kind:
        return []
    try:
        names = folders.names(path) or []
    except NotAFolder:
        return [f"{path!r} is a file: name a folder"]
    # A log without a commit is left by a run that was cut off while it made the table.
    if detail is None and not any(not name.startswith(".") and name != "_delta_log" for name in names):
        return []
    return [f"{path!r} is not empty and holds no {kind} table of this job: name a new or empty folder"]


def known(spark: SparkSession, *, table_name: str, path: str, new: bool) -> Known:
    """Return what the records table, by its name or else in its folder, knows of its stream.

    Args:
        spark: The session.
        table_name: The table's name.
        path: The table's folder, empty for a managed table.
        new: The checkpoint is new: what counts is whether the tables have rows, and not what their history says.
    """
    table = quoted(table_name)
    detail = _detail(spark, table) if spark.catalog.tableExists(table) else None
    if detail is None and path:
        table = at_path(path)
        detail = _detail(spark, table)
    if detail is None:
        return Known(exists=False)
    binding = bindings.of_properties(detail.properties)
    accepted = detail.properties.get(bindings.ACCEPTED_RESTORE, "")
    return Known(
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
        is_there = table == quoted(name) or (folder and _detail(spark, table) is not None)
        if is_there and not spark.sql(f"SELECT 1 FROM {table} LIMIT 1").isEmpty():
            return True
    return False


def _detail(spark: SparkSession, table: str) -> Row | None:
    """Delta's description of a table (format, location, properties); None for what is no Delta table."""
    try:
        detail = spark.sql(f"DESCRIBE DETAIL {table}").first()
    except AnalysisException:
        return None
    return detail if detail is not None and detail.format == "delta" else None


def create(
    spark: SparkSession, *, table_name: str, path: str, headers: Sequence[str], binding: Binding | None = None
) -> Layout:
    """Create what is missing of the two tables and their columns; return what the parser fills.

    The columns of a table that is there already stay, also those that Headers no longer name; new names are added.
    """
    wanted = columns_of(headers)
    columns = {column.name: (column.type, _meaning(column)) for column in wanted}
    clustered = [name for name in CLUSTERED_BY if name in columns or name in _SERVICE]
    bound = binding.properties() if binding else {}
    records = {**columns, **_SERVICE}
    new = _create(spark, table_name, path, records, kind="records", clustered=clustered, more=bound)
    _create(spark, quarantine_name(table_name), quarantine_path(path), _QUARANTINE, kind="quarantine", clustered=[])
    if binding is not None and not new:
        bind(spark, table_name, binding)
    present = field_columns(spark, table_name)
    names = {column.name for column in present}
    added = [column for column in wanted if column.name not in names]
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
    """Create the table if its name is free; return whether it is a new one, not one that lay in the folder."""
    if spark.catalog.tableExists(quoted(name)):
        return False
    location = f" LOCATION {literal(path)}" if path else ""
    if path and _detail(spark, at_path(path)) is not None:
        spark.sql(f"CREATE TABLE IF NOT EXISTS {quoted(name)} USING DELTA{location}")
        return False
    listed = ", ".join(f"`{column}` {type_} COMMENT {literal(text)}" for column, (type_, text) in columns.items())
    cluster = f" CLUSTER BY ({', '.join(clustered)})" if clustered else ""
    statistics = ",".join([*clustered, "ingested_at"])
    properties = {MARK: kind, "delta.dataSkippingStatsColumns": statistics, **(more or {})}
    spark.sql(
        f"CREATE TABLE IF NOT EXISTS {quoted(name)} ({listed}) USING DELTA{cluster}"
        f" TBLPROPERTIES ({_listed(properties)}){location}"
    )
    return True


def bind(spark: SparkSession, table_name: str, binding: Binding) -> None:
    """Write the binding into the table's properties, if it is not there already."""
    detail = _detail(spark, quoted(table_name))
    if detail is None or bindings.of_properties(detail.properties) != binding:
        spark.sql(f"ALTER TABLE {quoted(table_name)} SET TBLPROPERTIES ({_listed(binding.properties())})")


def _listed(properties: Mapping[str, str]) -> str:
    return ", ".join(f"{literal(key)} = {literal(value)}" for key, value in properties.items())


def _add(spark: SparkSession, name: str, columns: Sequence[Column], *, after: str | None) -> None:
    listed = []
    for column in columns:
        place = f" AFTER `{after}`" if after else " FIRST"
        listed.append(f"`{column.name}` {column.type} COMMENT {literal(_meaning(column))}{place}")
        after = column.name
    spark.sql(f"ALTER TABLE {quoted(name)} ADD COLUMNS ({', '.join(listed)})")


def field_columns(spark: SparkSession, table_name: str) -> tuple[Column, ...]:
    """The columns of the table that hold fields, in order."""
    columns = [
        Column(name=field.name, type=field.dataType.simpleString().upper())
        for field in spark.table(quoted(table_name)).schema.fields
        if field.name not in SERVICE_COLUMNS
    ]
    return tuple(column for column in columns if column.type in ARROW_TYPES)


def _meaning(column: Column) -> str:
    field = BY_NAME.get(canonical(column.name))
    return field.meaning if field else "A field that AWS does not document"
