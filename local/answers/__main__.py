"""``python -m local.answers``: answers to questions about the records of a table on this machine."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TextIO

from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped, unused-ignore]
from pyspark.errors import AnalysisException, PySparkException
from pyspark.sql import SparkSession

from infra.interruption import interruptible
from local.answers import csv_file, html_page, json_file, terminal
from local.answers.arguments import InvalidArguments, Request, request_of
from local.answers.names import register
from local.answers.query import InvalidQuery, ask, period
from local.answers.result import Result, listed
from local.answers.tables import UnknownTable, prepare
from local.broken_pipe import ended_by_its_reader
from local.ingest import LocalSession, exit_status
from vpc_flow_logs.answers.model import ALL_FIELDS
from vpc_flow_logs.answers.names_table import UnusableNames
from vpc_flow_logs.answers.statements import object_name
from vpc_flow_logs.failures import headline
from vpc_flow_logs.progress import counted
from vpc_flow_logs.terminal import printable

_INTERRUPTED = "Interrupted. Nothing was changed."
_OVERFLOW = "ARITHMETIC_OVERFLOW"
_OVERFLOW_ADVICE = (
    "A sum is larger than the largest BIGINT. Find the records with impossible values: "
    "--sql 'SELECT source_file, srcaddr, bytes, packets FROM {view} ORDER BY greatest(bytes, packets) DESC LIMIT 10'"
)

_WRITERS: dict[str, Callable[[Result, TextIO], None]] = {
    "table": terminal.write,
    "csv": csv_file.write,
    "json": json_file.write,
    "html": html_page.write,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Write an answer, the result of a query, or the list of answers to standard output.

    Args:
        argv: The arguments; by default, those of the command line.

    Returns:
        The exit status: 2 for invalid arguments, a table that is not this project's, and a query that Spark rejects;
        1 for a query that fails.
    """
    try:
        request = request_of(sys.argv[1:] if argv is None else argv)
    except InvalidArguments as error:
        print(error, file=sys.stderr)
        return 2
    if request.help or request.place is None:
        if request.help:
            print(request.help, end="")
        else:
            _WRITERS[request.format](listed(), sys.stdout)
        return 0
    with TemporaryDirectory(prefix="answers-") as scratch:
        _say("Starting Spark ...")
        # A table with its own folder needs no warehouse, and Spark would create one in the working directory.
        warehouse = request.place.warehouse or Path(scratch)
        session = LocalSession({}, interrupted=_INTERRUPTED, warehouse=warehouse, streams=False)
        with exit_status(session) as local:
            return run(local(), request)


def run(spark: SparkSession, request: Request) -> int:
    """Write the answer or the result of the query of a request to standard output; return the exit status.

    Args:
        spark: The session.
        request: A request with a table.
    """
    assert request.place is not None
    try:
        named, notes = register(spark, request.names) if request.names else (None, [])
        table = prepare(spark, request.place, query=request.sql, named=named)
        _say(f"Reading {table.removeprefix('spark_catalog.')} in {request.place.folder} ...")
        result = ask(spark, request, table)
        notes.append(_note(spark, request, table, result))
    except UnknownTable as error:
        _say(f"--table: {error}")
        return 2
    except UnusableNames as error:
        _say(f"--names-table: {error}")
        return 2
    except InvalidQuery as error:
        _say(f"--sql: {error}")
        return 2
    except PySparkException as error:
        is_mistake = bool(request.sql) and isinstance(error, AnalysisException)
        _say(f"{'--sql: Spark rejects the query' if is_mistake else 'The query failed'}: {headline(error)}")
        if error.getCondition() == _OVERFLOW:
            _say(_OVERFLOW_ADVICE.format(view=object_name(table, ALL_FIELDS).removeprefix("spark_catalog.")))
        return 2 if is_mistake else 1
    except Py4JJavaError as error:  # while rows are read
        _say(f"The query failed: {headline(error)}")
        _say("If a file of the table is damaged, restore it from a copy, or load the log files into a new table.")
        return 1
    _WRITERS[request.format](result, sys.stdout)
    for note in notes:
        _say(note)
    return 0


def _note(spark: SparkSession, request: Request, table: str, result: Result) -> str:
    """Return the number of rows and, for an answer without rows, the likely reason."""
    if result.is_cut:
        return f"These are the first {counted(len(result.rows), 'row')}; --rows shows more, and --format csv shows all."
    if result.rows or request.answer is None or not request.answer.fields:
        return f"{counted(len(result.rows), 'row')}."
    times = period(spark, table)
    records = (
        f"The table has records from {times[0]} to {times[1]}" if times else "The table has no records with a time"
    )
    fields = ", ".join(request.answer.fields)
    own = [f"--{name.replace('_', '-')}" for name in request.given if name not in ("since", "until")]
    filters = ", ".join(["--last", "--since", "--until", *own])
    return f"No rows. {records}; check {filters}. The answer needs the fields {fields}."


def _say(line: str) -> None:
    print(printable(line), file=sys.stderr, flush=True)


if __name__ == "__main__":
    with ended_by_its_reader(), interruptible():
        sys.exit(main())
