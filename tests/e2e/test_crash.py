"""`kill -9` of all processes at random moments: no record is lost or duplicated."""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from importlib.metadata import version
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.support.ingesting import Place, Process, contents, try_ingest

CRASHES = int(os.environ.get("VPC_FLOW_LOGS_CRASHES", "6"))
SEED = int(os.environ.get("VPC_FLOW_LOGS_SEED", "1"))

FILES_PER_ROUND = 2
# Python data sources of pyspark 4.1 cannot limit a micro-batch: one has all new files.
BATCHES_PER_ROUND = 1 if version("pyspark").startswith("4.1.") else FILES_PER_ROUND


def file_with(number: int) -> bytes:
    """Return a file with unique records and a unique bad line."""
    good = "".join(f"10.0.{number}.{line} {number}\n" for line in range(5))
    return f"srcaddr srcport\n{good}10.0.{number}.99 bad-{number}\n".encode()


def expected_contents(where: Place, files: int) -> tuple[Counter[tuple[object, ...]], Counter[tuple[object, ...]]]:
    """Return the expected rows of both tables: address, port, time, file; and file, line, lines, text, reason."""
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
def test_runs_killed_at_random_moments_lose_and_duplicate_nothing(spark: SparkSession, tmp_path: Path) -> None:
    """Kill half of the runs while they start and half after one of their batches."""
    where = Place(tmp_path / "place", "crashed", headers=("srcaddr", "srcport"))
    rng = random.Random(SEED)
    files, starting = 0, 0.0
    kills: list[str] = []
    for crash in range(CRASHES):
        for number in range(files, files + FILES_PER_ROUND):
            where.deliver(file_with(number), f"{number}.log")
        files += FILES_PER_ROUND
        process = Process(where.parameters(max_files_per_batch="1"), tmp_path / f"process-{crash}")
        start = time.monotonic()
        try:
            if crash % 2:
                time.sleep(rng.uniform(0, 1.2) * starting)
            else:
                process.wait_for("batch ", times=rng.randint(1, BATCHES_PER_ROUND))
                starting = time.monotonic() - start
                time.sleep(rng.uniform(0, 0.1) * starting)
        finally:
            kills.append(f"after {time.monotonic() - start:.1f} s, {len(process.batches)} batches")
            process.kill()
    last = try_ingest(spark, where)
    assert last.status == 0, f"seed {SEED}, {kills}: {last.message}"
    assert contents(spark, where) == expected_contents(where, files), f"seed {SEED}, {kills}"
