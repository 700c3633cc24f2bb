"""The size of Delta tables on disk, and the tables for the benchmark."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import SparkSession

from vpc_flow_logs import spark_settings, table
from vpc_flow_logs.binding import Binding
from vpc_flow_logs.fields import DEFAULT_FORMAT
from vpc_flow_logs.parser.layout import Layout
from vpc_flow_logs.sql import literal, quoted


@dataclass(frozen=True)
class Footprint:
    """The files of a table.

    Attributes:
        files: Number of data files of the newest version.
        bytes: Their size.
        log_files: Number of files in the transaction log.
        log_bytes: Their size.
    """

    files: int
    bytes: int
    log_files: int
    log_bytes: int


def footprint(spark: SparkSession, name: str, folder: Path) -> Footprint:
    """Return the size of a table in a folder."""
    detail = table.delta_detail(spark, quoted(name))
    assert detail is not None
    log = [path.stat().st_size for path in (folder / "_delta_log").rglob("*") if path.is_file()]
    return Footprint(files=detail.numFiles, bytes=detail.sizeInBytes, log_files=len(log), log_bytes=sum(log))


def binding(folder: Path) -> Binding:
    """Return the binding of a table with a first batch, so that the sink does not look for a checkpoint."""
    stream = f"bench-{folder.name}"
    return Binding(stream_id=stream, checkpoint=f"{folder}_checkpoint", logs_path=str(folder), query_id=stream)


def create(spark: SparkSession, name: str, folder: Path) -> Layout:
    """Create the tables of the job, and set the job's Spark settings."""
    for path in (folder, Path(f"{folder}_quarantine"), Path(f"{folder}_hourly")):
        shutil.rmtree(path, ignore_errors=True)
    layout = table.create(spark, table_name=name, path=str(folder), headers=DEFAULT_FORMAT, binding=binding(folder))
    for key, value in {**spark_settings.READING, **spark_settings.writing(layout)}.items():
        spark.conf.set(key, value)
    return layout


def copy(spark: SparkSession, folder: Path, *, name: str, target: Path) -> None:
    """Copy the records table and its quarantine table, with their history, and register the copies."""
    for suffix in ("", "_quarantine"):
        source, to = Path(f"{folder}{suffix}"), Path(f"{target}{suffix}")
        shutil.rmtree(to, ignore_errors=True)
        shutil.copytree(source, to)
        spark.sql(f"CREATE TABLE {quoted(name + suffix)} USING DELTA LOCATION {literal(str(to))}")
