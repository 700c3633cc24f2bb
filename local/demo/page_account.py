"""The page's sections on completeness and speed: delivered and found, quarantine, lag."""

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
    """For each flow log: delivered lines, and where they are."""
    counts = [
        (log.delivered.files, log.delivered.lines, own.rows, own.quarantined, own.accepted, own.rejected, own.neither)
        for log in report.flow_logs
        for own in [log.found]
    ]
    rows: list[list[Content]] = [
        [_named(log), *numbers, _verdict(log)] for log, numbers in zip(report.flow_logs, counts, strict=True)
    ]
    totals = [sum(column) for column in zip(*counts, strict=True)]
    head = ("flow log of", "files", "delivered lines", "rows", "quarantined", "ACCEPT", "REJECT", "neither", "")
    return panel(
        "Delivered, and found in the tables",
        table(head, rows, foot=["all", *totals, ""] if totals else ()),
        note="Each delivered line is a row, or counted by an entry of the quarantine table. "
        "Neither ACCEPT nor REJECT: no traffic in the interval, or a format without an action. "
        "SKIPDATA: AWS itself skipped records, for which no line was delivered.",
    )


def _named(log: FlowLogResult) -> Html:
    about = f"{log.delivered.id}, {log.delivered.format}"
    return element("span", log.delivered.what, element("span", about, class_="line"))


def _verdict(log: FlowLogResult) -> Html:
    return element("span", "agrees", class_="good") if log.agrees else element("span", "differs", class_="bad")


def quarantine(report: Report) -> Html:
    """What could not be read, file by file, and why."""
    if not report.quarantine:
        return panel("Quarantine", element("p", "Every line could be read."))
    parts: list[Content] = []
    for file, entries in groupby(report.quarantine, key=lambda entry: entry.file):
        done = report.damaged.get(file, "nobody damaged it on purpose")
        rows: list[list[Content]] = [
            [entry.line_number, entry.lines, element("span", entry.reason), mono(entry.line)] for entry in entries
        ]
        parts.append(element("h3", mono(file)))
        parts.append(element("p", f"On purpose: {done}." if file in report.damaged else f"{done}.", class_="note"))
        parts.append(table(("line", "lines", "reason", "begins with"), rows))
    return panel(
        "Quarantine",
        *parts,
        note="What is no record is kept, with the reason. The rest of its file is in the table.",
    )


def lag(report: Report) -> Html:
    """How long it took from a file's put to its rows being readable."""
    title = "File put to row readable"
    if not report.lags:
        return panel(title, element("p", "No file came while the job was running."))
    bins = histogram(report.lags)
    data = [
        Column((number,), f"{end:g}", f"{begin:g} to {end:g} s: {counted(number, 'file')}")
        for begin, end, number in bins
    ]
    middle = report.median_lag or 0.0
    told = f"median {in_seconds(middle)}, from {in_seconds(min(report.lags))} to {in_seconds(max(report.lags))}"
    return panel(
        title,
        columns(
            data,
            classes=("time",),
            summary=f"{counted(len(report.lags), 'file')}: {told}",
            unit=lambda value: f"{value:,.0f}",
            width=460,
            height=210,
            whole=True,
        ),
        element("p", "Files, by seconds (up to the number under the column).", class_="note"),
        element("p", _restart(report.restart_lags), class_="note") if report.restart_lags else None,
        note=f"{counted(len(report.lags), 'file')} that came while the job was running: {told}.",
    )


def _restart(lags: Sequence[float]) -> str:
    return (
        f"{counted(len(lags), 'more file')} came while the job was restarted, to have the new columns: "
        f"at most {in_seconds(max(lags))}. "
    )
