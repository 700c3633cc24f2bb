"""Layouts of a busy month: the cost of the questions, the bytes, and the cost of the maintenance that creates them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pyspark.sql import SparkSession

from bench import month, table_files
from bench.cost import Cost, Meter
from bench.questions import Asked, ask
from bench.table_files import Footprint
from vpc_flow_logs import spark_settings
from vpc_flow_logs.parser.layout import Layout
from vpc_flow_logs.sql import literal, quoted

MAX_FILE = "spark.databricks.delta.optimize.maxFileSize"
SORT = "spark.databricks.io.skipping.mdc.sortWithinFiles"


@dataclass(frozen=True)
class Candidate:
    """A layout of the records table.

    Attributes:
        name: Name for the results.
        clustered: The clustering columns; empty for the write order.
        files: The approximate number of files; 0 lets Delta choose their size.
        sort: True to also sort the rows within the files.
    """

    name: str
    clustered: tuple[str, ...] = ()
    files: int = 0
    sort: bool = False

    @property
    def table(self) -> str:
        parts = [*(self.clustered or ("write_order",)), str(self.files or "any"), *(["sorted"] if self.sort else [])]
        return "_".join(["layout", *parts])


_TIME_AND_ADDRESSES = ("event_time", "srcaddr", "dstaddr")
_MANY = 30

CANDIDATES = (
    Candidate("write order"),
    Candidate("write order", files=_MANY),
    Candidate("event_time, srcaddr, dstaddr", _TIME_AND_ADDRESSES),
    Candidate("event_time, srcaddr, dstaddr", _TIME_AND_ADDRESSES, sort=True),
    Candidate("event_time, srcaddr, dstaddr", _TIME_AND_ADDRESSES, files=_MANY),
    Candidate("event_time, srcaddr, dstaddr", _TIME_AND_ADDRESSES, files=_MANY, sort=True),
    Candidate("event_time", ("event_time",), files=_MANY, sort=True),
    Candidate("srcaddr, event_time", ("srcaddr", "event_time"), files=_MANY, sort=True),
)


@dataclass(frozen=True)
class Measured:
    """The results for a layout.

    Attributes:
        candidate: The layout.
        maintenance: Cost of OPTIMIZE on the files that the job wrote.
        footprint: The size of the table.
        answers: The answers, by question.
    """

    candidate: Candidate
    maintenance: Cost
    footprint: Footprint
    answers: dict[str, Asked]


def measure(
    spark: SparkSession, scratch: Path, *, records: int, rounds: int, candidates: Sequence[Candidate] = CANDIDATES
) -> tuple[Footprint, list[Measured]]:
    """Return the size of the table as the job writes it, and the results for each layout."""
    folder = scratch / "table" / "busy"
    layout = table_files.create(spark, "busy", folder)
    _load(spark, layout, scratch / "data", records)
    written = table_files.footprint(spark, "busy", folder)
    for key, value in spark_settings.MAINTAINING.items():
        spark.conf.set(key, value)
    meter, costs = Meter(spark), []
    for turn, candidate in enumerate([candidates[0], *candidates]):  # the first one only warms up the process
        target = scratch / "table" / candidate.table
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(folder, target)
        spark.sql(f"DROP TABLE IF EXISTS {candidate.table}")
        spark.sql(f"CREATE TABLE {candidate.table} USING DELTA LOCATION {literal(str(target))}")
        spark.sql(f"ALTER TABLE {candidate.table} CLUSTER BY {_columns(candidate)}")
        largest = written.bytes // candidate.files if candidate.files else 1 << 30
        spark.conf.set(MAX_FILE, str(largest))
        spark.conf.set(SORT, str(candidate.sort).lower())
        costs += [meter.of(partial(spark.sql, f"OPTIMIZE {candidate.table}"))] if turn else []
        if not turn:
            spark.sql(f"OPTIMIZE {candidate.table}")
        print(f"layout {candidate.table}: maintained", flush=True)
    values = {"day": month.DAY, "hour": month.HOUR, "address": month.address()}
    answers = ask(spark, [candidate.table for candidate in candidates], values=values, rounds=rounds)
    return written, [
        Measured(
            candidate=candidate,
            maintenance=cost,
            footprint=table_files.footprint(spark, candidate.table, scratch / "table" / candidate.table),
            answers={question: by_table[candidate.table] for question, by_table in answers.items()},
        )
        for candidate, cost in zip(candidates, costs, strict=True)
    ]


def _columns(candidate: Candidate) -> str:
    return f"({', '.join(candidate.clustered)})" if candidate.clustered else "NONE"


def _load(spark: SparkSession, layout: Layout, data: Path, records: int) -> None:
    """Write the month into the table, with the job's settings: one data file per hour."""
    source = month.busy(records, layout, data)
    spark.conf.set("spark.sql.files.maxPartitionBytes", str(1 << 30))
    spark.conf.set("spark.sql.files.openCostInBytes", str(1 << 30))
    spark.conf.set("spark.databricks.delta.optimizeWrite.enabled", "false")
    spark.conf.set("spark.databricks.delta.autoCompact.enabled", "false")
    spark.read.parquet(f"{source}/*.parquet").write.format("delta").mode("append").saveAsTable(quoted("busy"))
