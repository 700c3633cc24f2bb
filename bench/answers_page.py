"""The text of `ANSWERS.md`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bench.answers_asked import ROUNDS, SLOW, WINDOWS, Asked
from bench.answers_table import HOURLY, NAME, Part
from bench.results import machine
from infra.dashboard.datasets import datasets

_MEGABYTE = 1_000_000
_LIMITS = {window.name: window.limit for window in WINDOWS}
_DAY = WINDOWS[0].name
ROWS = 50_000_000
"""Number of records that the limits are for."""

_EMPTY = {
    "transit_gateway_drops": "VPC flow logs do not have the fields of transit gateways",
    "quarantine_summary": "the quarantine table is empty",
    "port_scans": "no source in the synthetic traffic tries 20 ports or 20 addresses",
}
"""Datasets without rows, with the reason."""


def line(result: Asked) -> str:
    """Return a result as a line of progress."""
    other = result.problem if result.duckdb is None else f"DuckDB {result.duckdb:.2f} s"
    return (
        f"{result.dataset}, {result.window}: {result.rows:,} rows from {result.files:,} files, "
        f"{result.spark:.2f} s in Spark, {other}"
    )


def is_met(result: Asked) -> bool:
    """Return whether a dataset takes at most the seconds of its time range."""
    return result.spark <= _LIMITS[result.window]


def source(result: Asked) -> str:
    """Return the table that a dataset reads: records, the roll-up, or the quarantine table."""
    sql = datasets()[result.dataset].sql
    if "_quarantine`" in sql:
        return "quarantine"
    return "roll-up" if "_hourly`" in sql and result.window != _DAY else "records"


def page(
    asked: Sequence[Asked], parts: Mapping[str, Part], *, fields: int, cores: int, left_out: Sequence[str] = ()
) -> str:
    """Return the page.

    Args:
        asked: The results.
        parts: The sizes of the records table and of the roll-up, by name.
        fields: Number of fields of the flow log.
        cores: Number of cores that each engine uses.
        left_out: Datasets that were measured for 24 hours only.
    """
    head = _head(parts, fields=fields, cores=cores)
    return "\n".join([*head, *_summary(asked), *_table(asked), *_notes(asked, left_out), ""])


def _head(parts: Mapping[str, Part], *, fields: int, cores: int) -> list[str]:
    records, hourly = parts[NAME], parts[HOURLY]
    smaller = f" **The limits are for {ROWS:,} records. This run has fewer.**" if records.rows < ROWS else ""
    return [
        "# Results of `make bench-answers`",
        "",
        (
            f"{machine()} Compare the ratios, because absolute times vary from machine to "
            f"machine. Both engines use {cores} cores and about 3 GB of memory, and take turns in one process. The "
            f"first turn of each is not counted. Times are medians of {ROUNDS} turns. If Spark needs more than "
            f"{SLOW:.0f} seconds for the first turn, one turn is counted."
        ),
        "",
        "## The table",
        "",
        (
            "A month of synthetic traffic in the layout of the job, after one run of `maintain`. The flow log has "
            f"{fields} fields: the default format, and all fields of VPC flow logs that a dataset of the dashboard "
            "needs. With the default format alone, the datasets about cost are empty, and so are those about "
            "instances, subnets, original addresses, encryption, and reject reasons."
            f"{smaller}"
        ),
        "",
        "| table | rows | files | MB | bytes per row |",
        "|---|---|---|---|---|",
        *(
            f"| {name} | {part.rows:,} | {part.files:,} | {part.bytes / _MEGABYTE:,.0f} | "
            f"{part.bytes / max(part.rows, 1):.1f} |"
            for name, part in (("records", records), ("hourly roll-up", hourly))
        ),
        "",
    ]


def _summary(asked: Sequence[Asked]) -> Iterator[str]:
    yield "## The datasets of the dashboard"
    yield ""
    yield (
        "The benchmark runs each dataset with the SQL and parameters that the dashboard sends when no filter is set, "
        "for the last 24 hours and for 30 days. For 30 days, the datasets of the overview read the roll-up; all others "
        "read the records. DuckDB runs the same SQL over the same Parquet files; only syntax and functions that differ "
        "are replaced. Both engines return the same rows; a difference ends the benchmark."
    )
    yield ""
    for window in WINDOWS:
        for name in ("roll-up", "records"):
            group = [each for each in asked if each.window == window.name and source(each) == name]
            if group:
                met = sum(map(is_met, group))
                missed = sorted((each for each in group if not is_met(each)), key=lambda each: -each.spark)
                listed = ", ".join(f"`{each.dataset}` ({each.spark:.1f} s)" for each in missed)
                more = f" Slower: {listed}." if missed else ""
                of = "the roll-up" if name == "roll-up" else "the records"
                yield (
                    f"- {window.name}, datasets that read {of}: {met} of {len(group)} take at most "
                    f"{window.limit:.0f} seconds.{more}"
                )
    yield ""


def _table(asked: Sequence[Asked]) -> Iterator[str]:
    yield "| dataset | time range | reads | rows in the result | files read | seconds | limit met | Spark / DuckDB |"
    yield "|---|---|---|---|---|---|---|---|"
    for each in asked:
        ratio = "not possible" if each.duckdb is None else f"{each.spark / max(each.duckdb, 0.001):.1f}"
        met = "yes" if is_met(each) else "**no**"
        yield (
            f"| {each.dataset} | {each.window} | {source(each)} | {each.rows:,} | {each.files:,} | {each.spark:.2f} | "
            f"{met} | {ratio} |"
        )


def _notes(asked: Sequence[Asked], left_out: Sequence[str]) -> Iterator[str]:
    impossible = {each.dataset: each.problem for each in asked if each.duckdb is None}
    empty = {each.dataset: _EMPTY[each.dataset] for each in asked if not each.rows and each.dataset in _EMPTY}
    if empty or impossible or left_out:
        yield ""
    for name in left_out:
        yield f"- `{name}` was left out for {WINDOWS[-1].name} (`--leave-out {name}`)."
    for name, reason in empty.items():
        yield f"- `{name}` has no rows, because {reason}."
    for name, reason in impossible.items():
        yield f"- DuckDB cannot compute `{name}`: {reason}"
