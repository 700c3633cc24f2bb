"""The Checkpoint Path: it belongs to one VPC Logs Path for ever."""

from __future__ import annotations

from pyspark.sql import SparkSession

from vpc_flow_logs.logs_path import load_path
from vpc_flow_logs.paths import same
from vpc_flow_logs.storage import Folder

MARK = "vpc_logs_path"
"""Name of the file in the checkpoint that says whose it is."""


def refusals(spark: SparkSession, checkpoint_path: str, logs_path: str | None) -> list[str]:
    """Why the checkpoint cannot be used with this VPC Logs Path (None when that is not known to be good)."""
    folder = Folder(spark, checkpoint_path)
    if folder.is_file():
        return [f"{checkpoint_path!r} is a file: name a folder"]
    owner = folder.read(MARK)
    if owner is None and folder.holds(lambda name: not name.startswith(".")):
        return [f"{checkpoint_path!r} is not empty and no checkpoint of this job: name a new folder"]
    if owner is None or logs_path is None or same(owner, load_path(logs_path)):
        return []
    belongs = f"{checkpoint_path!r} is the checkpoint of the VPC Logs Path {owner!r}"
    return [f"{belongs}: give that one, or a new folder as Checkpoint Path"]


def claim(spark: SparkSession, checkpoint_path: str, logs_path: str) -> None:
    """Make the checkpoint that of this VPC Logs Path."""
    folder = Folder(spark, checkpoint_path)
    if folder.read(MARK) is None:
        folder.write(MARK, load_path(logs_path))
