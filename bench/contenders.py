"""Three ways to load a folder of flow log files: each gives a function that loads one folder into another."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

from local.cloud_files import register
from local.laptop.spark import session
from vpc_flow_logs.fields import BY_NAME, DEFAULT_FORMAT

Loader = Callable[[Path, Path], Callable[[], int]]
"""Loads the files below the first folder into the second, a new one; what it returns counts the rows there."""

THREADS = 2
_FILES_OF_A_BATCH = "10000"


def job(scratch: Path) -> Loader:
    """The job as it is: Auto Loader's stand-in, the parser, Delta."""
    from vpc_flow_logs.main import run_ingest  # noqa: PLC0415 (each contender loads what it needs)

    spark = session(cores=THREADS, warehouse=scratch / "warehouse", app_name="bench job")

    def load(source: Path, target: Path) -> Callable[[], int]:
        register(spark, state=target / "checkpoint" / "cloud_files")
        name = f"flow_logs_{target.name}".replace("-", "_")
        arguments = {
            "vpc-logs-path": f"{source}/AWSLogs/123456789012/vpcflowlogs/us-east-1/*",
            "delta-output-path": str(target / "table"),
            "checkpoint-path": str(target / "checkpoint"),
            "table-name": name,
            "region-name": "us-east-1",
            "headers": ",".join(DEFAULT_FORMAT),
            "max-files-per-batch": _FILES_OF_A_BATCH,
        }
        with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
            run_ingest([f"--{name}={value}" for name, value in arguments.items()], session=lambda: spark)
        return lambda: int(spark.read.format("delta").load(str(target / "table")).count())

    return load


def guide(scratch: Path) -> Loader:
    """The 2020 guide's way: Spark's CSV reader with a schema by position, written to Delta as it comes.

    The same session settings as the job; the counters are 64 bits wide, for otherwise it would not load the same.
    """
    spark = session(cores=THREADS, warehouse=scratch / "warehouse", app_name="bench guide")
    schema = ", ".join(f"`{BY_NAME[name].column}` {BY_NAME[name].type}" for name in DEFAULT_FORMAT)

    def load(source: Path, target: Path) -> Callable[[], int]:
        files = (
            spark.readStream.format("csv")
            .options(delimiter=" ", header="true", recursiveFileLookup="true", maxFilesPerTrigger=_FILES_OF_A_BATCH)
            .schema(schema)
            .load(str(source / "AWSLogs"))
        )
        stream = files.writeStream.format("delta").option("checkpointLocation", str(target / "checkpoint"))
        query = stream.trigger(availableNow=True).start(str(target / "table"))
        query.awaitTermination()
        return lambda: int(spark.read.format("delta").load(str(target / "table")).count())

    return load


def duckdb(scratch: Path) -> Loader:
    """DuckDB's `read_csv` to Parquet: near to what the machine can do, with no table, no stream and no rules."""
    import duckdb as engine  # noqa: PLC0415

    connection = engine.connect(str(scratch / "bench.duckdb"))
    connection.execute(f"SET threads = {THREADS}")

    def load(source: Path, target: Path) -> Callable[[], int]:
        target.mkdir(parents=True, exist_ok=True)
        path = target / "table.parquet"
        connection.execute(
            f"COPY (SELECT * FROM read_csv('{source}/AWSLogs/**/*.gz', delim=' ', header=true, nullstr='-')) "
            f"TO '{path}' (FORMAT parquet)"
        )
        return lambda: int(connection.sql(f"SELECT count(*) FROM '{path}'").fetchall()[0][0])

    return load


CONTENDERS: dict[str, Callable[[Path], Loader]] = {"job": job, "guide": guide, "duckdb": duckdb}
