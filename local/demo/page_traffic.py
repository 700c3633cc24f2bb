"""The page sections on the traffic: over time, top talkers, top ports, rejected sources."""

from __future__ import annotations

import time
from collections.abc import Callable

from local.demo.charts import Column, Line, bar, columns
from local.demo.html import Content, Html, element
from local.demo.page_parts import ACCEPT, REJECT, address, folded, legend, number, panel, table
from local.demo.ports import port_name, protocol_name
from local.demo.report import Minute, Report
from local.demo.text import in_bytes
from vpc_flow_logs.progress import counted

_BOTH = (ACCEPT, REJECT)
_LABELS = 12


def over_time(report: Report) -> Html:
    """Return the section on flows and bytes per minute, accepted and rejected."""
    minutes = _without_gaps(report.minutes)
    if not minutes:
        return panel("Traffic over time", element("p", "No record has an event time."))
    flows = _chart(
        report, minutes, lambda minute: (minute.accepted, minute.rejected), quantity="Flows", unit=_short, whole=True
    )
    sizes = _chart(
        report, minutes, lambda minute: (minute.accepted_bytes, minute.rejected_bytes), quantity="Bytes",
        unit=_size, whole=False,
    )  # fmt: skip
    rows: list[list[Content]] = [
        [_clock(minute.begins), minute.accepted, minute.rejected, minute.accepted_bytes, minute.rejected_bytes]
        for minute in minutes
    ]
    head = ("minute", "accepted flows", "rejected flows", "accepted bytes", "rejected bytes")
    return panel(
        "Traffic over time",
        legend(accept="accepted or without an action", reject="rejected"),
        element("h3", "Flows per minute"),
        flows,
        element("h3", "Bytes per minute"),
        sizes,
        folded(f"The same data as a table, {counted(len(minutes), 'minute')}", table(head, rows)),
        note="Flows of all flow logs, by the minute in which they began (event_time, UTC). "
        f"A flow that two flow logs record is counted twice. {_drawn(report, minutes)}",
    )


def _without_gaps(minutes: tuple[Minute, ...]) -> list[Minute]:
    """Return the minutes from the first to the last busy one, including those without traffic.

    A few records can describe much earlier flows; a chart that included them would squeeze all others.
    """
    if not minutes:
        return []
    known = {minute.begins: minute for minute in minutes}
    most = max(minute.accepted + minute.rejected for minute in minutes)
    busy = [minute.begins for minute in minutes if 100 * (minute.accepted + minute.rejected) >= most]
    return [known.get(begins) or Minute(begins, 0, 0, 0, 0) for begins in range(min(busy), max(busy) + 60, 60)]


def _drawn(report: Report, minutes: list[Minute]) -> str:
    """Count the rows in the charts and those left out; together they are all rows of the table."""
    drawn, timed = (sum(minute.accepted + minute.rejected for minute in of) for of in (minutes, report.minutes))
    in_charts = f"The charts show {drawn:,} of {counted(report.rows, 'row')}"
    others = {"earlier or later": timed - drawn, "without a time": report.rows - timed}
    left_out = [f"{count:,} {reason}" for reason, count in others.items() if count]
    return f"{in_charts}; left out: {', '.join(left_out)}." if left_out else f"{in_charts}."


def _chart(
    report: Report,
    minutes: list[Minute],
    parts: Callable[[Minute], tuple[int, int]],
    *,
    quantity: str,
    unit: Callable[[float], str],
    whole: bool,
) -> Html:
    every = next(step for step in (1, 2, 5, 10, 15, 30, 60, 120, 240, 480, 1440) if len(minutes) <= step * _LABELS)
    first, last = minutes[0].begins, minutes[-1].begins
    data = []
    for minute in minutes:
        accepted, rejected = parts(minute)
        clock = _clock(minute.begins)
        tooltip = f"{clock}: {unit(accepted)} accepted, {unit(rejected)} rejected"
        label = clock if minute.begins // 60 % every == 0 else ""
        data.append(Column((accepted, rejected), label, tooltip))
    lines = [Line((mark.at - first) / 60, mark.label) for mark in report.marks if first <= mark.at <= last + 60]
    totals = [unit(sum(parts(minute)[place] for minute in minutes)) for place in (0, 1)]
    period = f"from {_clock(first)} to {_clock(last)} UTC"
    summary = f"{quantity} per minute {period}: {totals[0]} accepted, {totals[1]} rejected"
    return columns(data, classes=_BOTH, summary=summary, unit=unit, lines=lines, whole=whole)


def talkers(report: Report) -> Html:
    """Return the section on the addresses that sent the most bytes."""
    most = max((talker.bytes for talker in report.talkers), default=0)
    rows: list[list[Content]] = [
        [
            address(talker.address),
            bar((talker.bytes,), of=most, classes=(ACCEPT,)),
            number(in_bytes(talker.bytes)),
            talker.flows,
            talker.peers,
        ]
        for talker in report.talkers
    ]
    return panel(
        "Top talkers",
        table(("from", "", "bytes", "flows", "to addresses"), rows),
        note="Addresses that sent the most bytes.",
    )


def ports(report: Report) -> Html:
    """Return the section on the destination ports with the most flows."""
    most = max((port.accepted + port.rejected for port in report.ports), default=0)
    rows: list[list[Content]] = [
        [
            element("span", f"{port.number}/{protocol_name(port.protocol)}"),
            port_name(port.number),
            bar((port.accepted, port.rejected), of=most, classes=_BOTH),
            port.accepted,
            port.rejected,
        ]
        for port in report.ports
    ]
    return panel(
        "Top destination ports",
        table(("port", "service", "", "accepted", "rejected"), rows),
        note="By flows with an action. The service is the usual one on the port; flow logs do not record it.",
    )


def rejected(report: Report) -> Html:
    """Return the section on the addresses with the most rejected flows."""
    most = max((source.flows for source in report.rejected), default=0)
    rows: list[list[Content]] = [
        [
            address(source.address),
            bar((source.flows,), of=most, classes=(REJECT,)),
            source.flows,
            source.targets,
            source.ports,
            element("span", f"{source.port} {port_name(source.port)}".strip(), class_="whole"),
        ]
        for source in report.rejected
    ]
    return panel(
        "Rejected, by source",
        table(("from", "", "flows", "to addresses", "to ports", "top port"), rows),
        note="The addresses and ports that each source tried, and its most frequent port. Many targets suggest a scan.",
    )


def _clock(seconds: float) -> str:
    return time.strftime("%H:%M", time.gmtime(seconds))


def _size(value: float) -> str:
    return in_bytes(int(value)).replace(".0 ", " ")


def _short(value: float) -> str:
    return f"{value / 1000:g}k" if value >= 10_000 and value % 100 == 0 else f"{value:,.0f}"
