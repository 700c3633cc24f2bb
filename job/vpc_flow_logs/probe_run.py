"""The probe: ask the runtime, the workspace and AWS about undocumented behavior, and leave nothing behind.

It runs on the job's cluster, with the job's parameters and one additional, empty parameter. The questions are
independent: if one fails, its answer is the error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from pyspark.sql import SparkSession

from vpc_flow_logs import notification_permissions, permissions, privileges, probe_aws, probe_spark
from vpc_flow_logs.answer import Answer, holds, line
from vpc_flow_logs.failures import headline
from vpc_flow_logs.parameters import ParameterError, Parameters, parameters_of, problems_of, read
from vpc_flow_logs.progress import say
from vpc_flow_logs.trial import line as trial_line

EMPTY = "empty"
"""Name of the parameter that is passed without a value."""

Session = Callable[[], SparkSession]
_T = TypeVar("_T")


def run(arguments: Sequence[str], *, session: Session) -> None:
    """Ask all questions and print one line per answer.

    Args:
        arguments: The command-line arguments.
        session: Returns the Spark session.

    Raises:
        ParameterError: The parameters of the job are malformed.
    """
    rest, empty = without_empty(arguments)
    values, problems = read(rest)
    problems += [f"--{name}: {problem}" for name, problem in problems_of(values).items()]
    if problems:
        raise ParameterError(problems)
    say(line(_empty(empty)))
    parameters, spark = parameters_of(values), session()
    for question, ask in _questions(spark, parameters):
        for answer in answers_to(question, ask):
            say(line(answer))


def answers_to(question: str, ask: Callable[[], Iterable[Answer]]) -> Iterator[Answer]:
    """Yield the answers to a question as they arrive. If asking fails, the last answer is the error."""
    try:
        yield from ask()
    except Exception as error:  # noqa: BLE001 - the error is the answer
        yield Answer(question, "does not hold", (f"{type(error).__name__}: {headline(error)}",))


def without_empty(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Split the arguments into those of the job and those of the empty parameter."""
    rest: list[str] = []
    empty: list[str] = []
    waiting = list(arguments)
    while waiting:
        argument = waiting.pop(0)
        if argument.partition("=")[0] == f"--{EMPTY}":
            empty.append(argument)
            if argument == f"--{EMPTY}" and waiting and not waiting[0].startswith("--"):
                empty.append(waiting.pop(0))
        else:
            rest.append(argument)
    return rest, empty


def _empty(arrived: Sequence[str]) -> Answer:
    question = "an empty named parameter arrives as --name="
    if not arrived:
        return Answer(question, "does not hold", ("it did not arrive",))
    spelled = " ".join(repr(argument) for argument in arrived)
    return holds(question, list(arrived) == [f"--{EMPTY}="], f"it arrived as {spelled}")


def _questions(spark: SparkSession, parameters: Parameters) -> Iterator[tuple[str, Callable[[], Iterable[Answer]]]]:
    path = parameters.checkpoint_path
    yield "versions", lambda: [probe_spark.versions(spark)]
    yield "entry point", lambda: [probe_spark.entry_point()]
    yield "Spark's settings", lambda: [probe_spark.settings(spark)]
    yield "the job's Spark settings can be set", lambda: [probe_spark.own_settings(spark)]
    yield "catalogs", lambda: probe_spark.catalogs(spark, parameters.table_name)
    yield "the checkpoint folder can be used", lambda: probe_spark.folder(spark, path)
    yield "a stream starts on a prefix without objects", lambda: [probe_spark.empty_prefix(spark, parameters)]
    yield "a set that is observed before a range sort is correct", lambda: probe_spark.counts(spark)
    yield "the table's history has counts", lambda: [probe_spark.history(spark, parameters.table_name)]
    yield "the job has the permissions that it needs", lambda: [_trials(spark, parameters)]
    yield "the resources that Auto Loader created", lambda: probe_aws.auto_loader_resources(parameters)


def _trials(spark: SparkSession, parameters: Parameters) -> Answer:
    """Run the tests of verify and return their results as one answer."""
    trials = [privileges.checkpoint(spark, parameters.checkpoint_path)]
    trials += privileges.schema(spark, parameters.table_name)
    try:
        trials += [*permissions.logs(parameters), *notification_permissions.notifications(parameters)]
        note = []
    except ImportError:
        note = [permissions.NO_BOTO3]
    state = "does not hold" if any(trial.state == "missing" for trial in trials) else "holds"
    facts = (*(trial_line(trial) for trial in trials), *note)
    return Answer("the job has the permissions that it needs", state, facts)  # type: ignore[arg-type]
