"""The probe's questions about Spark, the runtime and the catalog."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

from vpc_flow_logs import folders, source
from vpc_flow_logs import spark_settings as job_settings
from vpc_flow_logs.answer import Answer, holds
from vpc_flow_logs.failures import headline
from vpc_flow_logs.folders import Folders, StorageError
from vpc_flow_logs.logs_path import load_path
from vpc_flow_logs.parameters import Parameters
from vpc_flow_logs.paths import parts, scheme_of
from vpc_flow_logs.privileges import scratch
from vpc_flow_logs.progress import counted
from vpc_flow_logs.sql import quoted
from vpc_flow_logs.table import use_catalog

_PACKAGES = ("pyarrow", "pandas", "delta-spark", "boto3", "botocore", "databricks-sdk", "ipython", "grpcio")
_SETTINGS = (
    "spark.sql.session.timeZone", "spark.sql.ansi.enabled", "spark.sql.catalogImplementation",
    "spark.sql.defaultCatalog", "spark.sql.execution.arrow.maxRecordsPerBatch",
    "spark.sql.execution.arrow.maxBytesPerBatch", "spark.sql.files.openCostInBytes",
    "spark.sql.parquet.compression.codec", "spark.sql.shuffle.partitions", "spark.sql.adaptive.enabled",
    "spark.databricks.delta.optimizeWrite.enabled", "spark.databricks.delta.autoCompact.enabled",
    "spark.databricks.cluster.profile", "spark.master", "spark.driver.memory", "spark.executor.memory",
    "spark.databricks.photon.enabled",
)  # fmt: skip
_TEXT = "written by the probe"
_NOT_REMOVED = (
    "Spark does not see the files that dbutils writes there, so the probe could not remove files that Spark writes"
)
_ROWS, _PARTS = 20_000, 8
_STREAM_SECONDS = 180


def versions(spark: SparkSession) -> Answer:
    """Report the versions of the runtime and of the packages."""
    facts = [
        f"Databricks Runtime {os.environ.get('DATABRICKS_RUNTIME_VERSION', 'none')}",
        f"Spark {spark.version}, session {type(spark).__module__}",
        f"Python {platform.python_version()} on {platform.machine()}",
    ]
    try:
        row = spark.sql("SELECT java_method('java.lang.System', 'getProperty', 'java.version') AS version").first()
        facts.append(f"Java {row.version if row else 'unknown'}")
    except Exception as error:  # noqa: BLE001 - reported
        facts.append(f"Java: {headline(error)}")
    for package in _PACKAGES:
        try:
            facts.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            facts.append(f"{package}: not installed")
    return Answer("versions", "seen", tuple(facts))


def entry_point() -> Answer:
    """Report the environment in which the wheel's entry point runs."""
    interpreter = "IPython" if "IPython" in sys.modules else "Python without IPython"
    facts = (interpreter, f"sys.argv[0] is {Path(sys.argv[0]).name!r}")
    return Answer("how the entry point is called", "seen", facts)


def settings(spark: SparkSession) -> Answer:
    """Report the Spark settings that matter to the job, before the job changes any."""
    return Answer("Spark's settings", "seen", tuple(f"{key} = {_setting(spark, key)}" for key in _SETTINGS))


def _setting(spark: SparkSession, key: str) -> str:
    try:
        return str(spark.conf.get(key))
    except Exception:  # noqa: BLE001 - Spark raises if a key is not set and has no default
        return "(not set)"


def own_settings(spark: SparkSession) -> Answer:
    """Test whether the job's settings can be set, and restore the previous values."""
    refused = []
    for key, value in job_settings.READING.items():
        before = spark.conf.get(key, None)
        try:
            spark.conf.set(key, value)
            if spark.conf.get(key, None) != value:
                refused.append(f"{key} is {spark.conf.get(key, None)}, not {value}")
        except Exception as error:  # noqa: BLE001 - reported
            refused.append(f"{key}: {headline(error)}")
        else:
            spark.conf.unset(key) if before is None else spark.conf.set(key, before)
    return holds("the job's Spark settings can be set", not refused, *refused)


def catalogs(spark: SparkSession, table_name: str) -> Iterator[Answer]:
    """Report the session's default catalog, and test whether the Hive metastore and the table's schema can be used."""
    current = spark.sql("SELECT current_catalog() AS catalog, current_schema() AS schema").first()
    names = [row[0] for row in spark.sql("SHOW CATALOGS").collect()]
    facts = [f"current catalog {current.catalog}, current schema {current.schema}"] if current else []
    known = [name for name in names if name in ("hive_metastore", "main", "samples", "spark_catalog", "system")]
    facts.append(f"{counted(len(names), 'visible catalog')}, including {', '.join(known) or 'none of the usual names'}")
    yield Answer("the session's catalog", "seen", tuple(facts))
    yield _described(spark, "the Hive metastore can be used", "hive_metastore.default")
    *outer, _ = table_name.split(".")
    if problem := use_catalog(spark, table_name):
        yield Answer("the table's catalog can be used", "does not hold", (problem,))
    if outer:
        yield _described(spark, "the table's schema can be described", ".".join(outer))
    exists = spark.catalog.tableExists(quoted(table_name))
    yield Answer("the table", "seen", ("it exists" if exists else "it does not exist yet",))


def _described(spark: SparkSession, question: str, schema: str) -> Answer:
    try:
        spark.sql(f"DESCRIBE SCHEMA {quoted(schema)}").collect()
    except Exception as error:  # noqa: BLE001 - reported
        return Answer(question, "does not hold", (headline(error),))
    return Answer(question, "holds")


