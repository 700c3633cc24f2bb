"""The demo's questions and their answers, for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from statistics import median

from local.demo.ports import port_name, protocol_name
from local.demo.report import Entry, FlowLogResult, Gone, Port, Source, Talker
from local.demo.text import aligned, in_bytes, in_seconds
from vpc_flow_logs.progress import counted
from vpc_flow_logs.terminal import printable


def by_flow_log(results: Sequence[FlowLogResult]) -> str:
    """Rows by flow log and format."""
    rows = [
        (log.delivered.what, log.delivered.format, own.rows, own.accepted, own.rejected, own.neither)
        for log in results
        for own in [log.found]
    ]
    told = aligned(("flow log of", "format", "rows", "ACCEPT", "REJECT", "neither"), rows)
    return f"Rows by flow log (neither: no traffic, or a transit gateway's, which tells no action)\n\n{told}"


def top_talkers(talkers: Sequence[Talker]) -> str:
    """Who sent most."""
    rows = [(one.address, in_bytes(one.bytes), one.flows, one.peers) for one in talkers]
    return "Top talkers: who sent the most bytes\n\n" + aligned(("from", "bytes", "flows", "to addresses"), rows)


def top_ports(ports: Sequence[Port]) -> str:
    """What was asked for most."""
    rows = [
        (f"{one.number}/{protocol_name(one.protocol)}", port_name(one.number), one.accepted, one.rejected)
        for one in ports
    ]
    return "Top destination ports\n\n" + aligned(("port", "usually", "accepted", "rejected"), rows)


def rejected(sources: Sequence[Source]) -> str:
    """Who was rejected most."""
    rows = [
        (one.address, one.flows, one.targets, one.ports, f"{one.port} {port_name(one.port)}".strip()) for one in sources
    ]
    head = ("from", "flows", "to addresses", "to ports", "mostly")
    return "Rejected: who was turned away most\n\n" + aligned(head, rows)


def quarantine(entries: Sequence[Entry], damaged: Mapping[str, str]) -> str:
    """What is no record, and why."""
    told = ["Quarantine: what is no record, and why"]
    for file, of_file in groupby(entries, key=lambda entry: entry.file):
        told.append(f"\n  {printable(file)}\n    on purpose: {damaged.get(file, 'no, nobody damaged it')}")
        rows = [(one.line_number, one.lines, one.reason) for one in of_file]
        told.append(_indented(aligned(("line", "lines", "reason"), rows), by=2))
    return "\n".join(told)


def check(results: Sequence[FlowLogResult]) -> str:
    """Delivered and found, flow log by flow log, and the sum."""
    rows = [
        (
            *(log.delivered.what, log.delivered.lines, "=" if log.agrees else "\N{NOT EQUAL TO}", log.found.rows, "+"),
            *(log.found.quarantined, "" if log.agrees else "<-- differs"),
        )
        for log in results
    ]
    told = aligned(("flow log of", "delivered lines", "", "rows", "", "quarantined", ""), rows)
    lines = sum(log.delivered.lines for log in results)
    there, kept = sum(log.found.rows for log in results), sum(log.found.quarantined for log in results)
    sum_ = f"delivered {counted(lines, 'line')}, in the tables {counted(there, 'row')} + {kept:,} quarantined"
    if lines == there + kept:
        sum_ = f"delivered {counted(lines, 'line')} = {counted(there, 'row')} + {kept:,} quarantined: nothing lost"
    return f"{told}\n\n{sum_}"


def skipped(results: Sequence[FlowLogResult]) -> str:
    """What AWS itself did not record."""
    rows = sum(log.found.skipped for log in results)
    return f"skipped by AWS itself: {counted(rows, 'row')} with SKIPDATA"


def lag(running: Sequence[float], restarting: Sequence[float]) -> list[str]:
    """How long it took from a file's put to its rows being readable."""
    told = []
    if running:
        told.append(
            f"file put to row readable: median {in_seconds(median(running))}, at most {in_seconds(max(running))}, "
            f"over {counted(len(running), 'file')}"
        )
    if restarting:
        told.append(
            f"for {counted(len(restarting), 'file')} that came while the job was restarted: at most "
            f"{in_seconds(max(restarting))}"
        )
    return told


def gone(looked_up: Sequence[Gone]) -> str:
    """What is left."""
    return aligned(("looked up", "name", "found"), [(one.what, one.name, one.found or "none") for one in looked_up])


def _indented(text: str, by: int) -> str:
    return "\n".join(" " * by + line if line else "" for line in text.splitlines())
