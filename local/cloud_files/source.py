"""The Spark side: a Python data source called ``cloudFiles``.

Source: https://spark.apache.org/docs/latest/api/python/tutorial/sql/python_data_source.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pyspark.sql.datasource import DataSource, DataSourceStreamReader, InputPartition
from pyspark.sql.types import BinaryType, LongType, StringType, StructType, TimestampType

from local.cloud_files.behavior import Behavior
from local.cloud_files.content import batches
from local.cloud_files.error import CloudFilesError
from local.cloud_files.intake import Intake
from local.cloud_files.options import Options
from local.cloud_files.partitions import pack

if TYPE_CHECKING:
    from pyarrow import RecordBatch
    from pyspark.sql import SparkSession

try:
    from pyspark.sql.streaming.datasource import (
        ReadAllAvailable,
        ReadLimit,
        ReadMaxFiles,
        SupportsTriggerAvailableNow,
    )
except ImportError:  # pyspark 4.1, the Spark of DBR 18 LTS, cannot limit a micro-batch
    _HAS_LIMITS = False
else:
    _HAS_LIMITS = True


SCHEMA = (
    StructType()
    .add("path", StringType())
    .add("modificationTime", TimestampType())
    .add("length", LongType())
    .add("content", BinaryType())
)
"""The columns of Spark's ``binaryFile``."""


def register(
    spark: SparkSession, *, state: Path, empty_prefix: str | None = None, notification_filter: str | None = None
) -> None:
    """Make ``spark.readStream.format("cloudFiles")`` work in a local session.

    The columns are those of Spark's ``binaryFile``: path, modificationTime, length, content. Each path is read exactly
    once, even after a restart, a kill, or a switch between listing and notifications. A file that changes later is not
    read again. Folders are read recursively.

    For a path ``s3://bucket/prefix``, boto3 takes credentials and endpoint from the environment of the process that
    starts Spark: ``AWS_ACCESS_KEY_ID`` and related variables, ``AWS_ENDPOINT_URL``, ``AWS_CA_BUNDLE``. The AWS
    resources that a stream creates (``cloudFiles.useNotifications``) remain when the stream ends, as in Auto Loader.

    Under pyspark 4.1, a micro-batch holds all new files regardless of ``cloudFiles.maxFilesPerTrigger``, and an
    ``availableNow`` run is one micro-batch. After a crash, this is the unfinished micro-batch; the next run reads new
    files.

    Args:
        spark: the session; one stream at a time can use the registered source.
        state: the folder for the list of files and the stream's ID. It must be in the stream's checkpoint, because
            they belong together; the stream's AWS resources are tagged with its parent folder as the checkpoint.
        empty_prefix: ``waits`` or ``raises``, see :class:`local.cloud_files.behavior.Behavior`; None for the value of
            the environment variable ``CLOUD_FILES_EMPTY_PREFIX``, or ``waits``.
        notification_filter: ``raw`` or ``encoded``, as above; None for the value of the environment variable
            ``CLOUD_FILES_NOTIFICATION_FILTER``, or ``raw``.

    Raises:
        CloudFilesError: a value is not allowed.

    Example::

        register(spark, state=checkpoint / "cloud_files")
        spark.readStream.format("cloudFiles").option("cloudFiles.format", "binaryFile").load("/data/AWSLogs")
    """
    # Spark pickles the class and creates the instances in other processes. A class of a module is pickled by name, and
    # the attributes set here would be lost. A class that no module contains is pickled with its attributes. The folder
    # therefore needs no extra option, and the job sets only options of Auto Loader.
    bound = type(
        "BoundCloudFiles",
        (CloudFiles,),
        {
            "state": str(state.absolute()),
            "cores": spark.sparkContext.defaultParallelism,
            "behavior": Behavior.chosen(empty_prefix=empty_prefix, notification_filter=notification_filter),
        },
    )
    spark.dataSource.register(bound)


