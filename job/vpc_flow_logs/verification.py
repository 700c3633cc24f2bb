"""Whether the VPC Logs Path can be read from here, and what is in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone

import pyarrow as pa
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from vpc_flow_logs import folders, parquet_file
from vpc_flow_logs.careful import header_names, tokens_of
from vpc_flow_logs.decompress import Damaged, text_blocks
from vpc_flow_logs.lines import BYTE_ORDER_MARK
from vpc_flow_logs.logs_path import load_path, name_filter
from vpc_flow_logs.parameters import Parameters
from vpc_flow_logs.paths import parts, scheme_of
from vpc_flow_logs.progress import counted, say, size

SAMPLE = 5
"""Newest files whose format is looked at."""

_HEAD = 64 * 1024


@dataclass(frozen=True)
class Found:
    """What the VPC Logs Path holds: files, their bytes, the newest one, and the formats of a sample with counts."""

    files: int
    bytes: int
    newest: tuple[str, datetime] | None
    formats: dict[str, int]


def verify(spark: SparkSession, parameters: Parameters) -> None:
    """Say what the VPC Logs Path holds. Raises whatever the storage says when it may not be listed or read."""
    say(f"looking at {parameters.vpc_logs_path}")
    found = look(spark, parameters.vpc_logs_path)
    if found.newest is None:
        say("readable, and no files yet: the first ones come about 10 minutes after there is traffic")
        return
    path, when = found.newest
    say(f"readable: {counted(found.files, 'file')}, {size(found.bytes)}")
    say(f"newest:   {path} of {when:%Y-%m-%d %H:%M} UTC")
    for format_, files in sorted(found.formats.items(), key=lambda item: -item[1]):
        say(f"format:   {format_} (in {files} of the {sum(found.formats.values())} newest)")


def look(spark: SparkSession, vpc_logs_path: str) -> Found:
    """List the files and look at the formats of the newest.

    Raises:
        FileNotFoundError: there is no such folder (an S3 prefix without files is no error).
        Exception: of py4j or Spark, with the storage's words, when it may not be listed or read.
    """
    try:
        files = _files(spark, vpc_logs_path)
    except AnalysisException as error:
        if "PATH_NOT_FOUND" not in str(error):
            raise
        _look_at_root(spark, vpc_logs_path)
        return Found(files=0, bytes=0, newest=None, formats={})
    named = files.select("path", "modificationTime", "length")
    row = named.agg(F.count(F.lit(1)).alias("files"), F.sum("length").alias("bytes")).first()
    newest = named.orderBy(F.desc("modificationTime"), F.desc("path")).limit(SAMPLE)
    sample = newest.select("path", F.unix_millis("modificationTime").alias("time")).collect()
    if row is None or not sample:
        return Found(files=0, bytes=0, newest=None, formats={})
    contents = spark.read.format("binaryFile").load([found.path for found in sample]).select("content")
    formats = Counter(found.format for found in contents.mapInArrow(_formats, "format STRING").collect())
    first = sample[0]
    return Found(
        files=row.files,
        bytes=row.bytes,
        newest=(first.path, datetime.fromtimestamp(first.time / 1000, timezone.utc)),
        formats=dict(formats),
    )


def _files(spark: SparkSession, vpc_logs_path: str) -> DataFrame:
    reader = spark.read.format("binaryFile").option("recursiveFileLookup", "true")
    only = name_filter(vpc_logs_path)
    return (reader if only is None else reader.option("pathGlobFilter", only)).load(load_path(vpc_logs_path))


def _look_at_root(spark: SparkSession, vpc_logs_path: str) -> None:
    """Tell a prefix that nothing was written to yet from a bucket or folder that is not there."""
    if scheme_of(vpc_logs_path) == "s3":
        folders.of(spark).names(f"s3://{parts(vpc_logs_path)[0]}/")
        return
    raise FileNotFoundError(f"there is no folder {load_path(vpc_logs_path)!r}")


def _formats(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        told = [format_of_file(content.as_buffer()) for content in batch.column("content")]
        yield pa.RecordBatch.from_arrays([pa.array(told, pa.string())], names=["format"])


def format_of_file(content: pa.Buffer) -> str:
    """The format of a file in words: its header, or what is there instead."""
    head = memoryview(content)
    if head[: len(parquet_file.MAGIC)] == parquet_file.MAGIC:
        try:
            return "Parquet: " + " ".join(parquet_file.names(content))
        except (pa.ArrowException, OSError):
            return "Parquet that cannot be read"
    try:
        text = next(text_blocks(head, size=_HEAD), b"").removeprefix(BYTE_ORDER_MARK)
    except Damaged as damage:
        return str(damage)
    lines = [tokens_of(line.removesuffix(b"\r")) for line in text.split(b"\n")]
    first = next(filter(None, lines), None)
    if first is None:
        return "empty"
    names = header_names(first)
    return f"no header line, {len(first)} fields" if names is None else " ".join(names)
