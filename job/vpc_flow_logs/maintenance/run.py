"""The entry point `maintain`: check the arguments and the tables, then run the steps in order."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timezone

from pyspark.sql import SparkSession

from vpc_flow_logs import spark_settings, table
from vpc_flow_logs.failures import MAINTAIN_AGAIN, MAINTAIN_LATER, RunFailed, explained_at
from vpc_flow_logs.maintenance import services, tables
from vpc_flow_logs.maintenance.arguments import Arguments, options_of, problems_of, read
from vpc_flow_logs.maintenance.compaction import compact
from vpc_flow_logs.maintenance.expiry import expire
from vpc_flow_logs.maintenance.purge import purge
from vpc_flow_logs.maintenance.rollup import roll_up
from vpc_flow_logs.maintenance.settings import set_all
from vpc_flow_logs.maintenance.step import Outcome, line
from vpc_flow_logs.maintenance.tables import Target
from vpc_flow_logs.maintenance.vacuum import vacuum
from vpc_flow_logs.parameters import ParameterError
from vpc_flow_logs.paths import without_trailing_slash
from vpc_flow_logs.progress import say
from vpc_flow_logs.run import Session, printed
from vpc_flow_logs.usage import MAINTAIN_USAGE

UNCHANGED = "nothing was changed"


def run(arguments: Sequence[str], *, session: Session) -> None:
    """Maintain the tables. Print one line per step and table, and every rejection and failure on stderr.

    Args:
        arguments: The command-line arguments. With ``--help``, only the usage is printed.
        session: Returns the Spark session; called only if Spark is needed.

    Raises:
        ParameterError: The arguments are invalid or rejected; nothing was changed.
        RunFailed: A step failed.
    """
    if "--help" in arguments:
        print(MAINTAIN_USAGE)
        return
    with printed():
        values, problems = read(arguments)
        bad = problems_of(values)
        problems += [f"--{name}: {problem}" for name, problem in bad.items()]
        path = without_trailing_slash(values.get("delta-output-path", ""))
        try:
            # Spark takes seconds to start on a laptop, so start it only if there is something to check.
            spark = session() if "table-name" in values and not {"table-name", "delta-output-path"} & {*bad} else None
            if spark is not None:
                problems += _refusals(spark, values["table-name"], path)
            if problems or spark is None:
                raise ParameterError(problems, state=UNCHANGED)
            _maintain(spark, options_of(values))
        except (ParameterError, RunFailed):  # these already have a complete message
            raise
        except Exception as error:
            paths = {"Delta Output Path": path} if path else {}
            failure = explained_at(error, paths, next_step=MAINTAIN_AGAIN, race=MAINTAIN_LATER)
            raise RunFailed(failure) from error


def _refusals(spark: SparkSession, table_name: str, path: str) -> list[str]:
    if problem := table.use_catalog(spark, table_name):
        return [f"--table-name: {problem}"]
    return tables.refusals(spark, table_name=table_name, path=path)


def _maintain(spark: SparkSession, options: Arguments) -> None:
    started, now = time.monotonic(), datetime.now(timezone.utc)
    set_all(spark, spark_settings.MAINTAINING)
    say(f"maintaining {options.table_name}{' (dry run)' if options.dry_run else ''}")
    for outcome, seconds in _timed(_outcomes(spark, options, now=now)):
        say(line(outcome, seconds=seconds))
    done = f"{UNCHANGED}, because this is a dry run" if options.dry_run else "done"
    say(f"{done}: {time.monotonic() - started:.1f} s")


def _outcomes(spark: SparkSession, options: Arguments, *, now: datetime) -> Iterator[Outcome]:
    """Run the steps in order, and yield each outcome as soon as it is known."""
    dry_run = options.dry_run
    yield roll_up(spark, _target(spark, options), now=now, dry_run=dry_run)
    target = _target(spark, options)  # again, because the first roll-up creates its table
    yield from expire(
        spark,
        target,
        keep_days=options.keep_days,
        keep_hourly_days=options.keep_hourly_days,
        now=now,
        dry_run=dry_run,
        policies={name: services.of(spark, name).auto_ttl for name in target.tables},
    )
    yield from purge(spark, target, dry_run=dry_run)
    yield from compact(spark, target, dry_run=dry_run)
    yield from vacuum(spark, target, now=now, dry_run=dry_run)


def _target(spark: SparkSession, options: Arguments) -> Target:
    return tables.target_of(spark, table_name=options.table_name, path=options.delta_output_path)


def _timed(outcomes: Iterable[Outcome]) -> Iterator[tuple[Outcome, float]]:
    """Yield each outcome with the seconds since the previous one."""
    since = time.monotonic()
    for outcome in outcomes:
        yield outcome, time.monotonic() - since
        since = time.monotonic()