def folder(spark: SparkSession, path: str) -> Iterator[Answer]:
    """Write and read below the checkpoint with dbutils, Spark and Python. Remove everything afterward."""
    files = folders.of(spark)
    kind = type(files).__name__
    try:
        with scratch(files, path) as place:
            yield from _ways(spark, files, place)
    except StorageError as reason:
        yield Answer(f"{kind} can use the checkpoint folder", "does not hold", (str(reason),))
        return
    left = [name for name in files.names(path) or [] if name.startswith(".trial-")]
    yield holds("nothing is left below the checkpoint", not left, *left)


def _ways(spark: SparkSession, files: Folders, place: str) -> Iterator[Answer]:
    kind, file = type(files).__name__, f"{place}/by_folders"
    files.write(file, _TEXT)
    names, text = files.names(place), files.head(file, 100)
    yield holds(f"{kind} writes, lists and reads below the checkpoint", (names, text) == (["by_folders"], _TEXT))
    reading = _way("Spark reads the file that was written there", lambda: _first_line(spark, file))
    yield reading
    if reading.state == "holds":
        yield _way("Spark writes and reads there", lambda: _by_spark(spark, f"{place}/by_spark"))
    else:
        yield Answer("Spark writes and reads there", "not asked", (_NOT_REMOVED,))
    if scheme_of(place) == "s3":
        yield Answer("Python's open() reads there", "not asked", ("a bucket is not mounted",))
        return
    mounted = f"/dbfs/{'/'.join(parts(place))}" if scheme_of(place) == "dbfs" else f"/{'/'.join(parts(place))}"
    yield _way("Python's open() reads there", lambda: Path(f"{mounted}/by_folders").read_text())
    yield _way("Python's open() writes there", lambda: _by_python(Path(f"{mounted}/by_python")))


def _way(question: str, read: Callable[[], str]) -> Answer:
    try:
        text = read()
    except Exception as error:  # noqa: BLE001 - reported
        return Answer(question, "does not hold", (f"{type(error).__name__}: {headline(error)}",))
    return holds(question, text == _TEXT)


def _first_line(spark: SparkSession, path: str) -> str:
    (row,) = spark.read.text(path).collect()
    return str(row.value)


def _by_spark(spark: SparkSession, path: str) -> str:
    spark.createDataFrame([(_TEXT,)], "value STRING").coalesce(1).write.text(path)
    return _first_line(spark, path)


def _by_python(path: Path) -> str:
    path.write_text(_TEXT)
    return path.read_text()


def empty_prefix(spark: SparkSession, parameters: Parameters) -> Answer:
    """Test whether a separate stream in directory listing mode starts on a prefix without objects."""
    question = "a stream starts on a prefix without objects"
    base = load_path(parameters.vpc_logs_path).partition("*")[0].rstrip("/")
    prefix = f"{base}/none-{uuid4().hex}"
    options = source.reader_options(replace(parameters, notifications="off", queue_url=None))
    seen: list[int] = []

    def count(batch: DataFrame, batch_id: int) -> None:
        seen.append(batch.count())

    files = folders.of(spark)
    with scratch(files, parameters.checkpoint_path) as place:
        files.write(f"{place}/here", _TEXT)
        if _way("", lambda: _first_line(spark, f"{place}/here")).state != "holds":
            return Answer(question, "not asked", (_NOT_REMOVED,))
        stream = spark.readStream.format("cloudFiles").options(**options).schema(source.FILE_SCHEMA).load(prefix)
        writer = stream.writeStream.foreachBatch(count).option("checkpointLocation", f"{place}/stream")
        query = writer.trigger(availableNow=True).start()
        try:
            ended = query.awaitTermination(_STREAM_SECONDS)
        except Exception as error:  # noqa: BLE001 - reported
            return Answer(question, "does not hold", (f"{type(error).__name__}: {headline(error)}",))
        finally:
            query.stop()
    if not ended:
        return Answer(question, "does not hold", (f"it did not end within {_STREAM_SECONDS} s",))
    batches, number = counted(len(seen), "batch", "batches"), counted(sum(seen), "file")
    return holds(question, True, f"it ended after {batches} with {number}")


def counts(spark: SparkSession) -> Iterator[Answer]:
    """Compare a count and a set from `observe` with the true values, for a sort that may read its input twice."""
    observed = Observation("probe")

    def same(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        yield from batches

    rows = spark.range(0, _ROWS, 1, _PARTS).mapInArrow(same, "id BIGINT")
    once = F.collect_set(F.col("id") % _PARTS).alias("kinds")
    watched = rows.observe(observed, F.count(F.lit(1)).alias("rows"), once)
    watched.repartitionByRange(_PARTS, "id").write.format("noop").mode("overwrite").save()
    metrics = observed.get
    seen, kinds = metrics["rows"], sorted(metrics["kinds"])
    yield holds("observe counts each row once before a range sort", seen == _ROWS, f"{seen} of {_ROWS} rows")
    # The job counts this way because a set contains the summary of each task once, however often Spark observes it.
    yield holds("a set that is observed before a range sort is correct", kinds == list(range(_PARTS)))


def history(spark: SparkSession, table_name: str) -> Answer:
    """Report the operation metrics of the newest commits of the table."""
    question = "the table's history has counts"
    if not spark.catalog.tableExists(quoted(table_name)):
        return Answer(question, "not asked", ("there is no table yet",))
    facts = []
    for row in spark.sql(f"DESCRIBE HISTORY {quoted(table_name)} LIMIT 5").collect():
        counted = ", ".join(f"{key} {value}" for key, value in sorted((row.operationMetrics or {}).items()))
        facts.append(f"{row.operation}: {counted or 'no metrics'}")
    return holds(question, any("numOutputRows" in fact for fact in facts), *facts)
