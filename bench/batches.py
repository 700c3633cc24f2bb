"""The cost of a micro-batch at different ages of the table.

The batches go through the job's sink. The stream around it is left out, because its cost does not depend on the table.
The table is copied at each age, so that the batches to compare are written in turns, by the same warm process.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import SparkSession

from bench import table_files
from bench.cost import Cost, Meter, middle
from bench.data import Load, make
from bench.repeated import repeat
from bench.table_files import Footprint
from vpc_flow_logs.main import run_maintain
from vpc_flow_logs.parser.layout import Layout
from vpc_flow_logs.sink import Sink
from vpc_flow_logs.spark_settings import READING, writing

RECORDS_OF_A_FILE = 100
TIMED = 20
"""Number of batches at each age. Their median counts."""

_FILES = 200  # the batches repeat these files
_UNREPEATED = 20  # the last batches before an age; up to nine of them are repeats that fill the log up to a checkpoint


@dataclass(frozen=True)
class Age:
    """A table after a number of batches.

    Attributes:
        batches: The number of batches.
        footprint: The size of the table.
        cost: Median cost of the next batches.
    """

    batches: int
    footprint: Footprint
    cost: Cost


class Writer:
    """Writes micro-batches of one file each to a table."""

    def __init__(self, spark: SparkSession, files: Sequence[Path], *, name: str, folder: Path, layout: Layout) -> None:
        self.name = name
        self.folder = folder
        self._spark = spark
        self._files = files
        self._sink = Sink(spark, table_name=name, layout=layout, binding=table_files.binding(folder))

    def write(self, number: int) -> None:
        batch = self._spark.read.format("binaryFile").load(str(self._files[number % len(self._files)]))
        with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
            self._sink.write(batch, number)


def measure(spark: SparkSession, scratch: Path, *, ages: Sequence[int], day: int, repeats: int) -> list[Age]:
    """Return the cost of a batch at each age.

    Args:
        spark: The session.
        scratch: A folder for the files and the tables.
        ages: Numbers of batches, in order.
        day: Number of batches after which `maintain` runs, as it does each day.
        repeats: Number of times that the commit of a batch is repeated; 0 writes every batch with the sink.
    """
    load = Load("batches", _FILES, RECORDS_OF_A_FILE)
    files = sorted(make(load, scratch / "data").rglob("*.gz"))
    folder = scratch / "table" / "batches"
    layout = table_files.create(spark, "batches", folder)
    # With auto compaction, a few batches would bear the cost of the others.
    spark.conf.set("spark.databricks.delta.autoCompact.enabled", "false")
    grown = Writer(spark, files, name="batches", folder=folder, layout=layout)
    copies = []
    number = maintained = 0
    for age in ages:
        while number < age:
            grown.write(number)
            number += 1
            room = age - number - _UNREPEATED
            if repeats and room > 0:
                number += repeat(folder, about=min(repeats, room))
            if number // day > maintained:
                maintained = number // day
                _maintain(spark, grown, layout)
                print(f"batches: {number:,} of {ages[-1]:,}", flush=True)
        name = f"batches_{age}"
        copy = folder.with_name(name)
        table_files.copy(spark, folder, name=name, target=copy)
        copies.append((age, Writer(spark, files, name=name, folder=copy, layout=layout)))
    return _compared(spark, copies)


def _maintain(spark: SparkSession, writer: Writer, layout: Layout) -> None:
    arguments = [f"--table-name={writer.name}", f"--delta-output-path={writer.folder}"]
    run_maintain(arguments, session=lambda: spark)
    for key, value in {**READING, **writing(layout)}.items():  # maintain has changed them
        spark.conf.set(key, value)


def _compared(spark: SparkSession, copies: Sequence[tuple[int, Writer]]) -> list[Age]:
    footprints = [table_files.footprint(spark, writer.name, writer.folder) for _, writer in copies]
    meter = Meter(spark)
    costs: list[list[Cost]] = [[] for _ in copies]
    for turn in range(TIMED + 1):
        for place, (age, writer) in enumerate(copies):
            cost = meter.of(lambda writer=writer, number=age + turn: writer.write(number))  # type: ignore[misc]
            if turn:  # the first one loads the table's log
                costs[place].append(cost)
    return [
        Age(batches=age, footprint=footprint, cost=middle(cost))
        for (age, _), footprint, cost in zip(copies, footprints, costs, strict=True)
    ]
