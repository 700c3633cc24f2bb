"""The table of an answer on this machine: its folder, its names in the session, its views and table functions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import SparkSession

from local.parameters import catalog_problem, local_folder
from vpc_flow_logs.answers.model import NAMES, SOURCES
from vpc_flow_logs.answers.statements import object_name, statements
from vpc_flow_logs.answers.views import View
from vpc_flow_logs.parameters import table_name_problem
from vpc_flow_logs.paths import hourly_path, quarantine_path, scheme_of
from vpc_flow_logs.sql import literal, quoted
from vpc_flow_logs.table import MARK, delta_detail, hourly_name, quarantine_name
from vpc_flow_logs.terminal import printable

WAREHOUSE = Path("spark-warehouse")
_SUFFIXES = ("_quarantine", "_hourly")


class UnknownTable(Exception):
    """There is no table of this project at the place; the message names the place and the next step."""


@dataclass(frozen=True)
class Place:
    """The place of a records table.

    Attributes:
        folder: The table's folder, an absolute path.
        name: The table's name in the session, with its schema.
        warehouse: The folder of managed tables that has the table; None for a table with its own Delta Output Path.
    """

    folder: Path
    name: str
    warehouse: Path | None = None


def find(text: str | None) -> Place:
    """Return the place of a table: a name in `WAREHOUSE`, or a folder. `prepare` checks that it is this project's.

    Args:
        text: The name or the folder; None for the only table in `WAREHOUSE`.

    Raises:
        UnknownTable: There is no Delta table with this name and in this folder.
    """
    if text is None:
        names = _managed()
        if len(names) == 1:
            return find(names[0])
        raise UnknownTable(f"missing; name a table or its folder{_listed(names)}")
    if scheme_of(text) not in ("", "file"):
        raise UnknownTable(f"{printable(text)} is not on this machine; copy the table to a folder")
    if place := _by_name(text):
        return place
    folder = (local_folder(text) or Path(text).expanduser()).absolute()
    if not text or not _is_delta(folder):
        what = "has no Delta table" if text and _is_folder(folder) else "does not exist"
        raise UnknownTable(f"folder {printable(text)!r} {what}, nor is it a table in {WAREHOUSE}{_listed(_managed())}")
    return Place(folder, f"default.{re.sub(r'[^0-9a-z_]', '_', folder.name.lower())}")


def _by_name(text: str) -> Place | None:
    """Return the place of a managed table; None if there is none. Spark's names are in lower case."""
    text = text.lower()
    if table_name_problem(text):
        return None
    if problem := catalog_problem(text):
        raise UnknownTable(problem)
    schema, _, name = text.removeprefix("spark_catalog.").rpartition(".")
    schema = schema or "default"
    folder = (WAREHOUSE if schema == "default" else WAREHOUSE / f"{schema}.db") / name
    return Place(folder.absolute(), f"{schema}.{name}", WAREHOUSE.absolute()) if _is_delta(folder) else None


def _managed() -> list[str]:
    """Return the names of the tables in the warehouse that have a quarantine table."""
    folders = sorted(log.parent for pattern in ("*", "*.db/*") for log in WAREHOUSE.glob(f"{pattern}/_delta_log"))
    records = [folder for folder in folders if Path(quarantine_path(str(folder))) in folders]
    return [".".join([*(part.removesuffix(".db") for part in folder.parts[1:])]) for folder in records]


def _listed(names: list[str]) -> str:
    return f"; {WAREHOUSE} has {', '.join(map(printable, names))}" if names else ""


def _is_delta(folder: Path) -> bool:
    return _is_folder(folder / "_delta_log")


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):  # a name that is too long, or has a null character
        return False


def prepare(spark: SparkSession, place: Place, *, query: str = "", named: View | None = None) -> str:
    """Register the tables in the session and create the views; return the full name of the records table.

    Args:
        spark: The session, with a catalog in memory.
        place: The place of the table.
        query: A query. Table functions and other views are created only if it names them.
        named: The view of the names table, if there is one.

    Raises:
        UnknownTable: The folder has a table that this project did not create.
    """
    name = f"spark_catalog.{place.name}"
    folder = str(place.folder)
    spark.sql(f"CREATE SCHEMA IF NOT EXISTS {quoted(name.rpartition('.')[0])}")
    _register(spark, name, folder)
    _check(spark, name, place)
    _register(spark, quarantine_name(name), quarantine_path(folder))
    _register(spark, hourly_name(name), hourly_path(folder))
    types = {field.name: field.dataType.simpleString().upper() for field in spark.table(quoted(name)).schema}
    always = {object_name(name, source) for source in (*SOURCES, NAMES)}
    for statement in statements(name, types, named=named):
        short = statement.name.rpartition(".")[2]
        if statement.name in always or re.search(rf"\b{re.escape(short)}\b", query, re.IGNORECASE):
            spark.sql(statement.sql)
    return name


def _register(spark: SparkSession, name: str, folder: str) -> None:
    if _is_delta(Path(folder)):
        spark.sql(f"CREATE TABLE IF NOT EXISTS {quoted(name)} USING delta LOCATION {literal(folder)}")


def _check(spark: SparkSession, name: str, place: Place) -> None:
    detail = delta_detail(spark, quoted(name))
    kind = None if detail is None else detail.properties.get(MARK)
    if kind == "records":
        return
    shown = printable(str(place.folder))
    records = next((shown.removesuffix(end) for end in _SUFFIXES if shown.endswith(end)), None) if kind else None
    reason = (
        f"is the {kind} table of {records}; name that one"
        if records
        else "has a table that this project did not create"
    )
    raise UnknownTable(f"{shown} {reason}")
