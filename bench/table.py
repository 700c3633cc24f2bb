"""Measure the table over time, and write the results to `bench/TABLE.md`: `.venv/bin/python -m bench.table`.

Each part can run alone, and then replaces only its section in `TABLE.md`.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from bench import batches, layouts, quiet, table_page
from bench.month import HOURS, QuietVpc
from local.laptop.spark import session, stop

ROOT = Path(__file__).parent.parent
SCRATCH = ROOT / ".bench"
PARTS = ("batches", "month", "layouts")


def main() -> None:
    options = _options()
    path = ROOT / "bench" / "TABLE.md"
    sections = table_page.sections_of(path.read_text() if path.exists() else "")
    shutil.rmtree(SCRATCH / "table", ignore_errors=True)
    for part in options.part or PARTS:
        spark = session(cores=2, warehouse=SCRATCH / "table" / "warehouse", app_name=f"bench {part}")
        if part == "batches":
            ages = sorted(age for age in {100, 1_000, options.batches} if age <= options.batches)
            grown = batches.measure(spark, SCRATCH, ages=ages, day=options.day, repeats=options.repeats)
            text = table_page.batches(grown, day=options.day, repeats=options.repeats)
        elif part == "month":
            vpc = QuietVpc(options.files_of_a_day, records_of_a_file=options.records_of_a_file)
            text = table_page.month(quiet.measure(spark, SCRATCH, vpc, rounds=options.rounds))
        else:
            records = options.records // HOURS * HOURS  # the same number per hour
            written, measured = layouts.measure(spark, SCRATCH, records=records, rounds=options.rounds)
            text = table_page.layouts(written, measured, records=records, rounds=options.rounds)
        sections[text.splitlines()[0]] = text
        shutil.rmtree(SCRATCH / "table", ignore_errors=True)
    stop(spark)
    text = table_page.page(sections)
    path.write_text(text)
    print(text + f"Results are in bench/TABLE.md. The data stays in {SCRATCH.name}/data for the next run")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=".venv/bin/python -m bench.table", description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("--part", action="append", choices=PARTS, help="run only this part; may be repeated (default: all)")
    add("--rounds", type=int, default=5, help="counted rounds of each question (default: 5)")
    add("--batches", type=int, default=5_000, help="micro-batches (default: 5,000)")
    add("--day", type=int, default=1_440, help="micro-batches between two runs of maintain (default: 1,440)")
    add("--repeats", type=int, default=0, help="repeats of a batch's commit (default: 0, all batches are real)")
    add("--files-of-a-day", type=int, default=288, help="flow log files per day of the quiet VPC (default: 288)")
    add("--records-of-a-file", type=int, default=200, help="records per file of the quiet VPC (default: 200)")
    add("--records", type=int, default=30_000_000, help="records of the busy month (default: 30,000,000)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
