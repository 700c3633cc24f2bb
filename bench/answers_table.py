"""The table of the benchmark of the dashboard: a busy month in the layout of the job, after `maintain`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import SparkSession

from bench import month
from bench.month import DAYS
from infra.dashboard.datasets import datasets
from vpc_flow_logs import spark_settings, table
from vpc_flow_logs.answers import create
from vpc_flow_logs.fields import BY_NAME, DEFAULT_FORMAT
from vpc_flow_logs.main import run_maintain
from vpc_flow_logs.parser.layout import Layout
from vpc_flow_logs.sql import quoted

NAME = "answers"
HOURLY = table.hourly_name(NAME)

_ONE_TASK_PER_FILE = {
    "spark.sql.files.maxPartitionBytes": str(1 << 30),
    "spark.sql.files.openCostInBytes": str(1 << 30),
}


@dataclass(frozen=True)
class Part:
    """A table after `maintain`.

    Attributes:
        rows: Number of rows.
        files: Number of data files.
        bytes: Their size.
    """

    rows: int
    files: int
    bytes: int


def fields() -> tuple[str, ...]:
    """Return the fields of the flow log: the default format, and those of VPC flow logs that a dataset needs."""
    named = [field for each in datasets().values() for field in (*each.answer.fields, *each.answer.optional)]
    return tuple(field for field in dict.fromkeys((*DEFAULT_FORMAT, *named)) if BY_NAME[field].scope != "tgw")


def make(spark: SparkSession, folder: Path, *, data: Path, records: int) -> None:
    """Load a busy month, and maintain the table. A run that was interrupted continues after its last day.

    Args:
        spark: The session, with a warehouse in the folder.
        folder: The folder of the warehouse, and of the mark of a finished `maintain`.
        data: The folder for the records, which other runs can use again.
        records: The number of records, a multiple of the number of hours.
    """
    layout = table.create(spark, table_name=NAME, path="", headers=fields())
    done = folder / "_maintained"
    if not done.exists():
        _load(spark, layout, month.busy(records, layout, data))
        for key in _ONE_TASK_PER_FILE:
            spark.conf.unset(key)
        run_maintain([f"--table-name={NAME}"], session=lambda: spark)
        done.touch()
    for line in create.create(spark, NAME):
        print(line, flush=True)


def part(spark: SparkSession, name: str) -> Part:
    """Return the size of a table."""
    detail = table.delta_detail(spark, quoted(name))
    assert detail is not None
    return Part(rows=spark.table(quoted(name)).count(), files=detail.numFiles, bytes=detail.sizeInBytes)


def _load(spark: SparkSession, layout: Layout, source: Path) -> None:
    """Append the days that the table does not have, each in a commit, with the job's settings for writing."""
    for key, value in {**spark_settings.writing(layout), **_ONE_TASK_PER_FILE}.items():
        spark.conf.set(key, value)
    history = spark.sql(f"DESCRIBE HISTORY {quoted(NAME)}")
    for day in range(history.where("operation = 'WRITE'").count(), DAYS):
        hours = [str(month.hour_file(source, number)) for number in range(24 * day, 24 * (day + 1))]
        spark.read.parquet(*hours).write.format("delta").mode("append").saveAsTable(quoted(NAME))
        print(f"answers: loaded day {day + 1} of {DAYS}", flush=True)
