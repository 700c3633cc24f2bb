"""`kill -9` of everything at random moments: at the end nothing is missing and nothing is there twice."""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from importlib.metadata import version
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.support.ingesting import Place, Process, contents

CRASHES = int(os.environ.get("VPC_FLOW_LOGS_CRASHES", "6"))
SEED = int(os.environ.get("VPC_FLOW_LOGS_SEED", "1"))

FILES_A_ROUND = 2
# Python data sources of pyspark 4.1 cannot limit a micro-batch: all that is new comes in one.
BATCHES_A_ROUND = 1 if version("pyspark").startswith("4.1.") else FILES_A_ROUND


def file_with(number: int) -> bytes:
    """Records and bad lines that no other file has."""
    good = "".join(f"10.0.{number}.{line} {number}\n" for line in range(5))
    return f"srcaddr srcport\n{good}10.0.{number}.99 bad-{number}\n".encode()


def delivered(where: Place, files: int) -> tuple[Counter[tuple[object, ...]], Counter[tuple[object, ...]]]:
    """What the tables have to hold: address, port, time and file; file, line, lines, text and reason."""
    records = Counter(
        (f"10.0.{number}.{line}", number, None, f"file:{where.logs}/{number}.log")
        for number in range(files)
        for line in range(5)
    )
    quarantine = Counter(
        (f"file:{where.logs}/{n}.log", 7, 1, f"10.0.{n}.99 bad-{n}", f"srcport: 'bad-{n}' is not an integer")
        for n in range(files)
    )
    return records, quarantine


@pytest.mark.lts
@pytest.mark.slow
def test_a_run_that_is_killed_at_any_moment_loses_nothing_and_doubles_nothing(
    spark: SparkSession, tmp_path: Path
) -> None:
    """Half of the runs are killed while they start, half after one of their batches."""
    where = Place(tmp_path / "place", "crashed", headers=("srcaddr", "srcport"))
    chance = random.Random(SEED)
    files, starting = 0, 0.0
    killed: list[str] = []
    for crash in range(CRASHES):
        for number in range(files, files + FILES_A_ROUND):
            where.deliver(file_with(number), f"{number}.log")
        files += FILES_A_ROUND
        process = Process(where.parameters(max_files_per_batch="1"), tmp_path / f"process-{crash}")
        began = time.monotonic()
        try:
            if crash % 2:
                time.sleep(chance.uniform(0, 1.2) * starting)
            else:
                process.wait_for("batch ", times=chance.randint(1, BATCHES_A_ROUND))
                starting = time.monotonic() - began
                time.sleep(chance.uniform(0, 0.1) * starting)
        finally:
            killed.append(f"after {time.monotonic() - began:.1f} s, {len(process.batches)} batches")
            process.kill()
    last = Process(where.parameters(), tmp_path / "process-last")
    assert last.wait() == 0, f"seed {SEED}, {killed}: {last.err}"
    assert last.err == ""
    assert contents(spark, where) == delivered(where, files), f"seed {SEED}, {killed}"


@pytest.mark.slow
def test_a_run_that_is_interrupted_says_so_and_the_next_one_goes_on(spark: SparkSession, tmp_path: Path) -> None:
    where = Place(tmp_path / "place", "interrupted", headers=("srcaddr", "srcport"))
    for number in range(6):
        where.deliver(file_with(number), f"{number}.log")
    process = Process(where.parameters(max_files_per_batch="1"), tmp_path / "process-0")
    process.wait_for("batch ", times=2)
    process.interrupt()
    assert process.wait() == 130
    assert process.err == "Interrupted. Data loaded so far is kept; run the command again to resume where it stopped.\n"
    last = Process(where.parameters(), tmp_path / "process-last")
    assert last.wait() == 0, last.err
    assert contents(spark, where) == delivered(where, 6)
