"""The entry points of the wheel: `ingest` loads flow log files into the table, `verify` checks that it could."""

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
    verification,
)
from vpc_flow_logs.binding import Binding
from vpc_flow_logs.failures import LOOK_AGAIN, RunFailed
from vpc_flow_logs.folders import CannotLook
from vpc_flow_logs.parameters import VERIFY_USAGE, Parameters
from vpc_flow_logs.progress import say
from vpc_flow_logs.sink import Sink


def run_ingest(arguments: Sequence[str], *, session: run.Session) -> None:
    """Load what is there, or go on until stopped, as the parameters say. Raises as `run.run`."""
    run.run(arguments, session=session, work=_ingest)


def run_verify(arguments: Sequence[str], *, session: run.Session) -> None:
    """Print what the VPC Logs Path holds, and what is missing for the job. Leaves nothing. Raises as `run.run`."""
    run.run(
        arguments,
        session=session,
        work=verification.verify,
        next_step=LOOK_AGAIN,
        also=verification.also_missing,
        usage=VERIFY_USAGE,
    )


def run_probe(arguments: Sequence[str], *, session: run.Session) -> None:
    """Answer what only a real workspace can, a line of output for each question. Raises as `probe_run.run`."""
    probe_run.run(arguments, session=session)


def ingest() -> None:
    """Entry point of the wheel: load with the cluster's Spark session."""
    run_ingest(sys.argv[1:], session=_cluster_session)


def verify() -> None:
    """Entry point of the wheel: look at the VPC Logs Path with the cluster's Spark session."""
    run_verify(sys.argv[1:], session=_cluster_session)


def probe() -> None:
    """Entry point of the wheel: ask the cluster, the workspace and AWS what nobody documents."""
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
    for key, value in spark_settings.writing(layout).items():
        spark.conf.set(key, value)
    sink = Sink(spark, table_name=parameters.table_name, layout=layout, binding=bound)
    say(f"loading {parameters.vpc_logs_path} into {parameters.table_name} ({parameters.trigger})")
    stream.run(spark, parameters, sink)
    for line in summary.lines(spark, parameters, total=sink.total, batches=sink.batches, started=started):
        say(line)


def _binding(spark: SparkSession, parameters: Parameters) -> Binding:
    """Return the bond of table, checkpoint and VPC Logs Path that this run works under."""
    name, path, logs = parameters.table_name, parameters.delta_output_path, parameters.vpc_logs_path
    try:
        found = checkpoint.read(folders.of(spark), parameters.checkpoint_path)
    except CannotLook as error:
        say(f"note: the checkpoint {parameters.checkpoint_path!r} cannot be looked at: {error}")
        known = table.known(spark, table_name=name, path=path, new=True)
        return binding.bind_unread(known, parameters.checkpoint_path, logs)
    known = table.known(spark, table_name=name, path=path, new=found.query_id is None)
    return binding.bind(known, found, logs, new_checkpoint=parameters.new_checkpoint, now=time.time())
