"""The demo's queries: sums over all rows, including those without bytes or an action."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pyspark.sql import SparkSession

from local.demo.tables import Tables

FILE = "s3://flow-logs/AWSLogs/1/vpcflowlogs/us-east-1/1_vpcflowlogs_us-east-1_fl-0a_20261101T0000Z_1.log.gz"
ROWS = [
    ("ACCEPT", 10, "OK", "2026-11-01 00:00:10"),
    ("REJECT", 5, "OK", "2026-11-01 00:00:20"),
    ("REJECT", None, "OK", "2026-11-01 00:01:00"),
    (None, None, "NODATA", "2026-11-01 00:01:30"),
    (None, None, "SKIPDATA", "2026-11-01 00:01:59"),
    (None, None, "SKIPDATA", None),
]


class SparkSql:
    """SQL in this process with the interface of the stage's SQL process."""

    def __init__(self, spark: SparkSession) -> None:
        self._spark = spark

    def rows(self, query: str) -> list[dict[str, Any]]:
        return [json.loads(row) for row in self._spark.sql(query).toJSON().collect()]


@pytest.fixture
def tables(spark: SparkSession) -> Iterator[Tables]:
    schema = "action STRING, bytes BIGINT, log_status STRING, time STRING"
    rows = spark.createDataFrame(ROWS, schema).selectExpr(
        *("action", "bytes", "log_status", "CAST(time AS TIMESTAMP) AS event_time", f"'{FILE}' AS source_file")
    )
    rows.createOrReplaceTempView("demo_flow_logs")
    entries = spark.createDataFrame([(FILE, 7, 3)], "source_file STRING, line_number BIGINT, lines BIGINT")
    entries.createOrReplaceTempView("demo_flow_logs_quarantine")
    yield Tables(SparkSql(spark), "demo_flow_logs")
    for view in ("demo_flow_logs", "demo_flow_logs_quarantine"):
        spark.catalog.dropTempView(view)


def test_the_minutes_count_every_row_with_a_time(tables: Tables) -> None:
    first, second = tables.minutes()

    assert (first.accepted, first.rejected, first.accepted_bytes, first.rejected_bytes) == (1, 1, 10, 5)
    assert (second.accepted, second.rejected, second.accepted_bytes, second.rejected_bytes) == (2, 1, 0, 0)
    assert second.begins == first.begins + 60


def test_records_that_aws_skipped_are_counted_next_to_rows_and_quarantined_lines(tables: Tables) -> None:
    (counts,) = tables.by_flow_log().values()

    assert (counts.rows, counts.accepted, counts.rejected, counts.bytes) == (6, 1, 2, 15)
    assert (counts.quarantined, counts.skipped) == (3, 2)
