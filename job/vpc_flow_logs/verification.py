"""Try everything that the job will need: read the logs, learn of new files, write its checkpoint and its table."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone

import pyarrow as pa
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from vpc_flow_logs import folders, notification_rights, privileges, rights
from vpc_flow_logs.failures import LOOK_AGAIN, RunFailed, telling_line
from vpc_flow_logs.fields import is_known
from vpc_flow_logs.folders import CannotLook, NotAFolder
from vpc_flow_logs.logs_path import load_path, name_filter
from vpc_flow_logs.parameters import Parameters
from vpc_flow_logs.parser import parquet_file
from vpc_flow_logs.parser.decompress import Damaged, text_blocks
from vpc_flow_logs.parser.line_by_line import header_names, tokens_of
from vpc_flow_logs.parser.lines import BYTE_ORDER_MARK
from vpc_flow_logs.paths import parts, scheme_of
from vpc_flow_logs.progress import counted, say, size
from vpc_flow_logs.trial import Trial, line, message, missing, printable

SAMPLE = 5
"""Newest files whose format is looked at."""

_HEAD = 64 * 1024


_EXTERNAL_LOCATION = (
    "If an external location of Unity Catalog covers the bucket, it decides, and not the instance profile: GRANT READ "
    "FILES on it to the principal that the job runs as. Else allow s3:ListBucket and s3:GetObject to the role"
)


class NotReadable(Exception):
    """The bucket cannot be used; ``trials`` say what is missing."""

    def __init__(self, trials: list[Trial]) -> None:
        super().__init__("; ".join(trial.text for trial in trials))
        self.trials = trials


@dataclass(frozen=True)
class Found:
    """What the VPC Logs Path holds: files, their bytes, the newest one, and the formats of a sample with counts."""

    files: int
    bytes: int
    newest: tuple[str, datetime] | None
    formats: dict[str, int]


def verify(spark: SparkSession, parameters: Parameters) -> None:
    """Print what the VPC Logs Path holds, and a line for each thing that was tried. Leaves nothing behind.

    Raises:
        RunFailed: something is missing; the text names all of it.
    """
    trials = _granted(spark, parameters)
    trials += [
        privileges.checkpoint(spark, parameters.checkpoint_path),
        *privileges.schema(spark, parameters.table_name),
    ]
    for trial in trials:
        say(line(trial))
    if lacking := missing(trials):
        raise RunFailed(message(lacking, next_step=LOOK_AGAIN))


def also_missing(spark: SparkSession, parameters: Parameters) -> list[str]:
    """Return what of AWS is missing, where the parameters are refused for the checkpoint or the table."""
    trials = _granted(spark, parameters)
    for trial in trials:
        say(line(trial))
    return [f"{trial.text}. {trial.next_step}" for trial in missing(trials)]


def _granted(spark: SparkSession, parameters: Parameters) -> list[Trial]:
    """Try to read the logs and to learn of new files."""
    say(f"looking at {printable(parameters.vpc_logs_path)}")
    return [*_logs(spark, parameters), *_notifications(parameters)]


def _logs(spark: SparkSession, parameters: Parameters) -> list[Trial]:
    """List and read as the job does, by Spark; where Spark is refused, ask S3 which right is missing."""
    path = parameters.vpc_logs_path
    try:
        found = look(spark, parameters)
    except NotReadable as refusal:
        return refusal.trials
    except Exception as error:  # noqa: BLE001 - each storage has errors of its own
        return _refused(spark, parameters, telling_line(error))
    if found.newest is None:
        say("readable, and no files yet: the first ones come about 10 minutes after there is traffic")
        return []
    newest, when = found.newest
    say(f"readable: {counted(found.files, 'file')}, {size(found.bytes)}")
    say(f"newest:   {printable(newest)} of {when:%Y-%m-%d %H:%M} UTC")
    for format_, files in sorted(found.formats.items(), key=lambda item: -item[1]):
        say(f"format:   {printable(format_)} (in {files} of the {sum(found.formats.values())} newest)")
    return [Trial("ok", "list and read", path)]


def _refused(spark: SparkSession, parameters: Parameters, words: str) -> list[Trial]:
    path = parameters.vpc_logs_path
    if scheme_of(path) != "s3":
        return [Trial("missing", "list and read", path, words, "Check --vpc-logs-path")]
    trials = _of_s3(spark, parameters)
    if missing(trials):
        return trials
    return [Trial("missing", "list and read", path, words, _EXTERNAL_LOCATION)]


def _of_s3(spark: SparkSession, parameters: Parameters) -> list[Trial]:
    """Ask S3 itself, or, where boto3 is not installed, whatever looks at folders here."""
    try:
        return rights.logs(parameters)
    except ImportError:
        bucket = f"s3://{parts(parameters.vpc_logs_path)[0]}/"
    try:
        there = folders.of(spark).names(bucket) is not None
    except CannotLook:
        return []
    return [] if there else [Trial("missing", "list", bucket, "there is no such bucket", "Check --vpc-logs-path")]


def _notifications(parameters: Parameters) -> list[Trial]:
    try:
        return notification_rights.notifications(parameters)
    except ImportError:
        what = f"rights for --notifications {parameters.notifications}"
        return [Trial("untried", what, parameters.vpc_logs_path, rights.NO_BOTO3)]


def look(spark: SparkSession, parameters: Parameters) -> Found:
    """List the files and look at the formats of the newest.

    Raises:
        FileNotFoundError: there is no such folder.
        NotReadable: there is no such bucket (a prefix without files is no error).
        Exception: of Spark, with the storage's words, when it may not be listed or read.
    """
    try:
        files = _files(spark, parameters.vpc_logs_path)
    except AnalysisException as error:
        if "PATH_NOT_FOUND" not in str(error):
            raise
        # A prefix that nothing was written to yet, or a bucket or folder that does not exist.
        if scheme_of(parameters.vpc_logs_path) != "s3":
            raise FileNotFoundError(f"there is no folder {load_path(parameters.vpc_logs_path)!r}") from None
        if lacking := missing(_of_s3(spark, parameters)):
            raise NotReadable(lacking) from None
        return Found(files=0, bytes=0, newest=None, formats={})
    named = files.select("path", "modificationTime", "length")
    row = named.agg(F.count(F.lit(1)).alias("files"), F.sum("length").alias("bytes")).first()
    newest = named.orderBy(F.desc("modificationTime"), F.desc("path")).limit(SAMPLE)
    sample = newest.select("path", F.unix_millis("modificationTime").alias("time")).collect()
    if row is None or not sample:
        return Found(files=0, bytes=0, newest=None, formats={})
    contents = spark.read.format("binaryFile").load([_not_a_glob(found.path) for found in sample]).select("content")
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
    only, path = name_filter(vpc_logs_path), load_path(vpc_logs_path)
    # A folder may be called `logs [prod]`: what exists under its literal name is meant.
    if scheme_of(path) != "s3" and _exists(spark, path):
        path = _not_a_glob(path)
    return (reader if only is None else reader.option("pathGlobFilter", only)).load(path)


def _exists(spark: SparkSession, path: str) -> bool:
    try:
        return folders.of(spark).names(path) is not None
    except NotAFolder:
        return True


def _not_a_glob(path: str) -> str:
    """Return a path that means this one file, whatever characters its name has."""
    return re.sub(r"([*?\[\]{}\\])", r"\\\1", path)


def _formats(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        told = [format_of_file(content.as_buffer()) for content in batch.column("content")]
        yield pa.RecordBatch.from_arrays([pa.array(told, pa.string())], names=["format"])


def format_of_file(content: pa.Buffer) -> str:
    """The format of a file in words: its header, or what is there instead."""
    head = memoryview(content)
    if head[: len(parquet_file.MAGIC)] == parquet_file.MAGIC:
        try:
            columns = parquet_file.names(content)
        except (pa.ArrowException, OSError):
            return "Parquet that cannot be read"
        kind = "Parquet" if any(map(is_known, columns)) else "Parquet without a field that AWS documents"
        return f"{kind}: {' '.join(columns)}"
    try:
        text = next(text_blocks(head, size=_HEAD), b"").removeprefix(BYTE_ORDER_MARK)
    except Damaged as damage:
        return str(damage)
    lines = [tokens_of(line.removesuffix(b"\r")) for line in text.split(b"\n")]
    first = next(filter(None, lines), None)
    if first is None:
        return "empty"
    names = header_names(first)
    return f"no header line, {counted(len(first), 'field')}" if names is None else " ".join(names)
