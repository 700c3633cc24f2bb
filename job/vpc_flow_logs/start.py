"""What both entry points begin with: the parameters read, and checked against what is there already."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence

from py4j.protocol import Py4JError  # type: ignore[import-untyped, unused-ignore]
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from vpc_flow_logs import checkpoint, settings, table
from vpc_flow_logs.failures import LOAD_AGAIN, RunFailed, explained, telling_line
from vpc_flow_logs.parameters import USAGE, ParameterError, Parameters, parameters_of, problems_of, read
from vpc_flow_logs.paths import without_trailing_slash

Session = Callable[[], SparkSession]
Work = Callable[[SparkSession, Parameters], None]
Look = Callable[[SparkSession, Parameters], list[str]]


def run(
    arguments: Sequence[str],
    *,
    session: Session,
    work: Work,
    next_step: str = LOAD_AGAIN,
    also: Look | None = None,
) -> None:
    """Check the parameters and do the work; every refusal is said on stderr, with the next step after a failure.

    ``also`` looks for more problems where well-formed parameters are refused, so that one message names all of them.

    Raises:
        ParameterError: the parameters are bad or refused; nothing was created. Exit status 2.
        RunFailed: the work failed. Exit status 1.
    """
    if "--help" in arguments:
        print(USAGE)
        return
    try:
        spark, parameters = _checked(arguments, session, also)
        try:
            work(spark, parameters)
        except RunFailed:  # has said why
            raise
        except Exception as error:
            raise RunFailed(explained(error, parameters, next_step=next_step)) from error
    except (ParameterError, RunFailed) as refusal:
        print(refusal, file=sys.stderr, flush=True)
        raise


def _checked(arguments: Sequence[str], session: Session, also: Look | None) -> tuple[SparkSession, Parameters]:
    values, problems = read(arguments)
    bad = problems_of(values)
    problems += [f"--{name}: {problem}" for name, problem in bad.items()]
    good = {
        name: without_trailing_slash(value) if name.endswith("-path") else value
        for name, value in values.items()
        if name not in bad
    }
    spark, well_formed = None, not problems
    # Spark takes seconds to start on a laptop: only when there is something to look at.
    if good.keys() & {"table-name", "checkpoint-path", "delta-output-path"} or not problems:
        spark = session()
        problems += _refusals(spark, good)
        if problems and well_formed and also is not None:
            problems += also(spark, parameters_of(good))
    if problems or spark is None:
        raise ParameterError(problems)
    for key, value in settings.READING.items():
        spark.conf.set(key, value)
    return spark, parameters_of(good)


def _refusals(spark: SparkSession, good: Mapping[str, str]) -> list[str]:
    """What speaks against values that are well formed: tables, folders and checkpoints of others."""
    logs, path = good.get("vpc-logs-path"), good.get("delta-output-path")
    looks: list[tuple[str, Callable[[str], list[str]]]] = [
        ("checkpoint-path", lambda value: checkpoint.refusals(spark, value, logs)),
        ("table-name", lambda value: table.name_refusals(spark, value, path)),
        ("delta-output-path", lambda value: table.path_refusals(spark, value)),
    ]
    problems = []
    for name, look in looks:
        if good.get(name):
            try:
                found = look(good[name])
            except (Py4JError, PySparkException) as error:
                found = [f"{good[name]!r} cannot be looked at: {telling_line(error)}"]
            problems += [f"--{name}: {problem}" for problem in found]
    return problems
