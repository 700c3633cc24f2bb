"""Helpers of the tests of the complete stage: deliveries, the tables that the jobs fill, and the output of runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pyspark.sql import SparkSession

from local.delivery import Continuous, Delivered, delivering
from local.demo.commits import Commits
from local.stage.composed import EmbeddedStage
from tests.support.workspaces import until

Result = TypeVar("Result")

SECONDS = 600
"""Timeout of a wait in seconds, generous because the machine may be busy."""


def deliver_during(
    stage: EmbeddedStage, delivered: list[Delivered], *, seed: int, work: Callable[[], Result], records: int = 100
) -> Result:
    """Deliver files before, during and after a call, add the deliveries to the list, and return the call's result."""
    with delivering(stage.aws, seed=seed, every=1, records=records) as delivery:
        _wait_for_deliveries(delivery)
        result = work()
        _wait_for_deliveries(delivery)
    delivered += delivery.delivered
    assert all(item.error is None for item in delivery.delivered)
    return result


def nothing() -> None:
    """Do nothing during deliveries."""


def _wait_for_deliveries(delivery: Continuous) -> None:
    """Wait for three more deliveries."""
    count = len(delivery.delivered) + 3
    until(lambda: delivery.failure is not None or len(delivery.delivered) >= count, seconds=SECONDS)


def outputs(stage: EmbeddedStage, entry_point: str = "ingest") -> list[str]:
    """Return the output of each run of an entry point, from the first to the last."""
    with stage.workspace.lock:
        runs = list(stage.runner.running.values())
    return [run.output() for run in runs if run._task.entry_point == entry_point]


def table_folder(stage: EmbeddedStage, table: str) -> Path:
    """Return the folder of a managed table."""
    return stage.runner.storage.dbfs / "user" / "hive" / "warehouse" / table


def written(delivered: Sequence[Delivered], environment: str) -> dict[str, tuple[int, int]]:
    """Return the records of the files in an environment's bucket, and the sum of their bytes."""
    files = [item for item in delivered if item.bucket == f"flow-logs-{environment}"]
    return {f"s3://{item.bucket}/{item.file.key}": (item.file.rows, item.file.bytes or 0) for item in files}


def loaded(
    spark: SparkSession, stage: EmbeddedStage, table: str, expected: dict[str, tuple[int, int]]
) -> dict[str, tuple[int, int]]:
    """Wait until a table has as many records as expected; return its records and the sum of their bytes per file.

    The wait reads only the Delta log, because a query per second would keep a core busy.
    """
    folder, records = table_folder(stage, table), sum(count for count, _ in expected.values())
    commits, counts = Commits(folder), Counter[str]()

    def is_complete() -> bool:
        for commit in commits.new():
            counts.update(commit.rows)
        return counts.total() >= records

    until(is_complete, seconds=SECONDS)
    rows = query(spark, folder, "source_file, count(*) AS records, coalesce(sum(bytes), 0) AS bytes", "GROUP BY ALL")
    return {row.source_file: (row.records, row.bytes) for row in rows}


def query(spark: SparkSession, folder: Path, columns: str, rest: str = "") -> list[Any]:
    """Return the rows of a query on a table."""
    return spark.sql(f"SELECT {columns} FROM delta.`{folder}` {rest}").collect()


def quarantined(spark: SparkSession, stage: EmbeddedStage, table: str) -> int:
    """Return the number of quarantine entries of a table."""
    (row,) = query(spark, table_folder(stage, f"{table}_quarantine"), "count(*) AS entries")
    return int(row.entries)
