"""Create the views and table functions of the answers next to the table; change only what belongs to the job."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from contextlib import suppress

from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession

from vpc_flow_logs.answers import names_table
from vpc_flow_logs.answers.model import ALL_FIELDS
from vpc_flow_logs.answers.statements import COMPLETE, MARK, Statement, digest_of, object_name, statements
from vpc_flow_logs.answers.views import View
from vpc_flow_logs.failures import headline
from vpc_flow_logs.sql import literal, quoted

_MARK_IN_COMMENT = re.compile(r"\[vpc_flow_logs ([0-9a-f]{12})\]")
_FOREIGN = "foreign"


def create(spark: SparkSession, table_name: str, *, names: str = "") -> list[str]:
    """Create the views and functions that are missing or changed; return the lines to print.

    If all of them exist and none has changed, this takes two queries to the catalog, and one of the names table. Views
    and functions that others created are neither replaced nor dropped. If the catalog rejects a statement, or the names
    table cannot be used, a line reports this; it is not an error.

    Args:
        spark: The session.
        table_name: Name of the records table, which exists.
        names: Name of the names table; empty for answers without names.
    """
    try:
        view, notes = _names(spark, names)
        return [*_create(spark, _full_name(spark, table_name), view), *notes]
    except Exception as error:  # noqa: BLE001 - answers are an extra, and must not stop the load
        return [f"note: the answers of {table_name} cannot be created: {headline(error)}"]


def _names(spark: SparkSession, table: str) -> tuple[View | None, list[str]]:
    """Return the view of the names table, None if there is none, and the lines to print about the table."""
    if not table:
        return None, []
    try:
        view, left_out = names_table.read(spark, _full_name(spark, table))
    except names_table.UnusableNames as error:
        return None, [f"note: the names table {table} cannot be used, so answers show no names: {error}"]
    return view, left_out.lines(table)


def _create(spark: SparkSession, table_name: str, named: View | None) -> list[str]:
    types = {field.name: field.dataType.simpleString().upper() for field in spark.table(quoted(table_name)).schema}
    needed = statements(table_name, types, named=named)
    complete = digest_of([statement.digest for statement in needed])
    view = object_name(table_name, ALL_FIELDS)
    properties = _properties(spark, view) or {}
    functions = _functions(spark, table_name)
    missing = [each for each in needed if not each.is_view and each.name.rpartition(".")[2] not in functions]
    if properties.get(COMPLETE) == complete and not missing:
        return []
    created, foreign, failures = 0, [], []
    for statement in needed:
        exists = statement.is_view or statement not in missing
        digest = _digest(spark, statement) if exists else None
        if digest == _FOREIGN:
            foreign.append(statement.name)
        elif digest != statement.digest:
            try:
                _run(spark, statement, exists=digest is not None)
                created += 1
            except Exception as error:  # noqa: BLE001 - each catalog has its own errors
                failures.append(f"{statement.name}: {headline(error)}")
        if statement.is_view and (foreign or failures):
            break  # the functions need the views
    if not foreign and not failures:
        spark.sql(f"ALTER VIEW {quoted(view)} SET TBLPROPERTIES ({literal(COMPLETE)} = {literal(complete)})")
    return _lines(table_name, created, foreign, failures)


def _lines(table_name: str, created: int, foreign: list[str], failures: list[str]) -> list[str]:
    lines = [
        f"answers:    {created} views and table functions created, with names that begin with {table_name}_"
    ] * bool(created)
    if foreign:
        lines.append(f"note: not created by this job, and therefore not replaced: {', '.join(foreign)}")
    if failures:
        more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
        lines.append(f"note: the catalog rejects {failures[0]}{more}")
    return lines


def _full_name(spark: SparkSession, table_name: str) -> str:
    """Return the name with catalog and schema. The text of a function must not depend on the session that calls it."""
    outer = table_name.split(".")[:-1]
    if len(outer) < 2:
        current = spark.sql("SELECT current_catalog() AS c, current_schema() AS s").head()
        assert current is not None
        outer = [current.c, *(outer or [current.s])]
    return ".".join([*outer, table_name.rpartition(".")[2]])


def _run(spark: SparkSession, statement: Statement, *, exists: bool) -> None:
    try:
        spark.sql(statement.sql)
    except Exception:
        if statement.is_view or not exists:
            raise
        # Databricks does not replace a function with one that has other parameters.
        # https://docs.databricks.com/aws/en/sql/language-manual/sql-ref-syntax-ddl-create-sql-function
        spark.sql(f"DROP FUNCTION {quoted(statement.name)}")
        spark.sql(statement.sql)


def _digest(spark: SparkSession, statement: Statement) -> str | None:
    """Return the digest of an existing view or function, `_FOREIGN` if it is not the job's, None if there is none."""
    if statement.is_view:
        properties = _properties(spark, statement.name)
        return None if properties is None else properties.get(MARK, _FOREIGN)
    described = spark.sql(f"DESCRIBE FUNCTION EXTENDED {quoted(statement.name)}").collect()
    match = _MARK_IN_COMMENT.search(_comment([row[0] for row in described]))
    return match[1] if match else _FOREIGN


def _comment(lines: Sequence[str]) -> str:
    """Return the comment of a function from the lines of ``DESCRIBE FUNCTION EXTENDED``.

    Spark 4.2 and Databricks show a line ``Comment: ...``. Spark 4.1 shows ``Usage: ...`` with all properties of the
    function as JSON.

    Source: https://docs.databricks.com/aws/en/sql/language-manual/sql-ref-syntax-aux-describe-function
    """
    for line in lines:
        key, _, text = line.partition(": ")
        if key == "Comment":
            return text
        if key == "Usage" and text.startswith("{"):
            with suppress(ValueError):  # a function of others, whose usage is not JSON
                return str(json.loads(text).get("sqlFunction.comment", ""))
    return ""


def _properties(spark: SparkSession, name: str) -> dict[str, str] | None:
    """Return the properties of a view or table; None if there is none."""
    try:
        return {row.key: row.value for row in spark.sql(f"SHOW TBLPROPERTIES {quoted(name)}").collect()}
    except AnalysisException as error:
        if error.getCondition() == "TABLE_OR_VIEW_NOT_FOUND":
            return None
        raise


def _functions(spark: SparkSession, table_name: str) -> set[str]:
    """Return the names, without catalog and schema, of the functions whose name begins with the table's."""
    schema, _, table = table_name.rpartition(".")
    rows = spark.sql(f"SHOW USER FUNCTIONS IN {quoted(schema)} LIKE {literal(table + '_*')}").collect()
    return {row[0].rpartition(".")[2] for row in rows}
