"""The common part of the entry points: read the parameters, check them against existing tables and folders, and run."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from pyspark.sql import SparkSession

from vpc_flow_logs import binding, checkpoint, folders, spark_settings, table, table_refusals
from vpc_flow_logs.binding import TableState
from vpc_flow_logs.failures import LOAD_AGAIN, RunFailed, explained, headline
from vpc_flow_logs.folders import NotAFolder
from vpc_flow_logs.parameters import ParameterError, Parameters, notes_of, parameters_of, problems_of, read
from vpc_flow_logs.paths import without_trailing_slash
from vpc_flow_logs.progress import say
from vpc_flow_logs.usage import USAGE

Session = Callable[[], SparkSession]
Work = Callable[[SparkSession, Parameters], None]
ExtraChecks = Callable[[SparkSession, Parameters], list[str]]


def run(
    arguments: Sequence[str],
    *,
    session: Session,
    work: Work,
    next_step: str = LOAD_AGAIN,
    also: ExtraChecks | None = None,
    usage: str = USAGE,
) -> None:
    """Check the parameters and do the work. Print every rejection and failure on stderr.

    Args:
        arguments: The command-line arguments. With ``--help``, only the usage is printed.
        session: Returns the Spark session; called only if Spark is needed.
        work: The work of the entry point.
        next_step: The advice that ends the message of a failure.
        also: Returns more problems if well-formed parameters are rejected, so that one message lists all of them.
        usage: The text for ``--help``.

    Raises:
        ParameterError: The parameters are invalid or rejected; nothing was created.
        RunFailed: The work failed.
    """
    if "--help" in arguments:
        print(usage)
        return
    with printed():
        spark, parameters = _checked(arguments, session, also)
        try:
            work(spark, parameters)
        except RunFailed:  # this already has a complete message
            raise
        except Exception as error:
            raise RunFailed(explained(error, parameters, next_step=next_step)) from error


@contextmanager
def printed() -> Iterator[None]:
    """Print a rejection or a failure of the ``with`` block on stderr, and raise it again."""
    try:
        yield
    except (ParameterError, RunFailed) as refusal:
        print(refusal, file=sys.stderr, flush=True)
        raise


def _checked(arguments: Sequence[str], session: Session, also: ExtraChecks | None) -> tuple[SparkSession, Parameters]:
    values, problems = read(arguments)
    values.setdefault("delta-output-path", "")
    bad = problems_of(values)
    problems += [f"--{name}: {problem}" for name, problem in bad.items()]
    good = {
        name: without_trailing_slash(value) if name.endswith("-path") else value
        for name, value in values.items()
        if name not in bad
    }
    spark, well_formed = None, not problems
    # Spark takes seconds to start on a laptop, so start it only if there is something to check.
    if any(map(good.get, ("table-name", "checkpoint-path", "delta-output-path"))) or not problems:
        spark = session()
        problems += _refusals(spark, good)
        if problems and well_formed and also is not None:
            problems += also(spark, parameters_of(good))
    if problems or spark is None:
        raise ParameterError(problems)
    for note in notes_of(good):
        say(f"note: {note}")
    for key, value in spark_settings.READING.items():
        spark.conf.set(key, value)
    return spark, parameters_of(good)


def _refusals(spark: SparkSession, good: Mapping[str, str]) -> list[str]:
    """Return the problems of well-formed values with existing tables, folders and checkpoints.

    If a check is not possible, the job prints a note. The parameters are not rejected, because the run may have more
    permissions than the check.
    """
    name, path, checkpoint_path = (good.get(key) for key in ("table-name", "delta-output-path", "checkpoint-path"))
    problems, all_checked = [], True
    if name and (problem := table.use_catalog(spark, name)):
        problems, name = [f"--table-name: {problem}"], None
    checks: list[tuple[str, str | None, Callable[[str], list[str]]]] = [
        ("table-name", name, lambda value: table_refusals.name_refusals(spark, value, path)),
        ("delta-output-path", path, lambda value: table_refusals.path_refusals(spark, folders.of(spark), value)),
    ]
    for parameter, value, check in checks:
        refusals = _problems_found(parameter, value, check) if value else []
        problems += refusals or []
        all_checked = all_checked and refusals is not None
    if checkpoint_path:
        # A table that is rejected or cannot be inspected reveals nothing about its checkpoint.
        known_good = good if name and all_checked and not problems else {}
        refusals = _problems_found(
            "checkpoint-path", checkpoint_path, lambda value: _checkpoint_refusals(spark, value, known_good)
        )
        problems = [*(refusals or []), *problems]
    return problems


def _problems_found(parameter: str, value: str, check: Callable[[str], list[str]]) -> list[str] | None:
    """Return the problems that a check finds. If the check is not possible, print a note and return None."""
    try:
        return [f"--{parameter}: {problem}" for problem in check(value)]
    except Exception as error:  # noqa: BLE001 - each storage has its own errors; the run gets them again
        say(f"note: --{parameter}: {value!r} cannot be checked before the run: {headline(error)}")
        return None


def _checkpoint_refusals(spark: SparkSession, path: str, good: Mapping[str, str]) -> list[str]:
    try:
        contents = checkpoint.read(folders.of(spark), path)
    except NotAFolder:
        return [f"{path!r} is a file; use a folder"]
    known, new = TableState(exists=True), contents.query_id is None
    if "table-name" in good:
        known = table.known(spark, table_name=good["table-name"], path=good.get("delta-output-path", ""), new=new)
    elif not new:
        return []  # only the table has the ID of its checkpoint
    policy = good.get("new-checkpoint", "refuse")
    problem = binding.problem(known, contents, good.get("vpc-logs-path"), new_checkpoint=policy)
    return [problem] if problem else []
