"""The text of `TABLE.md`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.batches import RECORDS_OF_A_FILE, TIMED, Age
from bench.layouts import Measured
from bench.questions import QUESTIONS
from bench.quiet import AFTER, BEFORE, Month
from bench.results import machine
from bench.table_files import Footprint

_MEGABYTE = 1_000_000


_TITLES = (
    "## The age of a table and the cost of a micro-batch",
    "## A month of a quiet VPC, before and after `maintain`",
    "## Layouts of a busy month",
)


def sections_of(text: str) -> dict[str, str]:
    """Return the sections of a page by their title line.

    >>> sections_of("# Results\\n\\nMachine\\n\\n## One\\n\\n1\\n\\n## Two\\n\\n2\\n")
    {'## One': '## One\\n\\n1\\n', '## Two': '## Two\\n\\n2\\n'}
    """
    parts = [f"## {part.strip()}\n" for part in f"\n{text}".split("\n## ")[1:]]
    return {part.splitlines()[0]: part for part in parts}


def page(sections: Mapping[str, str]) -> str:
    """Return the page with the sections, by their title line."""
    head = (
        "# Results of `make bench-table`\n\n"
        f"{machine()} Compare the ratios, because absolute times vary from machine to machine. "
        "The tables of a comparison take turns in one process; the first turn of each is not counted. CPU time is that "
        "of Spark's Java process. Other processes hardly change it.\n"
    )
    return "\n".join([head, *(sections[title] for title in _TITLES if title in sections)])


def batches(ages: Sequence[Age], *, day: int, repeats: int) -> str:
    """Return the section about the cost of a micro-batch."""
    first = ages[0]
    note = (
        f" To save time, the sink wrote one batch after every {repeats} or so; the others repeat its commit, each with "
        f"a copy of its data file. To run without repeats, use `make bench-table "
        "ARGS='--part batches'`."
        if repeats
        else ""
    )
    lines = [
        _TITLES[0],
        "",
        (
            f"Each batch has one file of {RECORDS_OF_A_FILE} records, and `maintain` runs after every {day:,} batches. "
            f"Medians of {TIMED} batches after the given number of batches, divided by those after {first.batches:,}."
            f"{note}"
        ),
        "",
        "| batches | CPU time | elapsed time | data files | files in the log | size of the log (MB) |",
        "|---|---|---|---|---|---|",
    ]
    for age in ages:
        cpu, elapsed = age.cost.cpu / first.cost.cpu, age.cost.elapsed / first.cost.elapsed
        size = age.footprint
        lines.append(
            f"| {age.batches:,} | {cpu:.2f} | {elapsed:.2f} | {size.files:,} | {size.log_files:,} | "
            f"{size.log_bytes / _MEGABYTE:.1f} |"
        )
    return "\n".join([*lines, ""])


def month(result: Month) -> str:
    """Return the section about a month of a quiet VPC."""
    lines = [
        _TITLES[1],
        "",
        (
            f"{result.files:,} flow log files with {result.records:,} records. Before `maintain`, the table has a data "
            "file for each of them."
        ),
        "",
        "| question | files read before | files read after | CPU time before / after | elapsed time before / after |",
        "|---|---|---|---|---|",
    ]
    for question in QUESTIONS:
        before, after = (result.answers[question][name] for name in (BEFORE, AFTER))
        lines.append(
            f"| {question} | {_share(before.files, result.before)} | {_share(after.files, result.after)} | "
            f"{before.cost.cpu / after.cost.cpu:.1f} | {before.cost.elapsed / after.cost.elapsed:.1f} |"
        )
    duckdb = result.duckdb_bytes
    sizes = [
        ("flow log files (gzip)", result.files, result.gzip_bytes),
        ("table before `maintain`", result.before.files, result.before.bytes),
        ("table after `maintain`", result.after.files, result.after.bytes),
        (f"hourly roll-up ({result.hourly_rows:,} rows)", result.hourly.files, result.hourly.bytes),
        *((f"DuckDB's Parquet, {codec}", 1, size) for codec, size in duckdb.items()),
    ]
    lines += ["", "| | files | bytes per record | divided by the gzip files |", "|---|---|---|---|"]
    for name, files, size in sizes:
        ratio = size / result.gzip_bytes
        lines.append(f"| {name} | {files:,} | {size / result.records:.1f} | {ratio:.2f} |")
    return "\n".join([*lines, ""])


def layouts(written: Footprint, measured: Sequence[Measured], *, records: int, rounds: int) -> str:
    """Return the section about the layouts."""
    first = measured[0]
    lines = [
        _TITLES[2],
        "",
        (
            f"{records:,} records, which the job wrote as {written.files:,} files with "
            f"{written.bytes / records:.1f} bytes per record. Each layout is the result of one OPTIMIZE. Times are CPU "
            f"times, divided by those of the first line; medians of {rounds} rounds. The OPTIMIZE of the first "
            f"line took {first.maintenance.cpu / records * 1_000_000:.1f} CPU seconds per million records. In "
            "parentheses: the files that a question reads."
        ),
        "",
        f"| layout | files | bytes per record | maintenance | {' | '.join(QUESTIONS)} |",
        "|---|---|---|---|" + "---|" * len(QUESTIONS),
    ]
    for result in measured:
        name = f"{result.candidate.name}{', sorted in the files' if result.candidate.sort else ''}"
        asked = [
            f"{result.answers[question].cost.cpu / first.answers[question].cost.cpu:.2f} "
            f"({result.answers[question].files:,})"
            for question in QUESTIONS
        ]
        lines.append(
            f"| {name} | {result.footprint.files:,} | {result.footprint.bytes / records:.1f} | "
            f"{result.maintenance.cpu / first.maintenance.cpu:.2f} | {' | '.join(asked)} |"
        )
    return "\n".join([*lines, ""])


def _share(files: int, of: Footprint) -> str:
    return f"{files:,} of {of.files:,}"
