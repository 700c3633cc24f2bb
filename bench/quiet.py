"""A month of a quiet VPC: the questions before and after `maintain`, and the bytes per record."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import SparkSession

from bench import month, table_files
from bench.month import DAYS, QuietVpc
from bench.questions import Asked, ask
from bench.table_files import Footprint
from vpc_flow_logs.main import run_maintain
from vpc_flow_logs.sink import Sink
from vpc_flow_logs.sql import quoted

BEFORE, AFTER = "quiet_before", "quiet"

_A_FILE_PER_FILE = {
    # Each flow log file becomes a task, and each task writes a data file, as a micro-batch of one file does.
    "spark.sql.files.maxPartitionBytes": str(1 << 30),
    "spark.sql.files.openCostInBytes": str(1 << 30),
    "spark.databricks.delta.optimizeWrite.enabled": "false",
    "spark.databricks.delta.autoCompact.enabled": "false",
}


@dataclass(frozen=True)
class Month:
    """The results for a month.

    Attributes:
        files: Number of flow log files.
        records: Number of records.
        gzip_bytes: Size of the flow log files.
        duckdb_bytes: Size of DuckDB's Parquet file with the same records, by compression.
        before: The records table before `maintain`.
        after: The records table after `maintain`.
        hourly: The roll-up.
        hourly_rows: Number of rows of the roll-up.
        answers: The answers of both tables, by question and table.
    """

    files: int
    records: int
    gzip_bytes: int
    duckdb_bytes: dict[str, int]
    before: Footprint
    after: Footprint
    hourly: Footprint
    hourly_rows: int
    answers: dict[str, dict[str, Asked]]


def measure(spark: SparkSession, scratch: Path, quiet: QuietVpc, *, rounds: int) -> Month:
    """Load a month, maintain a copy of the table, and ask both tables the questions."""
    files = quiet.make(scratch / "data")
    folder, copy = scratch / "table" / BEFORE, scratch / "table" / AFTER
    layout = table_files.create(spark, BEFORE, folder)
    sink = Sink(spark, table_name=BEFORE, layout=layout, binding=table_files.binding(folder))
    with _set(spark, _A_FILE_PER_FILE):
        for day in range(DAYS):
            batch = spark.read.format("binaryFile").option("recursiveFileLookup", "true").load(f"{files}/{day:02}")
            with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
                sink.write(batch, day)
            print(f"month of a quiet VPC: day {day + 1} of {DAYS}", flush=True)
    if sink.total.records != quiet.records:
        raise SystemExit(f"bench: the job loaded {sink.total.records:,} of {quiet.records:,} records")
    table_files.copy(spark, folder, name=AFTER, target=copy)
    run_maintain([f"--table-name={AFTER}", f"--delta-output-path={copy}"], session=lambda: spark)
    hourly = f"{AFTER}_hourly"
    paths = list(files.rglob("*.gz"))
    values = {"day": month.DAY, "hour": month.HOUR, "address": month.address()}
    return Month(
        files=len(paths),
        records=quiet.records,
        gzip_bytes=sum(path.stat().st_size for path in paths),
        duckdb_bytes={codec: _duckdb(files, scratch, codec) for codec in ("snappy", "zstd")},
        before=table_files.footprint(spark, BEFORE, folder),
        after=table_files.footprint(spark, AFTER, copy),
        hourly=table_files.footprint(spark, hourly, Path(f"{copy}_hourly")),
        hourly_rows=spark.table(quoted(hourly)).count(),
        answers=ask(spark, [BEFORE, AFTER], values=values, rounds=rounds),
    )


@contextmanager
def _set(spark: SparkSession, settings: dict[str, str]) -> Iterator[None]:
    former = {key: spark.conf.get(key, None) for key in settings}
    for key, value in settings.items():
        spark.conf.set(key, value)
    yield
    for key, old in former.items():
        if old is None:
            spark.conf.unset(key)
        else:
            spark.conf.set(key, old)


def _duckdb(files: Path, scratch: Path, codec: str) -> int:
    """Return the size of a Parquet file that DuckDB writes with the records."""
    import duckdb  # noqa: PLC0415

    path = scratch / f"duckdb-{codec}.parquet"
    duckdb.connect().execute(
        f"COPY (SELECT * FROM read_csv('{files}/**/*.gz', delim=' ', header=true, nullstr='-')) "
        f"TO '{path}' (FORMAT parquet, COMPRESSION {codec})"
    )
    return path.stat().st_size
