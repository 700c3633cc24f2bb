"""Three ways to load a folder of flow log files. Each returns a function that loads one folder into another."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

from local.cloud_files import register
from local.laptop.spark import session
from vpc_flow_logs.fields import BY_NAME, DEFAULT_FORMAT

Loader = Callable[[Path, Path], Callable[[], int]]
"""A function that loads one folder into another, new folder. It returns a function that counts the loaded rows."""

THREADS = 2
_FILES_OF_A_BATCH = "10000"


def job(scratch: Path) -> Loader:
    """Return the unchanged job as a contender: the stand-in for Auto Loader, the parser, and Delta."""
    from vpc_flow_logs.main import run_ingest  # noqa: PLC0415 - only this contender needs it

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
    """Return the 2020 guide's approach: Spark's CSV reader with a schema by position, and Delta.

    The session has the same settings as the job. Counters have 64 bits, because narrower ones would change the values.
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
    """Return DuckDB's `read_csv` to Parquet, close to the machine's limit: no table, no stream and no validation."""
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
