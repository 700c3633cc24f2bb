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

from local.cloud_files.content import batches
from local.cloud_files.error import CloudFilesError
from local.cloud_files.intake import Intake
from local.cloud_files.options import Options
from local.cloud_files.partitions import pack
from local.cloud_files.ways import Ways

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

    Rows are those of Spark's ``binaryFile``: path, modificationTime, length, content. Each path is read exactly once,
    whatever is restarted, killed, or switched between listing and notifications; a file that changes later is not read
    again. Folders are read recursively. A path ``s3://bucket/prefix`` is read with what boto3 finds in the environment
    of the process that starts Spark: ``AWS_ACCESS_KEY_ID`` and its like, ``AWS_ENDPOINT_URL``, ``AWS_CA_BUNDLE``. What
    a stream makes in AWS (``cloudFiles.useNotifications``) stays when it ends, as with Auto Loader.
    Under pyspark 4.1 a micro-batch holds all new files, whatever ``cloudFiles.maxFilesPerTrigger`` says, and an
    ``availableNow`` run is one micro-batch: after a crash the unfinished one, new files come with the next run.

    Args:
        spark: the session; one stream at a time can use what is registered.
        state: the folder for the list of files and the stream's id, inside the stream's checkpoint: they belong
            together, and what the stream makes in AWS is tagged with the folder around it as its checkpoint.
        empty_prefix: ``waits`` or ``raises``, see :class:`local.cloud_files.ways.Ways`; None: what the environment
            variable ``CLOUD_FILES_EMPTY_PREFIX`` has, or ``waits``.
        notification_filter: ``raw`` or ``encoded``, as above; None: what ``CLOUD_FILES_NOTIFICATION_FILTER`` has, or
            ``raw``.

    Raises:
        CloudFilesError: a choice is not one of those allowed.

    Example:
        >>> register(spark, state=checkpoint / "cloud_files")
        >>> spark.readStream.format("cloudFiles").option("cloudFiles.format", "binaryFile").load("/data/AWSLogs")
    """
    # Spark pickles the class and makes the instances itself, in other processes. A class found in a module is pickled
    # as its name, and what is set on it here would not arrive; one that no module knows is pickled with its contents.
    # So the folder needs no option, and the job sets none but Auto Loader's own.
    bound = type(
        "BoundCloudFiles",
        (CloudFiles,),
        {
            "state": str(state.absolute()),
            "cores": spark.sparkContext.defaultParallelism,
            "ways": Ways.chosen(empty_prefix=empty_prefix, notification_filter=notification_filter),
        },
    )
    spark.dataSource.register(bound)


def register_for(spark: SparkSession, *, checkpoint: str) -> None:
    """Do what `register` does, for the stream of one checkpoint, before anything starts it.

    A run that has the job's code from elsewhere, such as its wheel, calls this first, in the session that the job will
    find as the active one.

    Args:
        spark: the session.
        checkpoint: the stream's checkpoint, a folder of this machine or its ``file:`` URI.

    Raises:
        CloudFilesError: when the checkpoint is somewhere else.
    """
    path = "/" + checkpoint.removeprefix("file:").lstrip("/") if checkpoint.startswith("file:") else checkpoint
    if not path.startswith("/"):
        raise CloudFilesError(f"checkpoint {checkpoint!r}: not on this machine; take /folder or file:/folder")
    register(spark, state=Path(path) / "cloud_files")


class CloudFiles(DataSource):
    """Auto Loader's stand-in; see `register`."""

    state: ClassVar[str]
    cores: ClassVar[int]
    ways: ClassVar[Ways]

    @classmethod
    def name(cls) -> str:
        """Return the name of the format."""
        return "cloudFiles"

    def schema(self) -> StructType:
        """Check the options and return the columns."""
        Options.parse(self.options)
        return SCHEMA

    def streamReader(self, schema: StructType) -> DataSourceStreamReader:
        """Return the reader; it opens nothing yet, because Spark creates readers that it never uses."""
        if schema.simpleString() != SCHEMA.simpleString():
            raise CloudFilesError(
                f"schema {schema.simpleString()}: with binaryFile it is always {SCHEMA.simpleString()}"
            )
        return Reader(Options.parse(self.options), state=Path(self.state), cores=self.cores, ways=self.ways)


@dataclass
class Files(InputPartition):
    """The files of one task."""

    paths: list[str]
    region: str | None
    ignore_missing: bool


class _Stream(DataSourceStreamReader):
    """The part that all versions of Spark share. An offset is ``{"files": number of files in the log}``."""

    def __init__(self, options: Options, *, state: Path, cores: int, ways: Ways) -> None:
        self._options = options
        self._state = state
        self._cores = cores
        self._ways = ways
        self._opened: Intake | None = None

    @property
    def _intake(self) -> Intake:
        # Opened late: only the process that Spark keeps for the stream's offsets may hold the log's lock, and the
        # reader that Spark pickles into its tasks has to come without open files.
        if self._opened is None:
            self._opened = Intake.open(self._options, state=self._state, ways=self._ways)
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
        """The reader for pyspark 4.1, where Spark asks for everything there is."""

        def latestOffset(self) -> dict[str, int]:  # type: ignore[override]
            return {"files": self._intake.latest()}
