"""What both entry points begin with: the parameters read, and checked against what is there already."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence

from pyspark.sql import SparkSession

from vpc_flow_logs import checkpoint, settings, table
from vpc_flow_logs.failures import RunFailed, explained
from vpc_flow_logs.parameters import USAGE, ParameterError, Parameters, parameters_of, problems_of, read

Session = Callable[[], SparkSession]
Work = Callable[[SparkSession, Parameters], None]


def run(arguments: Sequence[str], *, session: Session, work: Work) -> None:
    """Check the parameters and do the work; every refusal is said on stderr.

    Raises:
        ParameterError: the parameters are bad or refused; nothing was created. Exit status 2.
        RunFailed: the work failed. Exit status 1.
    """
    if "--help" in arguments:
        print(USAGE)
        return
    try:
        spark, parameters = _checked(arguments, session)
        try:
            work(spark, parameters)
        except Exception as error:
            raise RunFailed(explained(error, parameters)) from error
    except (ParameterError, RunFailed) as refusal:
        print(refusal, file=sys.stderr, flush=True)
        raise


def _checked(arguments: Sequence[str], session: Session) -> tuple[SparkSession, Parameters]:
    values, problems = read(arguments)
    bad = problems_of(values)
    problems += [f"--{name}: {problem}" for name, problem in bad.items()]
    good = {name: value for name, value in values.items() if name not in bad}
    spark = None
    if good.keys() & {"table-name", "checkpoint-path"} or not problems:
        spark = session()
        problems += _refusals(spark, good)
    if problems or spark is None:
        raise ParameterError(problems)
    for key, value in settings.READING.items():
        spark.conf.set(key, value)
    return spark, parameters_of(good)


def _refusals(spark: SparkSession, good: Mapping[str, str]) -> list[str]:
    """What speaks against values that are well formed: tables, folders and checkpoints of others."""
    problems = []
    if "checkpoint-path" in good and "vpc-logs-path" in good:
        refusal = checkpoint.refusal(spark, good["checkpoint-path"], good["vpc-logs-path"])
        problems += [f"--checkpoint-path: {refusal}"] if refusal else []
    if "table-name" in good:
        problems += table.refusals(spark, good["table-name"], good.get("delta-output-path"))
    return problems
