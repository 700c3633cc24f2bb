"""Test the prerequisites of the job: read the logs, find new files, write its checkpoint, use its table's schema."""

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

from vpc_flow_logs import folders, notification_permissions, permissions, privileges
from vpc_flow_logs.failures import CHECK_AGAIN, RunFailed, headline
from vpc_flow_logs.fields import is_known
from vpc_flow_logs.folders import NotAFolder, StorageError
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
"""Number of newest files that verify reads to report their formats."""

_HEAD = 64 * 1024


_EXTERNAL_LOCATION = (
    "If a Unity Catalog external location covers the bucket, the location applies instead of the instance profile: "
    "GRANT READ FILES on it to the principal that the job runs as. Otherwise, allow s3:ListBucket and s3:GetObject in "
    "the role's policy"
)


class NotReadable(Exception):
    """The bucket cannot be used; ``trials`` lists the missing prerequisites."""

    def __init__(self, trials: list[Trial]) -> None:
        super().__init__("; ".join(trial.text for trial in trials))
        self.trials = trials


@dataclass(frozen=True)
class PathContents:
    """The contents of the VPC Logs Path.

    Attributes:
        files: Number of files.
        bytes: Total size of the files.
        newest: Path and modification time of the newest file; None if there are no files.
        formats: The formats of the newest files, with the number of files for each.
    """

    files: int
    bytes: int
    newest: tuple[str, datetime] | None
    formats: dict[str, int]


def verify(spark: SparkSession, parameters: Parameters) -> None:
    """Print the contents of the VPC Logs Path and one line per tested prerequisite. Leave nothing behind.

    Raises:
        RunFailed: Something is missing; the text lists all of it.
    """
    trials = _granted(spark, parameters)
    trials += [
        privileges.checkpoint(spark, parameters.checkpoint_path),
        *privileges.schema(spark, parameters.table_name),
    ]
    for trial in trials:
        say(line(trial))
    if lacking := missing(trials):
        raise RunFailed(message(lacking, next_step=CHECK_AGAIN))


def also_missing(spark: SparkSession, parameters: Parameters) -> list[str]:
    """Return the missing AWS permissions, for the message about a rejected checkpoint or table."""
    trials = _granted(spark, parameters)
    for trial in trials:
        say(line(trial))
    return [f"{trial.text}. {trial.next_step}" for trial in missing(trials)]


def _granted(spark: SparkSession, parameters: Parameters) -> list[Trial]:
    """Test whether the logs can be read and new files can be found."""
    say(f"checking {printable(parameters.vpc_logs_path)}")
    return [*_logs(spark, parameters), *_notifications(parameters)]


def _logs(spark: SparkSession, parameters: Parameters) -> list[Trial]:
    """List and read files with Spark, as the job does. If that fails, ask S3 which permission is missing."""
    path = parameters.vpc_logs_path
    try:
        contents = inspect(spark, parameters)
    except NotReadable as refusal:
        return refusal.trials
    except Exception as error:  # noqa: BLE001 - each storage has its own errors
        return _access_denied(spark, parameters, headline(error))
    if contents.newest is None:
        say("readable, but no files yet; the first files arrive about 10 minutes after traffic starts")
        return []
    newest, when = contents.newest
    say(f"readable: {counted(contents.files, 'file')}, {size(contents.bytes)}")
    say(f"newest:   {printable(newest)} of {when:%Y-%m-%d %H:%M} UTC")
    for format_, files in sorted(contents.formats.items(), key=lambda item: -item[1]):
        say(f"format:   {printable(format_)} (in {files} of the {sum(contents.formats.values())} newest)")
    return [Trial("ok", "list and read", path)]


def _access_denied(spark: SparkSession, parameters: Parameters, reason: str) -> list[Trial]:
    path = parameters.vpc_logs_path
    if scheme_of(path) != "s3":
        return [Trial("missing", "list and read", path, reason, "Check --vpc-logs-path")]
    trials = _of_s3(spark, parameters)
    if missing(trials):
        return trials
    return [Trial("missing", "list and read", path, reason, _EXTERNAL_LOCATION)]


