"""What a checkpoint folder holds, read by Spark itself, which reaches every place a checkpoint can be in.

Spark keeps ``metadata`` (the ID of the streaming query), ``offsets/N`` (batch N is planned) and ``commits/N`` (batch N
is done) there. Version 0.1.0 of this job added a file that names the VPC Logs Path.
Source: https://spark.apache.org/docs/latest/streaming/apis-on-dataframes-and-datasets.html
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession

from vpc_flow_logs.folders import Folders, NotAFolder

LOGS_PATH_FILE = "vpc_logs_path"
"""Name of the file by which version 0.1.0 bound a checkpoint to its VPC Logs Path."""


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint folder.

    Attributes:
        path: The folder.
        query_id: ID of the streaming query that it belongs to; None when no query has used it yet.
        planned: Number of the last batch that was planned; None when there is none.
        logs_path: The VPC Logs Path that version 0.1.0 wrote there.
    """

    path: str
    query_id: str | None = None
    planned: int | None = None
    logs_path: str | None = None


def read(spark: SparkSession, path: str) -> Checkpoint:
    """Read what the folder holds; a folder that does not exist holds nothing.

    Raises:
        Exception: of Spark, with the storage's words, when the folder cannot be read.
    """
    metadata = _text(spark, f"{path}/metadata")
    return Checkpoint(
        path=path,
        query_id=_query_id(metadata),
        planned=None if metadata is None else _last_number(spark, f"{path}/offsets"),
        logs_path=_text(spark, f"{path}/{LOGS_PATH_FILE}"),
    )


def folder_problem(folders: Folders, checkpoint: Checkpoint) -> str | None:
    """Return why a folder that no query has used cannot become a checkpoint, or None.

    Raises:
        CannotLook: nothing here can look into it.
    """
    try:
        names = folders.names(checkpoint.path)
    except NotAFolder:
        return f"{checkpoint.path!r} is a file; name a folder"
    unused = checkpoint.query_id is None and checkpoint.logs_path is None
    if unused and any(not name.startswith(".") for name in names or []):
        return f"{checkpoint.path!r} is not empty and not a checkpoint of this job; name a new folder"
    return None


def _text(spark: SparkSession, file: str) -> str | None:
    try:
        lines = spark.read.text(file, wholetext=True).collect()
    except AnalysisException as error:
        if error.getCondition() == "PATH_NOT_FOUND":
            return None
        raise
    return "".join(line.value for line in lines).strip() or None


def _query_id(metadata: str | None) -> str | None:
    try:
        values = json.loads(metadata or "null")
    except ValueError:
        return None
    found = values.get("id") if isinstance(values, dict) else None
    return found if isinstance(found, str) else None


def _last_number(spark: SparkSession, folder: str) -> int | None:
    try:
        files = spark.read.format("binaryFile").load(folder).select("path").collect()
    except AnalysisException as error:
        if error.getCondition() == "PATH_NOT_FOUND":
            return None
        raise
    names = (file.path.rstrip("/").rpartition("/")[2] for file in files)
    return max((int(name) for name in names if name.isdigit()), default=None)
