"""The run of the stream: started, waited for, and started again while there is no file yet."""

from __future__ import annotations

import re
import time

from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from vpc_flow_logs import source
from vpc_flow_logs.failures import texts
from vpc_flow_logs.logs_path import load_path
from vpc_flow_logs.parameters import Parameters
from vpc_flow_logs.paths import scheme_of
from vpc_flow_logs.progress import say
from vpc_flow_logs.sink import Sink

# Listing a bucket costs requests, reading a queue next to none.
_INTERVAL = {"off": "1 minute", "auto-loader": "2 seconds", "queue": "2 seconds"}

NO_FILES_SECONDS = 60.0
"""How long to wait for the first file before the stream is started again."""

_SAY_EVERY = 10

_NO_SUCH_PATH = (
    "CF_PATH_DOES_NOT_EXIST",
    "CF_EMPTY_DIR",
    "PATH_NOT_FOUND",
    "FileNotFoundException",
    "No such file",
    "does not exist",
)


def run(spark: SparkSession, parameters: Parameters, sink: Sink) -> None:
    """Run the stream to its end.

    A flow log delivers its first file 10 to 15 minutes after it was made, and the job runs before that. Whether Auto
    Loader starts on a prefix of a bucket that has no object is not documented: if it does not, a continuous run waits
    and tries again, and another one is done.

    Raises:
        Exception: of Spark, when the stream fails.
    """
    tries = 0
    while True:
        try:
            _finish(_started(spark, parameters, sink))
        except Exception as error:
            if not _no_files_yet(error, parameters.vpc_logs_path):
                raise
            if parameters.trigger != "continuous":
                say(f"no files yet below {parameters.vpc_logs_path}")
                return
            if tries % _SAY_EVERY == 0:
                say(f"no files yet below {parameters.vpc_logs_path}; looking again every minute")
            tries += 1
            time.sleep(NO_FILES_SECONDS)
        else:
            return


def _started(spark: SparkSession, parameters: Parameters, sink: Sink) -> StreamingQuery:
    stream = source.files(spark, parameters).writeStream.foreachBatch(sink.write)
    stream = stream.option("checkpointLocation", parameters.checkpoint_path)
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


def _no_files_yet(error: Exception, vpc_logs_path: str) -> bool:
    """Return whether an error means that the VPC Logs Path itself, a prefix of a bucket, is not there yet.

    A bucket that does not exist is a mistake, and so is a folder; a file below the path that is gone is another matter.
    """
    path = load_path(vpc_logs_path)
    if scheme_of(path) != "s3":
        return False
    named = re.compile(re.escape(path) + r"(?:/?\*?)(?![A-Za-z0-9_*/=-])")
    lines = "\n".join(texts(error)).splitlines()
    return any(named.search(line) and any(sign in line for sign in _NO_SUCH_PATH) for line in lines)
