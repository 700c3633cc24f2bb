"""The run of the stream: started, waited for, and started again where a file is not there yet, or no longer."""

from __future__ import annotations

import time

from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from vpc_flow_logs import missing, source
from vpc_flow_logs.parameters import Parameters
from vpc_flow_logs.progress import say
from vpc_flow_logs.sink import PASSED, Sink

# Listing a bucket costs requests, reading a queue next to none.
_INTERVAL = {"off": "1 minute", "auto-loader": "2 seconds", "queue": "2 seconds"}

NO_FILES_SECONDS = 60.0
"""How long to wait for the first file before the stream is started again."""

_SAY_EVERY = 10


def run(spark: SparkSession, parameters: Parameters, sink: Sink) -> None:
    """Run the stream to its end.

    A file may be gone before it is read: by a lifecycle rule during a long pause, or because somebody moved it. Spark
    then fails the batch, and every later run fails at it again. So the batch is run once more without the files that
    are gone, the one that is known goes to the quarantine, and the stream goes on as strict as before.

    Raises:
        Exception: of Spark, when the stream fails.
    """
    waits = 0
    while True:
        lenient = bool(sink.gone)
        try:
            _finish(_started(spark, parameters, sink, ignore_missing=lenient))
            return
        except Exception as error:
            if lenient and missing.says(error, PASSED):
                sink.strict_again()
            elif not lenient and (gone := missing.gone_file(error, parameters.vpc_logs_path)):
                say(f"{gone} is gone before it was read; the run goes on without it")
                sink.gone.append(gone)
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

    A flow log delivers it 10 to 15 minutes after it was made, and the job runs before that. Whether Auto Loader starts
    on a prefix of a bucket that has no object is not documented.
    """
    if waits % _SAY_EVERY == 0:
        say(f"no files yet below {parameters.vpc_logs_path}; looking again every minute")
    time.sleep(NO_FILES_SECONDS)


def _started(spark: SparkSession, parameters: Parameters, sink: Sink, *, ignore_missing: bool) -> StreamingQuery:
    files = source.files(spark, parameters, ignore_missing=ignore_missing)
    stream = files.writeStream.foreachBatch(sink.write).option("checkpointLocation", parameters.checkpoint_path)
    if parameters.trigger == "continuous":
        stream = stream.trigger(processingTime=_INTERVAL[parameters.notifications])
    else:
        stream = stream.trigger(availableNow=True)
    return stream.start()


def _finish(query: StreamingQuery) -> None:
    try:
        query.awaitTermination()
    finally:
        query.stop()
