"""The tables that the maintenance works on, and the check that they belong to the job."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import SparkSession

from vpc_flow_logs import folders, table, table_refusals
from vpc_flow_logs.folders import StorageError
from vpc_flow_logs.maintenance.step import Size
from vpc_flow_logs.paths import hourly_path, quarantine_path
from vpc_flow_logs.progress import say
from vpc_flow_logs.sql import at_path, literal, quoted
from vpc_flow_logs.table import hourly_name, quarantine_name
from vpc_flow_logs.table_columns import HOURLY


@dataclass(frozen=True)
class Target:
    """The records table with its quarantine table and its hourly roll-up.

    Attributes:
        records: Name of the records table, as in ``--table-name``; `sql.quoted` quotes it for SQL.
        quarantine: Name of the quarantine table.
        hourly: Name of the hourly roll-up.
        records_path: Folder of the records table; empty for a managed table.
        quarantine_path: Folder of the quarantine table; empty for a managed table.
        hourly_path: Folder of the hourly roll-up; empty for a managed table.
        existing: The names of the tables that exist. The records table always does.
    """

    records: str
    quarantine: str
    hourly: str
    records_path: str
    quarantine_path: str
    hourly_path: str
    existing: frozenset[str]

    @property
    def places(self) -> dict[str, str]:
        """Return the folder of each table by its name, the records table first."""
        return {
            self.records: self.records_path,
            self.quarantine: self.quarantine_path,
            self.hourly: self.hourly_path,
        }

    @property
    def tables(self) -> list[str]:
        """Return the names of the tables that exist, the records table first."""
        return [name for name in self.places if name in self.existing]


def target_of(spark: SparkSession, *, table_name: str, path: str) -> Target:
    """Return the tables. A table that exists only as a folder is added to the catalog, as by `table.create`.

    Args:
        spark: The session.
        table_name: Name of the records table.
        path: Its folder; if empty, the location in the catalog.

    Raises:
        PySparkException: A table cannot be read or added.
    """
    target = _named(spark, table_name, path)
    for name, folder in target.places.items():
        if folder and not _exists(spark, name) and table.delta_detail(spark, at_path(folder)) is not None:
            spark.sql(f"CREATE TABLE IF NOT EXISTS {quoted(name)} USING DELTA LOCATION {literal(folder)}")
    return _named(spark, table_name, path)


def refusals(spark: SparkSession, *, table_name: str, path: str) -> list[str]:
    """Return all reasons that these tables cannot be maintained.

    Args:
        spark: The session.
        table_name: Name of the records table.
        path: Its folder; if empty, the location in the catalog.

    Raises:
        PySparkException: A table cannot be read.
    """
    target = _named(spark, table_name, path)
    if not _exists(spark, table_name):
        detail = table.delta_detail(spark, at_path(path)) if path else None
        if detail is None:
            return [_missing(table_name, path)]
    kinds = {"records": target.records, "quarantine": target.quarantine, "hourly": target.hourly}
    problems = [p for kind, name in kinds.items() for p in _refusal(spark, name, target.places[name], kind)]
    return problems or _shape_refusal(spark, target)


def size_of(spark: SparkSession, name: str) -> Size:
    """Return the size of a table. Delta counts the rows from the statistics in its log.

    Raises:
        PySparkException: The table cannot be read.
    """
    detail = table.delta_detail(spark, quoted(name))
    return Size(rows=spark.table(quoted(name)).count(), files=0 if detail is None else detail.numFiles)


def version_of(spark: SparkSession, name: str) -> int:
    """Return the newest version of a table.

    Raises:
        PySparkException: The table cannot be read.
    """
    newest = spark.sql(f"DESCRIBE HISTORY {quoted(name)} LIMIT 1").first()
    return -1 if newest is None else int(newest.version)


def _refusal(spark: SparkSession, name: str, path: str, kind: str) -> list[str]:
    if _exists(spark, name):
        return [f"--table-name: {problem}" for problem in table_refusals.name_refusal(spark, name, path, kind)]
    try:
        problems = table_refusals.path_refusal(spark, folders.of(spark), path, kind) if path else []
    except StorageError as error:
        say(f"note: --delta-output-path: {path!r} cannot be checked before the run: {error}")
        problems = []
    return [f"--delta-output-path: {problem}" for problem in problems]


def _shape_refusal(spark: SparkSession, target: Target) -> list[str]:
    """Return the problem with a roll-up that lacks columns, or has columns of other types."""
    if _exists(spark, target.hourly):
        at = quoted(target.hourly)
    elif target.hourly_path and table.delta_detail(spark, at_path(target.hourly_path)) is not None:
        at = at_path(target.hourly_path)
    else:
        return []
    present = {field.name: field.dataType.simpleString().upper() for field in spark.table(at).schema.fields}
    wrong = [f"{name} {type_}" for name, (type_, _) in HOURLY.items() if present.get(name) != type_]
    foreign = [f"{name} {type_}" for name, type_ in present.items() if name not in HOURLY]
    if not wrong and not foreign:
        return []
    lacks = [f"lacks {', '.join(wrong)}"] if wrong else []
    has = [f"has {', '.join(foreign)}"] if foreign else []
    problem = (
        f"--table-name: the columns of the roll-up {target.hourly!r} differ from those that the job writes: it "
        f"{' and '.join(lacks + has)}; use the version of the job that created it. To create a new roll-up, drop the "
        "table and move its folder away: the new one has only the hours that the records table still contains"
    )
    return [problem]


def _missing(table_name: str, path: str) -> str:
    if path:
        return f"--table-name: table {table_name!r} does not exist, and {path!r} has no Delta table; check both values"
    return (
        f"--table-name: table {table_name!r} does not exist; use the name of the table that the job fills. If only its "
        "folder exists, add --delta-output-path"
    )


def _named(spark: SparkSession, table_name: str, path: str) -> Target:
    folder = path or _location(spark, table_name)
    quarantine, hourly = quarantine_name(table_name), hourly_name(table_name)
    return Target(
        records=table_name,
        quarantine=quarantine,
        hourly=hourly,
        records_path=folder,
        quarantine_path=quarantine_path(folder),
        hourly_path=hourly_path(folder),
        existing=frozenset(name for name in (table_name, quarantine, hourly) if _exists(spark, name)),
    )


def _exists(spark: SparkSession, name: str) -> bool:
    return bool(spark.catalog.tableExists(quoted(name)))


def _location(spark: SparkSession, name: str) -> str:
    """Return the folder of an external table; empty for a managed table, and for a table that does not exist."""
    if not _exists(spark, name):
        return ""
    facts = {row.col_name: row.data_type for row in spark.sql(f"DESCRIBE TABLE EXTENDED {quoted(name)}").collect()}
    return "" if facts.get("Type") == "MANAGED" else str(facts.get("Location", ""))
