"""A Spark session with Delta Lake on this machine."""

from __future__ import annotations

import logging
import os
import re
import shlex
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from types import FrameType
from typing import Any

from py4j.protocol import Py4JError  # type: ignore[import-untyped, unused-ignore]
from pyspark import SparkContext, java_gateway
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
"""Optimize for throughput rather than short pauses, and turn off Arrow's extra checks on each read of a value."""

QUICK_START = ("-XX:TieredStopAtLevel=1", "-XX:ReservedCodeCacheSize=256m")
"""Options for a Java process that runs for only a few minutes: use only the fast compiler.

That compiler's default code cache of 48 MB is too small for Spark: Java would discard compiled methods and compile them
again.
"""

_NAME = re.compile(r"\w+")

_REPEATERS = (
    "org.apache.spark.executor.Executor",
    "org.apache.spark.scheduler.TaskSetManager",
    "org.apache.spark.sql.delta.files.DeltaFileFormatWriter",
    "org.apache.spark.sql.execution.streaming.MicroBatchExecution",  # pyspark 4.0
    "org.apache.spark.sql.execution.streaming.runtime.MicroBatchExecution",
    "org.apache.spark.util.Utils",
)
"""Loggers that only repeat the caller's exception, as a stack trace of a hundred lines."""


def session(
    *,
    cores: int = 2,
    warehouse: Path | None = None,
    app_name: str = "vpc-flow-logs",
    extra: Mapping[str, str] | None = None,
    interrupt_ends: bool = False,
) -> SparkSession:
    """Start Spark with Delta Lake in this process, or return the running session.

    The catalog is in memory. It includes the managed Delta tables that earlier sessions left in the warehouse. Spark
    logs errors only.

    Args:
        cores: the number of tasks that run in parallel.
        warehouse: the folder of managed tables; by default ``spark-warehouse`` in the working directory, as in Spark.
        app_name: the application's name.
        extra: Spark settings that override the ones set here.
        interrupt_ends: whether the handler of SIGINT ends this process immediately.

    Raises:
        JarsError: setup has not downloaded Delta Lake.
        JavaError: no Java on this machine can run Spark.
    """
    folder = (warehouse or Path("spark-warehouse")).absolute()
    home = java_home()
    if home is not None:
        os.environ["JAVA_HOME"] = str(home)
    # Only spark-submit reads spark.pyspark.python; without these variables, workers use the first python3 on PATH.
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    builder = SparkSession.builder.master(f"local[{cores}]").appName(app_name)
    for key, value in {**_settings(cores=cores, warehouse=folder), **(extra or {})}.items():
        builder = builder.config(key, value)
    with nullcontext() if interrupt_ends else _uninterrupted(), _own_process_group(), quiet_start():
        spark = builder.getOrCreate()
    _quiet_log(spark)
    _register_tables(spark, folder)
    return spark


def stop(spark: SparkSession) -> None:
    """Stop the session and wait until its Java process ends; this process cannot start another session."""
    gateway = SparkContext._gateway
    with suppress(Py4JError, OSError):  # Java may have ended already
        spark.stop()
    if gateway is not None:
        gateway.shutdown()
        java = getattr(gateway, "proc", None)
        if java is not None:
            java.stdin.close()  # the Java process ends when its standard input closes
            java.wait()


