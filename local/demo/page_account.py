"""The page sections on completeness and speed: delivered lines and loaded rows, quarantine, latency."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from local.demo.charts import Column, columns, histogram
from local.demo.html import Content, Html, element
from local.demo.page_parts import mono, panel, table
from local.demo.report import FlowLogResult, Report
from local.demo.text import in_seconds
from vpc_flow_logs.progress import counted


def accounts(report: Report) -> Html:
    """Return the section that compares delivered lines with loaded rows, per flow log."""
    counts = [
        (log.delivered.files, log.delivered.lines, own.rows, own.quarantined, own.accepted, own.rejected, own.neither)
        for log in report.flow_logs
        for own in [log.counts]
    ]
    rows: list[list[Content]] = [
        [_named(log), *numbers, _verdict(log)] for log, numbers in zip(report.flow_logs, counts, strict=True)
    ]
    totals = [sum(column) for column in zip(*counts, strict=True)]
    head = ("flow log of", "files", "delivered lines", "rows", "quarantined", "ACCEPT", "REJECT", "neither", "")
    return panel(
        "Delivered lines and loaded rows",
        table(head, rows, foot=["total", *totals, ""] if totals else ()),
        note="Every delivered line is a row or is counted by an entry of the quarantine table. "
        "Neither ACCEPT nor REJECT: no traffic in the interval, or a format without an action. "
        "SKIPDATA: AWS skipped records and delivered no lines for them.",
    )


def _named(log: FlowLogResult) -> Html:
    about = f"{log.delivered.id}, {log.delivered.format}"
    return element("span", log.delivered.target, element("span", about, class_="line"))


def _verdict(log: FlowLogResult) -> Html:
    return element("span", "agrees", class_="good") if log.agrees else element("span", "differs", class_="bad")


def quarantine(report: Report) -> Html:
    """Return the section on lines that are not records, by file, with the reasons."""
    if not report.quarantine:
        return panel("Quarantine", element("p", "Every line is a record."))
    parts: list[Content] = []
    for file, entries in groupby(report.quarantine, key=lambda entry: entry.file):
        damage = f"Damaged on purpose: {report.damaged[file]}." if file in report.damaged else "Not damaged on purpose."
        rows: list[list[Content]] = [
            [entry.line_number, entry.lines, element("span", entry.reason), mono(entry.line)] for entry in entries
        ]
        parts.append(element("h3", mono(file)))
        parts.append(element("p", damage, class_="note"))
        parts.append(table(("line", "lines", "reason", "begins with"), rows))
    return panel(
        "Quarantine",
        *parts,
        note="Lines that are not records are kept with the reason. The other lines of the file are in the table.",
    )


def lag(report: Report) -> Html:
    """Return the section on the latency from the upload of a file to readable rows."""
    title = "Latency from upload to readable rows"
    if not report.lags:
        return panel(title, element("p", "No file arrived while the job was running."))
    bins = histogram(report.lags)
    data = [
        Column((number,), f"{end:g}", f"{begin:g} to {end:g} s: {counted(number, 'file')}")
        for begin, end, number in bins
    ]
    median_lag = report.median_lag or 0.0
    range_ = f"median {in_seconds(median_lag)}, from {in_seconds(min(report.lags))} to {in_seconds(max(report.lags))}"
    return panel(
        title,
        columns(
            data,
            classes=("time",),
            summary=f"{counted(len(report.lags), 'file')}: {range_}",
            unit=lambda value: f"{value:,.0f}",
            width=460,
            height=210,
            whole=True,
        ),
        element("p", "Files by latency. The number below a column is its upper limit in seconds.", class_="note"),
        element("p", _restart(report.restart_lags), class_="note") if report.restart_lags else None,
        note=f"{counted(len(report.lags), 'file')} that arrived while the job was running: {range_}.",
    )


def _restart(lags: Sequence[float]) -> str:
    return (
        f"{counted(len(lags), 'more file')} arrived while the job restarted to add the new columns: "
        f"maximum {in_seconds(max(lags))}."
    )
