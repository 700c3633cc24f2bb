"""A Spark session with Delta Lake on this machine."""

from __future__ import annotations

import logging
import os
import re
import shlex
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from pyspark import SparkContext
from pyspark.sql import SparkSession

from local.laptop import class_archive
from local.laptop.jars import class_path
from local.laptop.java import java_home
from local.laptop.java_output import quiet_start

JAVA_OPTIONS = (
    "-XX:+UseParallelGC",
    "-Darrow.enable_unsafe_memory_access=true",
    "-Darrow.enable_null_check_for_get=false",
)
"""Throughput, not pauses; and Arrow looks at the bounds of each value again, in each read."""

_NAME = re.compile(r"\w+")

_REPEATERS = (
    "org.apache.spark.executor.Executor",
    "org.apache.spark.scheduler.TaskSetManager",
    "org.apache.spark.sql.delta.files.DeltaFileFormatWriter",
    "org.apache.spark.sql.execution.streaming.MicroBatchExecution",  # pyspark 4.0
    "org.apache.spark.sql.execution.streaming.runtime.MicroBatchExecution",
    "org.apache.spark.util.Utils",
)
"""Loggers that only repeat, as a stack trace of a hundred lines, the exception that the caller gets anyway."""


def session(
    *,
    cores: int = 2,
    warehouse: Path | None = None,
    app_name: str = "vpc-flow-logs",
    extra: Mapping[str, str] | None = None,
) -> SparkSession:
    """Start Spark with Delta Lake in this process, or return the session that is already running.

    The catalog lives in memory, and the managed Delta tables that earlier sessions left in the warehouse are in it
    again. Spark's own log is quiet: errors only.

    Args:
        cores: how many tasks run at the same time.
        warehouse: the folder of managed tables; by default ``spark-warehouse`` in the working directory, as in Spark.
        app_name: the application's name.
        extra: Spark settings that go before the ones set here.

    Raises:
        JarsError: when set-up has not fetched Delta Lake.
        JavaError: when no Java on this machine can run Spark.
    """
    folder = (warehouse or Path("spark-warehouse")).absolute()
    home = java_home()
    if home is not None:
        os.environ["JAVA_HOME"] = str(home)
    # The setting spark.pyspark.python is read by spark-submit only; without this workers are the first python3 on PATH.
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    builder = SparkSession.builder.master(f"local[{cores}]").appName(app_name)
    for key, value in {**_settings(cores=cores, warehouse=folder), **(extra or {})}.items():
        builder = builder.config(key, value)
    with _uninterrupted(), quiet_start():
        spark = builder.getOrCreate()
    _quiet_log(spark)
    _register_tables(spark, folder)
    return spark


def stop(spark: SparkSession) -> None:
    """Stop the session and wait for its Java process to end; this process cannot start another one."""
    gateway = SparkContext._gateway
    spark.stop()
    if gateway is not None:
        gateway.shutdown()
        java = getattr(gateway, "proc", None)
        if java is not None:
            java.stdin.close()  # what the Java process watches to know that it is no longer needed
            java.wait()


def _settings(*, cores: int, warehouse: Path) -> dict[str, str]:
    return {
        "spark.driver.extraClassPath": class_path(),
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.catalogImplementation": "in-memory",
        "spark.sql.warehouse.dir": str(warehouse),  # as a URI its blanks would come out as %20
        # 50 by default, for clusters; here they cost seconds at each table's first snapshot.
        "spark.databricks.delta.snapshotPartitions": "2",
        "spark.sql.shuffle.partitions": str(cores),
        "spark.default.parallelism": str(cores),
        # A flow log file of 75 MB is in memory a few times: as it comes from Python and as it goes there again.
        "spark.driver.memory": "3g",
        "spark.driver.extraJavaOptions": shlex.join([*JAVA_OPTIONS, *class_archive.options()]),
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.session.timeZone": "UTC",
        # Workers are to import what this process can, whatever folder it was started in.
        "spark.executorEnv.PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path),
    }


def _quiet_log(spark: SparkSession) -> None:
    spark.sparkContext.setLogLevel("ERROR")
    java = spark.sparkContext._jvm
    assert java is not None
    log4j = java.org.apache.logging.log4j
    for name in _REPEATERS:
        log4j.core.config.Configurator.setLevel(name, log4j.Level.OFF)
    logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Keep Ctrl-C back until Java has started: a start cut off half-way leaves a Java process that never ends.

    Where Ctrl-C ends this process at once, it may: then the Java process notices.
    """
    mine = threading.current_thread() is threading.main_thread()
    if not mine or SparkContext._gateway is not None or signal.getsignal(signal.SIGINT) == signal.SIG_DFL:
        yield
        return
    received: list[int] = []

    def remember(number: int, frame: FrameType | None) -> None:
        received.append(number)

    before = signal.signal(signal.SIGINT, remember)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGINT) is remember:  # else Spark has set its own
            signal.signal(signal.SIGINT, before or signal.SIG_DFL)
    if received:
        raise KeyboardInterrupt


def _register_tables(spark: SparkSession, warehouse: Path) -> None:
    """Put the Delta tables of the warehouse into the catalog: ``<table>`` and ``<schema>.db/<table>``.

    By their place, for Spark makes no managed table where files are already; `DROP TABLE` then leaves the files alone.
    """
    for log in sorted([*warehouse.glob("*/_delta_log"), *warehouse.glob("*.db/*/_delta_log")]):
        table = log.parent
        schema = "default" if table.parent == warehouse else table.parent.name.removesuffix(".db")
        if not (_NAME.fullmatch(schema) and _NAME.fullmatch(table.name)):
            continue  # a copy such as flow_logs.backup, which no table can be called
        spark.sql(f"CREATE SCHEMA IF NOT EXISTS `{schema}`")
        place = str(table).replace("\\", "\\\\").replace("'", "\\'")
        spark.sql(f"CREATE TABLE IF NOT EXISTS `{schema}`.`{table.name}` USING delta LOCATION '{place}'")
