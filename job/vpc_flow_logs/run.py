"""What every entry point begins with: the parameters, read and checked against what is there already."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence

from pyspark.sql import SparkSession

from vpc_flow_logs import binding, checkpoint, folders, spark_settings, table
from vpc_flow_logs.binding import Known
from vpc_flow_logs.failures import LOAD_AGAIN, RunFailed, explained, telling_line
from vpc_flow_logs.folders import NotAFolder
from vpc_flow_logs.parameters import USAGE, ParameterError, Parameters, notes_of, parameters_of, problems_of, read
from vpc_flow_logs.paths import without_trailing_slash
from vpc_flow_logs.progress import say

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
    usage: str = USAGE,
) -> None:
    """Check the parameters and do the work; print every refusal on stderr, with the next step after a failure.

    ``--help`` prints the ``usage`` and does nothing else.
    ``also`` looks for more problems where well-formed parameters are refused, so that one message names all of them.

    Raises:
        ParameterError: the parameters are bad or refused; nothing was created.
        RunFailed: the work failed.
    """
    if "--help" in arguments:
        print(usage)
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
    values.setdefault("delta-output-path", "")
    bad = problems_of(values)
    problems += [f"--{name}: {problem}" for name, problem in bad.items()]
    good = {
        name: without_trailing_slash(value) if name.endswith("-path") else value
        for name, value in values.items()
        if name not in bad
    }
    spark, well_formed = None, not problems
    # Spark takes seconds to start on a laptop: only when there is something to look at.
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
    """Return what speaks against values that are well formed: tables, folders and checkpoints of others.

    What cannot be looked at is reported, and is not a refusal: the run may have rights that a look does not have.
    """
    name, path, checkpoint_path = (good.get(key) for key in ("table-name", "delta-output-path", "checkpoint-path"))
    problems, seen = [], True
    if name and (problem := table.use_catalog(spark, name)):
        problems, name = [f"--table-name: {problem}"], None
    looks: list[tuple[str, str | None, Callable[[str], list[str]]]] = [
        ("table-name", name, lambda value: table.name_refusals(spark, value, path)),
        ("delta-output-path", path, lambda value: table.path_refusals(spark, folders.of(spark), value)),
    ]
    for parameter, value, look in looks:
        found = _looked(parameter, value, look) if value else []
        problems += found or []
        seen = seen and found is not None
    if checkpoint_path:
        # A table that is refused, or cannot be looked at, says nothing about its checkpoint.
        ours = good if name and seen and not problems else {}
        found = _looked("checkpoint-path", checkpoint_path, lambda value: _checkpoint_refusals(spark, value, ours))
        problems = [*(found or []), *problems]
    return problems


def _looked(parameter: str, value: str, look: Callable[[str], list[str]]) -> list[str] | None:
    """Return what a look finds wrong; None, and a note, when it is not possible."""
    try:
        return [f"--{parameter}: {found}" for found in look(value)]
    except Exception as error:  # noqa: BLE001 - each storage has errors of its own; the run meets them again
        say(f"note: --{parameter}: {value!r} cannot be looked at before the run: {telling_line(error)}")
        return None


def _checkpoint_refusals(spark: SparkSession, path: str, good: Mapping[str, str]) -> list[str]:
    try:
        found = checkpoint.read(folders.of(spark), path)
    except NotAFolder:
        return [f"{path!r} is a file; name a folder"]
    known, new = Known(exists=True), found.query_id is None
    if "table-name" in good:
        known = table.known(spark, table_name=good["table-name"], path=good.get("delta-output-path", ""), new=new)
    elif not new:
        return []  # whose it is, only its table knows
    policy = good.get("new-checkpoint", "refuse")
    problem = binding.problem(known, found, good.get("vpc-logs-path"), new_checkpoint=policy)
    return [problem] if problem else []