def _settings(*, cores: int, warehouse: Path) -> dict[str, str]:
    return {
        "spark.driver.extraClassPath": class_path(),
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.catalogImplementation": "in-memory",
        # Do not write a hidden checksum file next to each file. A table's log then has half the files to list.
        "spark.hadoop.fs.file.impl": "org.apache.hadoop.fs.RawLocalFileSystem",
        "spark.hadoop.fs.AbstractFileSystem.file.impl": "org.apache.hadoop.fs.local.RawLocalFs",
        "spark.sql.warehouse.dir": str(warehouse),  # not as a URI, in which spaces would become %20
        # The default of 50 is for clusters; here it costs seconds at each table's first snapshot.
        "spark.databricks.delta.snapshotPartitions": "2",
        # These override the table properties delta.autoOptimize.*, which are for Databricks. Open source Delta Lake
        # rewrites a clustered table after its first commit in a session, even a single file: twice the CPU time.
        "spark.databricks.delta.autoCompact.enabled": "false",
        # Shuffles all rows into one file per commit. With a few cores, there are only a few files without it.
        "spark.databricks.delta.optimizeWrite.enabled": "false",
        "spark.sql.shuffle.partitions": str(cores),
        "spark.default.parallelism": str(cores),
        # VACUUM lists a folder in this number of tasks; the default is 10,000.
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": str(cores),
        # OPTIMIZE does not rewrite groups of clustered files of at least this size. With the default of 100 GiB, it
        # would rewrite a laptop's whole table each time.
        "spark.databricks.delta.optimize.clustering.mergeStrategy.minCubeSize.threshold": str(1 << 30),
        # A flow log file of 75 MB is in memory several times, on its way from Python and back.
        "spark.driver.memory": "3g",
        "spark.driver.extraJavaOptions": shlex.join([*JAVA_OPTIONS, *class_archive.options()]),
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.session.timeZone": "UTC",
        # Workers can import the same modules as this process, in any working directory.
        "spark.executorEnv.PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path),
    }


def _quiet_log(spark: SparkSession) -> None:
    spark.sparkContext.setLogLevel("ERROR")
    java = spark.sparkContext._jvm
    assert java is not None
    # Some statements, such as VACUUM, print to Java's standard output.
    java.java.lang.System.setOut(java.java.io.PrintStream(java.java.io.OutputStream.nullOutputStream()))
    log4j = java.org.apache.logging.log4j
    for name in _REPEATERS:
        log4j.core.config.Configurator.setLevel(name, log4j.Level.OFF)
    logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL)


@contextmanager
def _own_process_group() -> Iterator[None]:
    """Start Java in its own process group, so that a signal to the group of this process does not end Java first.

    `timeout` and a terminal signal a whole group. Java stays in the session, and ends when its standard input closes,
    which happens at the latest when this process ends. pyspark always sets ``preexec_fn``, so that Java ignores SIGINT.
    """
    launcher: Any = java_gateway
    start = launcher.Popen

    def started(command: list[str], *, preexec_fn: Callable[[], None], **options: Any) -> Any:
        def prepare() -> None:
            preexec_fn()
            os.setpgid(0, 0)

        return start(command, preexec_fn=prepare, **options)

    launcher.Popen = started
    try:
        yield
    finally:
        launcher.Popen = start


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Delay Ctrl-C until Java has started, because an interrupted start leaves a Java process that never ends.

    If Ctrl-C ends this process at once, do not delay it: the Java process then ends, too.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or SparkContext._gateway is not None or signal.getsignal(signal.SIGINT) == signal.SIG_DFL:
        yield
        return
    received: list[int] = []

    def remember(number: int, frame: FrameType | None) -> None:
        received.append(number)

    before = signal.signal(signal.SIGINT, remember)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGINT) is remember:  # else Spark has installed its own handler
            signal.signal(signal.SIGINT, before or signal.SIG_DFL)
    if received:
        raise KeyboardInterrupt


def _register_tables(spark: SparkSession, warehouse: Path) -> None:
    """Add the Delta tables of the warehouse to the catalog: ``<table>`` and ``<schema>.db/<table>``.

    They are added with their location, because Spark does not create a managed table in a folder that has files.
    `DROP TABLE` therefore keeps the files.
    """
    for log in sorted([*warehouse.glob("*/_delta_log"), *warehouse.glob("*.db/*/_delta_log")]):
        table = log.parent
        schema = "default" if table.parent == warehouse else table.parent.name.removesuffix(".db")
        if not (_NAME.fullmatch(schema) and _NAME.fullmatch(table.name)):
            continue  # a copy such as flow_logs.backup, which is not a valid table name
        spark.sql(f"CREATE SCHEMA IF NOT EXISTS `{schema}`")
        place = str(table).replace("\\", "\\\\").replace("'", "\\'")
        spark.sql(f"CREATE TABLE IF NOT EXISTS `{schema}`.`{table.name}` USING delta LOCATION '{place}'")
