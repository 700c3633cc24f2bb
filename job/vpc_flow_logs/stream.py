"""Run the stream. Restart it while there are no files yet, or after a file was removed before it was read."""

from __future__ import annotations

import time

from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from vpc_flow_logs import missing, source
from vpc_flow_logs.parameters import Parameters
from vpc_flow_logs.progress import say
from vpc_flow_logs.sink import PASSED, Sink

NO_FILES_SECONDS = 60.0
"""Seconds to wait for the first file before the stream is started again."""

_SAY_EVERY = 10


def run(spark: SparkSession, parameters: Parameters, sink: Sink) -> None:
    """Run the stream to its end.

    A file may be removed before it is read: by a lifecycle rule during a long pause, or by a user. Spark then fails
    the batch, and every later run fails at the same batch. Therefore the batch runs again with missing files ignored,
    the file that Spark reported gets a quarantine entry, and the stream then continues without ignoring files.

    Args:
        spark: The session.
        parameters: The parameters of the job.
        sink: Writes the micro-batches.

    Raises:
        Exception: The stream failed; the exception is Spark's.
    """
    waits = 0
    while True:
        lenient = bool(sink.missing_files)
        try:
            _finish(_started(spark, parameters, sink, ignore_missing=lenient))
            return
        except Exception as error:
            if lenient and missing.mentions(error, PASSED):
                sink.strict_again()
            elif not lenient and (path := missing.gone_file(error, parameters.vpc_logs_path)):
                say(f"{path} was removed before the job read it; the run continues without it")
                sink.missing_files.append(path)
            elif missing.no_files_yet(error, parameters.vpc_logs_path):
                if parameters.trigger != "continuous":
                    say(f"no files yet below {parameters.vpc_logs_path}")
                    return
                _wait(waits, parameters)
                waits += 1
            else:
                raise


def _wait(waits: int, parameters: Parameters) -> None:
    """Wait for the first file.

    A flow log delivers its first file 10 to 15 minutes after its creation, and the job starts before that. The
    Databricks documentation does not state whether Auto Loader starts on a prefix without objects.
    """
    if waits % _SAY_EVERY == 0:
        say(f"no files yet below {parameters.vpc_logs_path}; checking again every minute")
    time.sleep(NO_FILES_SECONDS)


def _started(spark: SparkSession, parameters: Parameters, sink: Sink, *, ignore_missing: bool) -> StreamingQuery:
    files = source.files(spark, parameters, ignore_missing=ignore_missing)
    stream = files.writeStream.foreachBatch(sink.write).option("checkpointLocation", parameters.checkpoint_path)
    if parameters.trigger == "continuous":
        stream = stream.trigger(processingTime=f"{parameters.interval_seconds} seconds")
    else:
        stream = stream.trigger(availableNow=True)
    return stream.start()


def _finish(query: StreamingQuery) -> None:
    try:
        query.awaitTermination()
    finally:
        query.stop()
