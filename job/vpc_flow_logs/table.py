"""The two Delta tables: what they look like, whether they are ours, and their creation before anything is in them."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.errors import AnalysisException
from pyspark.sql import Row, SparkSession

from vpc_flow_logs.failures import telling_line
from vpc_flow_logs.fields import BY_NAME, SERVICE_COLUMNS, canonical
from vpc_flow_logs.layout import ARROW_TYPES, Column, Layout, columns_of
from vpc_flow_logs.paths import quarantine_path, same
from vpc_flow_logs.storage import Folder

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


def quoted(table_name: str) -> str:
    """A table name for SQL."""
    return ".".join(f"`{part}`" for part in table_name.split("."))


def name_refusals(spark: SparkSession, table_name: str, path: str | None) -> list[str]:
    """Why the tables cannot have these names: all reasons. ``path`` is None when it is not known to be good."""
    *schema, _ = table_name.split(".")
    where = ".".join(schema)
    try:
        if schema and not spark.catalog.databaseExists(quoted(where)):
            return [f"schema {where!r} does not exist: CREATE SCHEMA {quoted(where)}, or name another"]
        records = _name_refusal(spark, table_name, path, "records")
        quarantine_at = None if path is None else quarantine_path(path)
        return records + _name_refusal(spark, quarantine_name(table_name), quarantine_at, "quarantine")
    except AnalysisException as error:
        return [f"{table_name!r} cannot be used: {telling_line(error)}"]


def _name_refusal(spark: SparkSession, name: str, path: str | None, kind: str) -> list[str]:
    if not spark.catalog.tableExists(quoted(name)):
        return []
    detail = _detail(spark, quoted(name))
    if detail is None or detail.properties.get(MARK) != kind:
        return [f"there is a table {name!r} that is not this job's: choose another name"]
    if path and not same(detail.location, path):
        return [f"table {name!r} lies at {detail.location!r}, not at {path!r}: give the one or the other"]
    return []


def path_refusals(spark: SparkSession, path: str) -> list[str]:
    """Why the tables cannot lie there: a folder is neither new, nor empty, nor holding such a table of ours."""
    folders = {"records": path, "quarantine": quarantine_path(path)}
    return [problem for kind, folder in folders.items() for problem in _path_refusal(spark, folder, kind)]


def _path_refusal(spark: SparkSession, path: str, kind: str) -> list[str]:
    folder = Folder(spark, path)
    if folder.is_file():
        return [f"{path!r} is a file: name a folder"]
    has_commits = _commits(spark, path)
    if not has_commits and not folder.holds(lambda name: not name.startswith(".") and name != "_delta_log"):
        return []
    detail = _detail(spark, f"delta.`{path}`") if has_commits else None
    if detail is None or detail.properties.get(MARK) != kind:
        return [f"{path!r} is not empty and holds no {kind} table of this job: name a new or empty folder"]
    return []


def _commits(spark: SparkSession, path: str) -> bool:
    return Folder(spark, f"{path}/_delta_log").holds(lambda name: name.endswith((".json", ".parquet")))


def _detail(spark: SparkSession, table: str) -> Row | None:
    """Delta's description of a table (format, location, properties); None for what is no Delta table."""
    try:
        detail = spark.sql(f"DESCRIBE DETAIL {table}").first()
    except AnalysisException:
        return None
    return detail if detail is not None and detail.format == "delta" else None


def create(spark: SparkSession, *, table_name: str, path: str, headers: Sequence[str]) -> Layout:
    """Make what is missing of the two tables and their columns; returns what the parser is to fill.

    The columns of a table that is there already stay, also those that Headers no longer name; new names are added.
    """
    wanted = columns_of(headers)
    columns = {column.name: (column.type, _meaning(column)) for column in wanted}
    clustered = [name for name in CLUSTERED_BY if name in columns or name in _SERVICE]
    _create(spark, table_name, path, {**columns, **_SERVICE}, kind="records", clustered=clustered)
    _create(spark, quarantine_name(table_name), quarantine_path(path), _QUARANTINE, kind="quarantine", clustered=[])
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
) -> None:
    if spark.catalog.tableExists(quoted(name)):
        return
    location = f" LOCATION {literal(path)}" if path else ""
    if path and _commits(spark, path):
        spark.sql(f"CREATE TABLE IF NOT EXISTS {quoted(name)} USING DELTA{location}")
        return
    listed = ", ".join(f"`{column}` {type_} COMMENT {literal(text)}" for column, (type_, text) in columns.items())
    cluster = f" CLUSTER BY ({', '.join(clustered)})" if clustered else ""
    properties = {MARK: kind, "delta.dataSkippingStatsColumns": ",".join([*clustered, "ingested_at"])}
    told = ", ".join(f"{literal(key)} = {literal(value)}" for key, value in properties.items())
    spark.sql(
        f"CREATE TABLE IF NOT EXISTS {quoted(name)} ({listed}) USING DELTA{cluster} TBLPROPERTIES ({told}){location}"
    )


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


def literal(text: str) -> str:
    """A text for SQL."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
