"""Entry points of the wheel.

`ingest` loads files, `verify` checks the prerequisites, `maintain` keeps the tables small, and `probe` tests the
runtime.

Databricks calls these without arguments. The ``run_`` functions take the arguments and the session.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from datetime import datetime, timezone

from pyspark.sql import SparkSession

from vpc_flow_logs import (
    binding,
    checkpoint,
    folders,
    missing,
    probe_run,
    run,
    spark_settings,
    stream,
    summary,
    table,
    table_upgrade,
    verification,
)
from vpc_flow_logs.answers import create
from vpc_flow_logs.binding import Binding
from vpc_flow_logs.failures import CHECK_AGAIN, RunFailed
from vpc_flow_logs.folders import StorageError
from vpc_flow_logs.maintenance import run as maintenance_run
from vpc_flow_logs.parameters import Parameters
from vpc_flow_logs.progress import say
from vpc_flow_logs.sink import Sink
from vpc_flow_logs.usage import VERIFY_USAGE


def run_ingest(arguments: Sequence[str], *, session: run.Session) -> None:
    """Load the available files, or keep loading until stopped, depending on ``--trigger``.

    Args:
        arguments: The command-line arguments.
        session: Returns the Spark session; called only when Spark is needed.

    Raises:
        ParameterError: The parameters are invalid or rejected; nothing was created.
        RunFailed: The run failed.
    """
    run.run(arguments, session=session, work=_ingest)


def run_verify(arguments: Sequence[str], *, session: run.Session) -> None:
    """Print the contents of the VPC Logs Path and the missing prerequisites of the job. Leave nothing behind.

    Args:
        arguments: The command-line arguments.
        session: Returns the Spark session; called only when Spark is needed.

    Raises:
        ParameterError: The parameters are invalid or rejected.
        RunFailed: Something is missing.
    """
    run.run(
        arguments,
        session=session,
        work=verification.verify,
        next_step=CHECK_AGAIN,
        also=verification.also_missing,
        usage=VERIFY_USAGE,
    )


def run_maintain(arguments: Sequence[str], *, session: run.Session) -> None:
    """Maintain the tables: roll up, expire, purge, compact, vacuum. Print one line per step and table.

    Args:
        arguments: The command-line arguments.
        session: Returns the Spark session; called only when Spark is needed.

    Raises:
        ParameterError: The arguments are invalid or rejected; nothing was changed.
        RunFailed: A step failed.
    """
    maintenance_run.run(arguments, session=session)


def run_probe(arguments: Sequence[str], *, session: run.Session) -> None:
    """Answer the questions that only a real workspace can answer, one line of output per answer.

    Args:
        arguments: The command-line arguments.
        session: Returns the Spark session.

    Raises:
        ParameterError: The parameters of the job are malformed.
    """
    probe_run.run(arguments, session=session)


def ingest() -> None:
    """Load flow log files with the cluster's Spark session. Entry point of the wheel."""
    run_ingest(sys.argv[1:], session=_cluster_session)


def verify() -> None:
    """Check the job's prerequisites with the cluster's Spark session. Entry point of the wheel."""
    run_verify(sys.argv[1:], session=_cluster_session)


def maintain() -> None:
    """Maintain the tables with the cluster's Spark session. Entry point of the wheel."""
    run_maintain(sys.argv[1:], session=_cluster_session)


def probe() -> None:
    """Ask the cluster, the workspace and AWS about undocumented behavior. Entry point of the wheel."""
    run_probe(sys.argv[1:], session=_cluster_session)


def _cluster_session() -> SparkSession:
    return SparkSession.builder.getOrCreate()


def _ingest(spark: SparkSession, parameters: Parameters) -> None:
    started = datetime.now(timezone.utc)
    if missing.no_bucket(folders.of(spark), parameters.vpc_logs_path):
        where = f"VPC Logs Path {parameters.vpc_logs_path!r}"
        raise RunFailed(f"The run failed: the bucket of {where} does not exist.\nNothing was created. Fix the path.")
    bound = _binding(spark, parameters)
    layout = table.create(
        spark,
        table_name=parameters.table_name,
        path=parameters.delta_output_path,
        headers=parameters.headers,
        binding=bound,
    )
    table_upgrade.upgrade(spark, parameters.table_name)
    for key, value in spark_settings.writing(layout).items():
        spark.conf.set(key, value)
    if parameters.answers == "create":
        for line in create.create(spark, parameters.table_name, names=parameters.names_table):
            say(line)
    sink = Sink(spark, table_name=parameters.table_name, layout=layout, binding=bound)
    say(f"loading {parameters.vpc_logs_path} into {parameters.table_name} ({parameters.trigger})")
    stream.run(spark, parameters, sink)
    for line in summary.lines(spark, parameters, total=sink.total, batches=sink.batches, started=started):
        say(line)


def _binding(spark: SparkSession, parameters: Parameters) -> Binding:
    """Return the binding of table, checkpoint and VPC Logs Path for this run."""
    name, path, logs = parameters.table_name, parameters.delta_output_path, parameters.vpc_logs_path
    try:
        contents = checkpoint.read(folders.of(spark), parameters.checkpoint_path)
    except StorageError as error:
        say(f"note: cannot inspect the checkpoint {parameters.checkpoint_path!r}: {error}")
        known = table.known(spark, table_name=name, path=path, new=True)
        return binding.bind_unread(known, parameters.checkpoint_path, logs)
    known = table.known(spark, table_name=name, path=path, new=contents.query_id is None)
    return binding.bind(known, contents, logs, new_checkpoint=parameters.new_checkpoint, now=time.time())
