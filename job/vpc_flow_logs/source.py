"""The stream of delivered files: Auto Loader (`cloudFiles`), which finds new files in one of three ways.

Source of the options: https://docs.databricks.com/aws/en/ingestion/cloud-object-storage/auto-loader/options
"""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession

from vpc_flow_logs.logs_path import load_path, name_filter
from vpc_flow_logs.parameters import Parameters

FILE_SCHEMA = "path STRING, modificationTime TIMESTAMP, length BIGINT, content BINARY"
"""Schema of the binaryFile format: the columns for each file."""

BACKFILL_INTERVAL = "1 day"
"""S3 events are best effort; a listing at this interval finds files whose event was lost."""

MOST_BYTES = "1g"
"""Soft limit for the size of one micro-batch, so that a small cluster can process a backlog of months."""


def reader_options(parameters: Parameters) -> dict[str, str]:
    """Return the Auto Loader options for the parameters."""
    options = {
        "cloudFiles.format": "binaryFile",
        "cloudFiles.includeExistingFiles": "true",
        "cloudFiles.validateOptions": "true",
        # Do not turn folders such as year=2026 into columns.
        "cloudFiles.partitionColumns": "",
        "cloudFiles.maxBytesPerTrigger": MOST_BYTES,
        "recursiveFileLookup": "true",
        **_notification_options(parameters),
    }
    if parameters.max_files_per_batch is not None:
        options["cloudFiles.maxFilesPerTrigger"] = str(parameters.max_files_per_batch)
    only = name_filter(parameters.vpc_logs_path)
    return options if only is None else {**options, "pathGlobFilter": only}


def _notification_options(parameters: Parameters) -> dict[str, str]:
    if parameters.notifications == "off":
        # Since runtime 18.1, Auto Loader uses file events by default if the location has them.
        return {"cloudFiles.useNotifications": "false", "cloudFiles.useManagedFileEvents": "false"}
    options = {"cloudFiles.useNotifications": "true", "cloudFiles.backfillInterval": BACKFILL_INTERVAL}
    if parameters.queue_url is not None:
        return {**options, "cloudFiles.queueUrl": parameters.queue_url}
    # Only used to set up the topic and queue. The restriction of the topic's policy to this account needs runtime 17.2.
    setup = {"cloudFiles.restrictNotificationSetupToSameAWSAccountId": "true"}
    return {**options, **setup, "cloudFiles.region": parameters.region_name}


def files(spark: SparkSession, parameters: Parameters, *, ignore_missing: bool = False) -> DataFrame:
    """Return the stream of delivered files: path, modificationTime, length, content.

    Args:
        spark: The session.
        parameters: The parameters of the job.
        ignore_missing: Skip files that are removed before they are read, instead of failing.

    Raises:
        PySparkException: Auto Loader rejects the options or the path.
    """
    reader = spark.readStream.format("cloudFiles").options(**reader_options(parameters)).schema(FILE_SCHEMA)
    if ignore_missing:
        reader = reader.option("ignoreMissingFiles", "true")
    return reader.load(load_path(parameters.vpc_logs_path))
