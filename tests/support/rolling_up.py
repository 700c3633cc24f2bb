"""Helpers for the tests of the roll-up and the expiry: records tables, and sums that do not use the job's SQL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyspark.sql import SparkSession

from tests.support.ingesting import commits
from vpc_flow_logs import table
from vpc_flow_logs.fields import DEFAULT_FORMAT
from vpc_flow_logs.maintenance.tables import Target, target_of
from vpc_flow_logs.sql import quoted
from vpc_flow_logs.tasks import stamped_schema

Sums = dict[tuple[Any, ...], tuple[int, int | None, int | None]]
"""Records, packets and bytes by the hour (since 1970) and the other keys of the roll-up."""

_MICROS = 3600 * 1_000_000
_TEXTS = ("account_id", "vpc_id", "subnet_id", "srcaddr", "dstaddr", "action", "flow_direction")
_NUMBERS = ("srcport", "dstport", "protocol", "packets", "bytes")


@dataclass
class Tables:
    """A records table with its quarantine table and, later, its roll-up, in one folder."""

    spark: SparkSession
    root: Path
    name: str
    headers: Sequence[str] = DEFAULT_FORMAT

    def __post_init__(self) -> None:
        self.layout = table.create(self.spark, table_name=self.name, path=self.path, headers=self.headers)

    @property
    def path(self) -> str:
        return str(self.root / "table")

    @property
    def target(self) -> Target:
        return target_of(self.spark, table_name=self.name, path=self.path)

    def add(self, rows: Iterable[Mapping[str, Any]], *, ingested_at: datetime) -> None:
        """Append records, as a micro-batch does."""
        stamp = {"ingested_at": ingested_at, "source_file": "a.log"}
        values = [{**stamp, **row, "other_fields": list(row.get("other_fields", {}).items()) or None} for row in rows]
        records = pa.Table.from_pylist(values, stamped_schema(self.layout.schema))
        self.spark.createDataFrame(records).write.format("delta").mode("append").saveAsTable(self.name)

    def add_entries(self, count: int, *, ingested_at: datetime) -> None:
        """Append entries to the quarantine table."""
        names = self.spark.table(f"{self.name}_quarantine").schema.names
        frame = self.spark.range(count).selectExpr(
            "'a.log' AS source_file", "id AS line_number", "1L AS lines", "'x' AS line", "'bad' AS reason",
            f"timestamp_micros({micros(ingested_at)}) AS ingested_at",
        )  # fmt: skip
        frame.select(*names).write.format("delta").mode("append").saveAsTable(f"{self.name}_quarantine")

    def data_files(self) -> dict[str, list[str]]:
        """Return the data files that the commits of each table added, in order."""
        folders = {kind: f"{self.path}{kind}" for kind in ("", "_quarantine", "_hourly")}
        return {
            kind: [action["add"]["path"] for commit in commits(folder) for action in commit if "add" in action]
            for kind, folder in folders.items()
        }


def record(time: datetime | None, address: str = "10.0.0.1", **values: Any) -> dict[str, Any]:
    """Return the values of a record; those in ``values`` replace them."""
    usual = {"srcaddr": address, "dstaddr": "10.0.0.9", "srcport": 40000, "dstport": 443, "protocol": 6}
    return {"account_id": "123456789012", **usual, "packets": 2, "bytes": 100, "event_time": time, **values}


def micros(time: datetime) -> int:
    """Return a time as microseconds since 1970."""
    return (time - datetime.fromtimestamp(0, time.tzinfo)) // timedelta(microseconds=1)


def hour_of(time: datetime) -> int:
    """Return the hour of a time, as a number of hours since 1970."""
    return micros(time) // _MICROS


def raw_sums(spark: SparkSession, name: str, *, before: datetime) -> Sums:
    """Return the sums over the records of the hours that end before a time, computed in Python."""
    present = {column.lower() for column in spark.table(quoted(name)).columns}
    listed = [f"`{column}`" if column in present else f"NULL AS `{column}`" for column in (*_TEXTS, *_NUMBERS)]
    rows = spark.table(quoted(name)).selectExpr("unix_micros(event_time) AS time", "other_fields", *listed).collect()
    sums: dict[tuple[Any, ...], list[Any]] = {}
    for row in rows:
        if row.time is None or row.time // _MICROS >= hour_of(before):
            continue
        others = {key.replace("-", "_"): value for key, value in (row.other_fields or {}).items()}
        texts = {column: row[column] if row[column] is not None else others.get(column) for column in _TEXTS}
        numbers = {column: _number(row[column], others.get(column)) for column in _NUMBERS}
        ports = [port for port in (numbers["srcport"], numbers["dstport"]) if port is not None]
        key = (
            row.time // _MICROS,
            *(texts[column] for column in _TEXTS[:5]),
            min(ports, default=None),
            numbers["protocol"],
            *(texts[column] for column in _TEXTS[5:]),
        )
        total = sums.setdefault(key, [0, None, None])
        total[0] += 1
        for place, column in ((1, "packets"), (2, "bytes")):
            if (value := numbers[column]) is not None:
                total[place] = (total[place] or 0) + value
    return {key: (records, packets, size) for key, (records, packets, size) in sums.items()}


def _number(own: int | None, other: str | None) -> int | None:
    return own if own is not None or other is None else int(other)


def rollup_sums(spark: SparkSession, name: str) -> Sums:
    """Return the contents of the roll-up of a records table. Two rows with the same key are an error."""
    columns = ["unix_micros(hour) AS time", *spark.table(f"{name}_hourly").columns[1:]]
    rows = spark.table(quoted(f"{name}_hourly")).selectExpr(*columns).collect()
    keys = Counter((row[0] / _MICROS, *row[1:10]) for row in rows)
    assert all(count == 1 for count in keys.values()), keys.most_common(3)
    assert all(key[0] == int(key[0]) for key in keys), "a row does not begin at a whole UTC hour"
    return {(row[0] // _MICROS, *row[1:10]): (row.records, row.packets, row.bytes) for row in rows}