def register_for(spark: SparkSession, *, checkpoint: str) -> None:
    """Call `register` for the stream of one checkpoint, before the stream starts.

    A run that installs the job's code from elsewhere, such as from a wheel, calls this first, in the session that is
    active when the job starts.

    Args:
        spark: the session.
        checkpoint: the stream's checkpoint, a folder on this machine or its ``file:`` URI.

    Raises:
        CloudFilesError: the checkpoint is not on this machine.
    """
    path = "/" + checkpoint.removeprefix("file:").lstrip("/") if checkpoint.startswith("file:") else checkpoint
    if not path.startswith("/"):
        raise CloudFilesError(f"checkpoint {checkpoint!r}: not on this machine; use /folder or file:/folder")
    register(spark, state=Path(path) / "cloud_files")


class CloudFiles(DataSource):
    """Auto Loader's stand-in; see `register`."""

    state: ClassVar[str]
    cores: ClassVar[int]
    behavior: ClassVar[Behavior]

    @classmethod
    def name(cls) -> str:
        """Return the name of the format."""
        return "cloudFiles"

    def schema(self) -> StructType:
        """Check the options and return the columns."""
        Options.parse(self.options)
        return SCHEMA

    def streamReader(self, schema: StructType) -> DataSourceStreamReader:
        """Return the reader. It does not open anything yet, because Spark creates readers that it never uses."""
        if schema.simpleString() != SCHEMA.simpleString():
            raise CloudFilesError(f"schema {schema.simpleString()}: must be {SCHEMA.simpleString()} for binaryFile")
        return Reader(Options.parse(self.options), state=Path(self.state), cores=self.cores, behavior=self.behavior)


@dataclass
class Files(InputPartition):
    """The files of one task."""

    paths: list[str]
    region: str | None
    ignore_missing: bool


class _Stream(DataSourceStreamReader):
    """The reader's part for all versions of Spark. An offset is ``{"files": number of files in the log}``."""

    def __init__(self, options: Options, *, state: Path, cores: int, behavior: Behavior) -> None:
        self._options = options
        self._state = state
        self._cores = cores
        self._behavior = behavior
        self._opened: Intake | None = None

    @property
    def _intake(self) -> Intake:
        # Opened late: only the process that Spark keeps for the stream's offsets may hold the log's lock, and Spark
        # cannot pickle a reader with open files into its tasks.
        if self._opened is None:
            self._opened = Intake.open(self._options, state=self._state, behavior=self._behavior)
        return self._opened

    def initialOffset(self) -> dict[str, int]:
        return {"files": self._intake.first}

    def partitions(self, start: dict[str, int], end: dict[str, int]) -> Sequence[InputPartition]:
        packed = pack(self._intake.files(start["files"], end["files"]), cores=self._cores)
        region, ignore_missing = self._options.region, self._options.ignore_missing
        return [Files([file.path for file in files], region, ignore_missing) for files in packed]

    def commit(self, end: dict[str, int]) -> None:
        self._intake.committed(end["files"])

    def read(self, partition: InputPartition) -> Iterator[RecordBatch]:
        assert isinstance(partition, Files)
        return batches(partition.paths, region=partition.region, ignore_missing=partition.ignore_missing)


if _HAS_LIMITS:

    class Reader(_Stream, SupportsTriggerAvailableNow):
        """The reader for pyspark 4.2, where a micro-batch has limits under every trigger."""

        def getDefaultReadLimit(self) -> ReadLimit:
            return ReadMaxFiles(self._options.max_files)

        def latestOffset(self, start: dict[str, int], limit: ReadLimit) -> dict[str, int]:
            return {"files": self._intake.latest(None if isinstance(limit, ReadAllAvailable) else start["files"])}

        def prepareForTriggerAvailableNow(self) -> None:
            self._intake.freeze()

else:

    class Reader(_Stream):  # type: ignore[no-redef]
        """The reader for pyspark 4.1, where Spark always requests all new files."""

        def latestOffset(self) -> dict[str, int]:  # type: ignore[override]
            return {"files": self._intake.latest()}
