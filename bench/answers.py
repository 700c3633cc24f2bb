"""Measure the dashboard's datasets, and write the results to `bench/ANSWERS.md`: `.venv/bin/python -m bench.answers`.

A run that was interrupted continues: with the records, with the table, and with the datasets.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from pyspark.sql import SparkSession

from bench import answers_page, answers_table
from bench.answers_asked import WINDOWS, Asked, ask, database
from bench.month import HOURS
from infra.dashboard.datasets import datasets
from local.laptop.spark import session, stop

ROOT = Path(__file__).parent.parent
SCRATCH = ROOT / ".bench"
CORES = 2


def main() -> None:
    options = _options()
    records = -(-options.rows // HOURS) * HOURS  # the same number per hour
    folder = SCRATCH / "answers" / str(records)
    folder.mkdir(parents=True, exist_ok=True)
    spark = session(cores=CORES, warehouse=folder / "warehouse", app_name="bench answers")
    answers_table.make(spark, folder, data=SCRATCH / "data", records=records)
    asked = _asked(spark, folder, options.leave_out)
    sizes = {name: answers_table.part(spark, name) for name in (answers_table.NAME, answers_table.HOURLY)}
    stop(spark)
    fields = len(answers_table.fields())
    text = answers_page.page(asked, sizes, fields=fields, cores=CORES, left_out=options.leave_out)
    path = ROOT / "bench" / "ANSWERS.md"
    path.write_text(text)
    print(text + f"Results are in bench/ANSWERS.md. The table stays in {folder.relative_to(ROOT)} for the next run")


def _asked(spark: SparkSession, folder: Path, left_out: Sequence[str]) -> list[Asked]:
    """Return the results for all datasets and time ranges: those of an interrupted run, and the rest.

    The longer time range leaves out some datasets.
    """
    path = folder / "results.jsonl"
    asked = [Asked(**json.loads(line)) for line in path.read_text().splitlines()] if path.exists() else []
    done = {(each.dataset, each.window) for each in asked}
    connection = database(spark, folder / "duckdb", threads=CORES)
    pairs = [
        (dataset, window)
        for window in WINDOWS
        for dataset in datasets().values()
        if window is WINDOWS[0] or dataset.name not in left_out
    ]
    for number, (dataset, window) in enumerate(pairs, 1):
        if (dataset.name, window.name) in done:
            continue
        started = time.perf_counter()
        result = ask(spark, connection, dataset, window)
        with path.open("a") as file:
            file.write(f"{json.dumps(asdict(result))}\n")
        asked.append(result)
        print(
            f"answers: {number} of {len(pairs)}: {answers_page.line(result)} "
            f"(all turns: {time.perf_counter() - started:.0f} s)",
            flush=True,
        )
    path.unlink(missing_ok=True)
    return asked


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=".venv/bin/python -m bench.answers", description=__doc__.split("\n")[0])
    parser.add_argument(
        "--rows", type=int, default=answers_page.ROWS, help="records of the month (default: 50,000,000)"
    )
    parser.add_argument(
        "--leave-out",
        action="append",
        default=[],
        choices=sorted(datasets()),
        metavar="DATASET",
        help="measure this dataset for 24 hours only; may be repeated",
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