def _of_s3(spark: SparkSession, parameters: Parameters) -> list[Trial]:
    """Ask S3 which permission is missing. Without boto3, only test whether the bucket exists."""
    try:
        return permissions.logs(parameters)
    except ImportError:
        bucket = f"s3://{parts(parameters.vpc_logs_path)[0]}/"
    try:
        exists = folders.of(spark).names(bucket) is not None
    except StorageError:
        return []
    return [] if exists else [Trial("missing", "list", bucket, "the bucket does not exist", "Check --vpc-logs-path")]


def _notifications(parameters: Parameters) -> list[Trial]:
    try:
        return notification_permissions.notifications(parameters)
    except ImportError:
        action = f"permissions for --notifications {parameters.notifications}"
        return [Trial("untried", action, parameters.vpc_logs_path, permissions.NO_BOTO3)]


def inspect(spark: SparkSession, parameters: Parameters) -> PathContents:
    """List the files and determine the formats of the newest ones.

    Raises:
        FileNotFoundError: The folder does not exist.
        NotReadable: The bucket does not exist. (A prefix without files is not an error.)
        Exception: The files cannot be listed or read; the exception is Spark's, with the storage's error.
    """
    try:
        files = _files(spark, parameters.vpc_logs_path)
    except AnalysisException as error:
        if "PATH_NOT_FOUND" not in str(error):
            raise
        # The prefix has no objects yet, or the bucket or folder does not exist.
        if scheme_of(parameters.vpc_logs_path) != "s3":
            raise FileNotFoundError(f"the folder {load_path(parameters.vpc_logs_path)!r} does not exist") from None
        if lacking := missing(_of_s3(spark, parameters)):
            raise NotReadable(lacking) from None
        return PathContents(files=0, bytes=0, newest=None, formats={})
    named = files.select("path", "modificationTime", "length")
    row = named.agg(F.count(F.lit(1)).alias("files"), F.sum("length").alias("bytes")).first()
    newest = named.orderBy(F.desc("modificationTime"), F.desc("path")).limit(SAMPLE)
    sample = newest.select("path", F.unix_millis("modificationTime").alias("time")).collect()
    if row is None or not sample:
        return PathContents(files=0, bytes=0, newest=None, formats={})
    contents = spark.read.format("binaryFile").load([_not_a_glob(file.path) for file in sample]).select("content")
    formats = Counter(row.format for row in contents.mapInArrow(_formats, "format STRING").collect())
    first = sample[0]
    return PathContents(
        files=row.files,
        bytes=row.bytes,
        newest=(first.path, datetime.fromtimestamp(first.time / 1000, timezone.utc)),
        formats=dict(formats),
    )


def _files(spark: SparkSession, vpc_logs_path: str) -> DataFrame:
    reader = spark.read.format("binaryFile").option("recursiveFileLookup", "true")
    only, path = name_filter(vpc_logs_path), load_path(vpc_logs_path)
    # A folder name may look like a glob, such as `logs [prod]`. If the literal path exists, use that.
    if scheme_of(path) != "s3" and _exists(spark, path):
        path = _not_a_glob(path)
    return (reader if only is None else reader.option("pathGlobFilter", only)).load(path)


def _exists(spark: SparkSession, path: str) -> bool:
    try:
        return folders.of(spark).names(path) is not None
    except NotAFolder:
        return True


def _not_a_glob(path: str) -> str:
    """Return the path with its glob characters escaped, so that it matches only this file."""
    return re.sub(r"([*?\[\]{}\\])", r"\\\1", path)


def _formats(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        formats = [format_of_file(content.as_buffer()) for content in batch.column("content")]
        yield pa.RecordBatch.from_arrays([pa.array(formats, pa.string())], names=["format"])


def format_of_file(content: pa.Buffer) -> str:
    """Return a description of a file's format: its header, or the reason that it has none."""
    head = memoryview(content)
    if head[: len(parquet_file.MAGIC)] == parquet_file.MAGIC:
        try:
            columns = parquet_file.names(content)
        except (pa.ArrowException, OSError):
            return "unreadable Parquet file"
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
