"""The entry points of the wheel: `ingest` loads flow log files into the table, `verify` looks whether it could."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from pyspark.sql import SparkSession

from vpc_flow_logs import checkpoint, settings, source, start, table, verification
from vpc_flow_logs import probe as probing
from vpc_flow_logs.failures import LOOK_AGAIN
from vpc_flow_logs.parameters import Parameters
from vpc_flow_logs.paths import quarantine_path
from vpc_flow_logs.progress import counted, held, say
from vpc_flow_logs.sink import Sink

# Listing a bucket costs requests, reading a queue next to none.
_INTERVAL = {"off": "1 minute", "auto-loader": "2 seconds", "queue": "2 seconds"}


def run_ingest(arguments: Sequence[str], *, session: start.Session) -> None:
    """Load what is there, or go on for ever, as the parameters say. Raises as `start.run`."""
    start.run(arguments, session=session, work=_ingest)


def run_verify(arguments: Sequence[str], *, session: start.Session) -> None:
    """Say what the VPC Logs Path holds, or what is missing to read it. Creates nothing. Raises as `start.run`."""
    look = verification.also_missing
    start.run(arguments, session=session, work=verification.verify, next_step=LOOK_AGAIN, also=look)


def run_probe(arguments: Sequence[str], *, session: start.Session) -> None:
    """Answer what only a real workspace can, a line of output for each question. Raises as `probe.run`."""
    probing.run(arguments, session=session)


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
    checkpoint.claim(spark, parameters.checkpoint_path, parameters.vpc_logs_path)
    layout = table.create(
        spark, table_name=parameters.table_name, path=parameters.delta_output_path, headers=parameters.headers
    )
    for key, value in settings.writing(layout).items():
        spark.conf.set(key, value)
    sink = Sink(spark, table_name=parameters.table_name, layout=layout)
    say(f"loading {parameters.vpc_logs_path} into {parameters.table_name} ({parameters.trigger})")
    stream = source.files(spark, parameters).writeStream.foreachBatch(sink.write)
    stream = stream.option("checkpointLocation", parameters.checkpoint_path)
    if parameters.trigger == "continuous":
        stream = stream.trigger(processingTime=_INTERVAL[parameters.notifications])
    else:
        stream = stream.trigger(availableNow=True)
    query = stream.start()
    sink.query_id.set_result(query.id)
    try:
        query.awaitTermination()
    finally:
        query.stop()
    say(f"done: {counted(sink.batches, 'batch')}, {held(sink.total)}".replace("batchs", "batches"))
    say(f"records:    table {parameters.table_name}{_at(parameters.delta_output_path)}")
    name, path = table.quarantine_name(parameters.table_name), quarantine_path(parameters.delta_output_path)
    say(f"quarantine: table {name}{_at(path)}")


def _at(path: str) -> str:
    return f" at {path}" if path else ""
