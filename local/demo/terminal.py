"""The results of the demo's queries as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from statistics import median

from local.answers.cells import shown
from local.answers.result import Result
from local.demo.ports import port_name, protocol_name
from local.demo.report import Entry, FlowLogResult, Lookup, Port
from local.demo.text import aligned, in_seconds
from vpc_flow_logs.progress import counted
from vpc_flow_logs.terminal import printable


def by_flow_log(results: Sequence[FlowLogResult]) -> str:
    """Return the rows per flow log."""
    rows = [
        (log.delivered.target, log.delivered.format, own.rows, own.accepted, own.rejected, own.neither)
        for log in results
        for own in [log.counts]
    ]
    table = aligned(("flow log of", "format", "rows", "ACCEPT", "REJECT", "neither"), rows)
    return f"Rows by flow log (neither: no traffic in the interval, or a format without an action)\n\n{table}"


def answer(result: Result) -> str:
    """Return an answer of the catalog. Its numbers are counts."""
    rows = [[cell if isinstance(cell, int) else shown(cell) for cell in row] for row in result.rows]
    return f"{result.title}\n\n{aligned([column.name for column in result.columns], rows)}"


def top_ports(ports: Sequence[Port]) -> str:
    """Return the destination ports with the most flows."""
    rows = [
        (f"{port.number}/{protocol_name(port.protocol)}", port_name(port.number), port.accepted, port.rejected)
        for port in ports
    ]
    return "Top destination ports\n\n" + aligned(("port", "service", "accepted", "rejected"), rows)


def quarantine(entries: Sequence[Entry], damaged: Mapping[str, str]) -> str:
    """Return the lines that are not records, by file, with the reasons."""
    parts = ["Quarantine: lines that are not records"]
    for file, of_file in groupby(entries, key=lambda entry: entry.file):
        parts.append(f"\n  {printable(file)}\n    damaged on purpose: {damaged.get(file, 'no')}")
        rows = [(entry.line_number, entry.lines, entry.reason) for entry in of_file]
        parts.append(_indented(aligned(("line", "lines", "reason"), rows), by=2))
    return "\n".join(parts)


def check(results: Sequence[FlowLogResult]) -> str:
    """Compare delivered lines with loaded rows, per flow log and in total."""
    rows = [
        (
            *(
                log.delivered.target,
                log.delivered.lines,
                "=" if log.agrees else "\N{NOT EQUAL TO}",
                log.counts.rows,
                "+",
            ),
            *(log.counts.quarantined, "" if log.agrees else "<-- differs"),
        )
        for log in results
    ]
    table = aligned(("flow log of", "delivered lines", "", "rows", "", "quarantined", ""), rows)
    lines = sum(log.delivered.lines for log in results)
    loaded, quarantined = sum(log.counts.rows for log in results), sum(log.counts.quarantined for log in results)
    total = f"delivered {counted(lines, 'line')}, in the tables {counted(loaded, 'row')} + {quarantined:,} quarantined"
    if lines == loaded + quarantined:
        total = (
            f"delivered {counted(lines, 'line')} = {counted(loaded, 'row')} + {quarantined:,} quarantined: nothing lost"
        )
    return f"{table}\n\n{total}"


def skipped(results: Sequence[FlowLogResult]) -> str:
    """Return the number of SKIPDATA rows: AWS skipped records."""
    rows = sum(log.counts.skipped for log in results)
    return f"skipped by AWS: {counted(rows, 'SKIPDATA row')}"


def lag(running: Sequence[float], restarting: Sequence[float]) -> list[str]:
    """Return the latency of the files that arrived while the job was running, and of those during its restart."""
    latencies = []
    if running:
        latencies.append(
            f"latency from file upload to readable rows: median {in_seconds(median(running))}, "
            f"maximum {in_seconds(max(running))}, {counted(len(running), 'file')}"
        )
    if restarting:
        latencies.append(
            f"{counted(len(restarting), 'file')} arrived while the job restarted: "
            f"maximum latency {in_seconds(max(restarting))}"
        )
    return latencies


def leftovers(lookups: Sequence[Lookup]) -> str:
    """Return the resources that were looked up, and those still there."""
    return aligned(
        ("looked up", "name", "found"), [(item.kind, item.name, item.leftover or "none") for item in lookups]
    )


def _indented(text: str, by: int) -> str:
    return "\n".join(" " * by + line if line else "" for line in text.splitlines())
