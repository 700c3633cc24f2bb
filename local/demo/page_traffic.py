"""The page's sections on the traffic: over time, who sends, which ports, who was rejected."""

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
    """Flows and bytes by the minute, accepted and rejected."""
    minutes = _without_gaps(report.minutes)
    if not minutes:
        return panel("Traffic over time", element("p", "No record says when it was."))
    flows = _chart(
        report, minutes, lambda minute: (minute.accepted, minute.rejected), what="Flows", unit=_short, whole=True
    )
    sizes = _chart(
        report, minutes, lambda minute: (minute.accepted_bytes, minute.rejected_bytes), what="Bytes",
        unit=_size, whole=False,
    )  # fmt: skip
    rows: list[list[Content]] = [
        [_clock(minute.begins), minute.accepted, minute.rejected, minute.accepted_bytes, minute.rejected_bytes]
        for minute in minutes
    ]
    head = ("minute", "accepted flows", "rejected flows", "accepted bytes", "rejected bytes")
    return panel(
        "Traffic over time",
        legend(accept="accepted, and without an action", reject="rejected"),
        element("h3", "Flows a minute"),
        flows,
        element("h3", "Bytes a minute"),
        sizes,
        folded(f"The same as a table of {counted(len(minutes), 'minute')}", table(head, rows)),
        note="By the minute in which a flow began (event_time, UTC), over all flow logs. "
        f"What two flow logs record is counted twice. {_drawn(report, minutes)}",
    )


def _without_gaps(minutes: tuple[Minute, ...]) -> list[Minute]:
    """The minutes of the span that holds nearly all traffic, silent ones included.

    A record can tell of a flow long before; a few of them would squeeze all others.
    """
    if not minutes:
        return []
    known = {minute.begins: minute for minute in minutes}
    most = max(minute.accepted + minute.rejected for minute in minutes)
    busy = [minute.begins for minute in minutes if 100 * (minute.accepted + minute.rejected) >= most]
    return [known.get(begins) or Minute(begins, 0, 0, 0, 0) for begins in range(min(busy), max(busy) + 60, 60)]


def _drawn(report: Report, minutes: list[Minute]) -> str:
    """How many rows are in the charts, and where the others are: with these they are all rows of the table."""
    drawn, timed = (sum(minute.accepted + minute.rejected for minute in of) for of in (minutes, report.minutes))
    told = f"{drawn:,} of {counted(report.rows, 'row')} are drawn"
    others = {"began earlier or later": timed - drawn, "have no time": report.rows - timed}
    left = [f"{count:,} {what}" for what, count in others.items() if count]
    return f"{told}; {', '.join(left)}." if left else f"{told}."


def _chart(
    report: Report,
    minutes: list[Minute],
    parts: Callable[[Minute], tuple[int, int]],
    *,
    what: str,
    unit: Callable[[float], str],
    whole: bool,
) -> Html:
    every = next(step for step in (1, 2, 5, 10, 15, 30, 60, 120, 240, 480, 1440) if len(minutes) <= step * _LABELS)
    first, last = minutes[0].begins, minutes[-1].begins
    data = []
    for minute in minutes:
        accepted, rejected = parts(minute)
        clock = _clock(minute.begins)
        told = f"{clock}: {unit(accepted)} accepted, {unit(rejected)} rejected"
        label = clock if minute.begins // 60 % every == 0 else ""
        data.append(Column((accepted, rejected), label, told))
    lines = [Line((mark.at - first) / 60, mark.what) for mark in report.marks if first <= mark.at <= last + 60]
    total, refused = (sum(parts(minute)[place] for minute in minutes) for place in (0, 1))
    summary = (
        f"{what} a minute from {_clock(first)} to {_clock(last)} UTC: {unit(total)} accepted, {unit(refused)} rejected"
    )
    return columns(data, classes=_BOTH, summary=summary, unit=unit, lines=lines, whole=whole)


def talkers(report: Report) -> Html:
    """The addresses that sent the most bytes."""
    longest = max((one.bytes for one in report.talkers), default=0)
    rows: list[list[Content]] = [
        [
            address(one.address),
            bar((one.bytes,), of=longest, classes=(ACCEPT,)),
            number(in_bytes(one.bytes)),
            one.flows,
            one.peers,
        ]
        for one in report.talkers
    ]
    return panel(
        "Top talkers",
        table(("from", "", "bytes", "flows", "to addresses"), rows),
        note="Who sent the most bytes.",
    )


def ports(report: Report) -> Html:
    """The destination ports with the most flows."""
    longest = max((one.accepted + one.rejected for one in report.ports), default=0)
    rows: list[list[Content]] = [
        [
            element("span", f"{one.number}/{protocol_name(one.protocol)}"),
            port_name(one.number),
            bar((one.accepted, one.rejected), of=longest, classes=_BOTH),
            one.accepted,
            one.rejected,
        ]
        for one in report.ports
    ]
    return panel(
        "Top destination ports",
        table(("port", "usually", "", "accepted", "rejected"), rows),
        note="By flows with an action; a port's name is what usually listens there, not what was seen.",
    )


def rejected(report: Report) -> Html:
    """The addresses that were rejected most."""
    longest = max((one.flows for one in report.rejected), default=0)
    rows: list[list[Content]] = [
        [
            address(one.address),
            bar((one.flows,), of=longest, classes=(REJECT,)),
            one.flows,
            one.targets,
            one.ports,
            element("span", f"{one.port} {port_name(one.port)}".strip(), class_="whole"),
        ]
        for one in report.rejected
    ]
    return panel(
        "Rejected, by source",
        table(("from", "", "flows", "targets", "ports", "mostly"), rows),
        note="To how many addresses and ports, and to which port mostly. Many from one source look like a scan.",
    )


def _clock(seconds: float) -> str:
    return time.strftime("%H:%M", time.gmtime(seconds))


def _size(value: float) -> str:
    return in_bytes(int(value)).replace(".0 ", " ")


def _short(value: float) -> str:
    return f"{value / 1000:g}k" if value >= 10_000 and value % 100 == 0 else f"{value:,.0f}"
