"""The report's charts, each with the table of the same data: traffic over time, ports, latency, time per step."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

from local.demo.ports import port_name, protocol_name
from local.demo.report import Minute, Report
from local.demo.text import in_bytes, in_seconds
from local.page.charts import Series, bars, columns, over_time
from vpc_flow_logs.progress import counted

_BOTH = (("accepted or without an action", "accept"), ("rejected", "reject"))
_NUMBERS = ("accepted flows", "rejected flows", "accepted bytes", "rejected bytes")


def traffic(report: Report) -> dict[str, Any] | None:
    """Return the charts of flows and bytes per minute, accepted and rejected; None if no record has a time."""
    minutes = _without_gaps(report.minutes)
    if not minutes:
        return None
    rows = [
        [_clock(m.begins), *(f"{n:,}" for n in (m.accepted, m.rejected, m.accepted_bytes, m.rejected_bytes))]
        for m in minutes
    ]
    caption = f"The same data as a table, {counted(len(minutes), 'minute')}"
    return {
        "flows": _per_minute(report, minutes, "Flows", [(m.accepted, m.rejected) for m in minutes]),
        "bytes": _per_minute(report, minutes, "Bytes", [(m.accepted_bytes, m.rejected_bytes) for m in minutes]),
        "table": (caption, [("minute", False), *((name, True) for name in _NUMBERS)], rows),
        "note": "Flows of all flow logs, by the minute in which they began (event_time, UTC). "
        f"A flow that two flow logs record is counted twice. {_drawn(report, minutes)}",
    }


def _per_minute(report: Report, minutes: Sequence[Minute], quantity: str, parts: Sequence[tuple[int, int]]) -> Any:
    first, last = minutes[0].begins, minutes[-1].begins
    series = [Series(name, [part[place] for part in parts], color) for place, (name, color) in enumerate(_BOTH)]
    totals = [in_bytes(int(sum(each.values))) if quantity == "Bytes" else f"{sum(each.values):,}" for each in series]
    description = f"from {_clock(first)} to {_clock(last)} UTC: {totals[0]} accepted, {totals[1]} rejected"
    events = [(mark.at, mark.label) for mark in report.marks if first <= mark.at <= last + 60]
    times = [minute.begins for minute in minutes]
    return over_time(f"{quantity} per minute", description, times, series, unit=quantity.lower(), events=events)


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


def ports(report: Report) -> dict[str, Any]:
    """Return the chart and the table of the destination ports with the most flows."""
    names = [f"{port.number}/{protocol_name(port.protocol)}" for port in report.ports]
    labels = [f"{name} {port_name(port.number)}".strip() for name, port in zip(names, report.ports, strict=True)]
    series = [
        Series("accepted", [port.accepted for port in report.ports], "accept"),
        Series("rejected", [port.rejected for port in report.ports], "reject"),
    ]
    rows = [
        [name, port_name(port.number), f"{port.accepted:,}", f"{port.rejected:,}"]
        for name, port in zip(names, report.ports, strict=True)
    ]
    title = "Top destination ports"
    description = f"the most flows are to {labels[0]}" if labels else ""
    head = [("port", False), ("service", False), ("accepted", True), ("rejected", True)]
    return {
        "picture": bars(title, description, labels, series, unit="flows") if labels else None,
        "table": (f"{title} and their flows", head, rows),
    }


def latency(report: Report) -> dict[str, Any] | None:
    """Return the chart of the latency from upload to rows; None if no file arrived while the job was running."""
    lags = report.lags
    if not lags:
        return None
    bins = histogram(lags)
    files = counted(len(lags), "file")
    range_ = f"median {in_seconds(report.median_lag or 0)}, from {in_seconds(min(lags))} to {in_seconds(max(lags))}"
    more = report.restart_lags
    return {
        "picture": columns(
            "Files by latency",
            f"{files}: {range_}",
            [f"{end:g}" for _, end, _ in bins],
            [Series("files", [number for _, _, number in bins])],
            unit="files",
            axis="at most this number of seconds",
        ),
        "table": (
            "Files by latency",
            [("latency", False), ("files", True)],
            [[f"{begin:g} to {end:g} s", f"{number:,}"] for begin, end, number in bins],
        ),
        "note": f"{files} that arrived while the job was running: {range_}.",
        "restart": f"{counted(len(more), 'more file')} arrived while the job restarted to add the new columns: "
        f"maximum {in_seconds(max(more))}."
        if more
        else "",
    }


def times(report: Report) -> dict[str, Any]:
    """Return the chart and the table of the time of each step."""
    names, seconds = [step.name for step in report.steps], [step.seconds for step in report.steps]
    total = f"{in_seconds(sum(seconds))} in total"
    rows = [[step.name, in_seconds(step.seconds)] for step in report.steps]
    picture = bars("Time per step", total, names, [Series("time", seconds)], unit="seconds") if names else None
    return {"picture": picture, "table": ("Steps", [("step", False), ("time", True)], rows), "note": f"{total}."}


def histogram(values: Sequence[float], *, most: int = 12) -> list[tuple[float, float, int]]:
    """Count values in equal bins: begin, end, count. The last bin includes its end.

    >>> histogram([0.2, 1.1, 1.9, 3.0])
    [(0.0, 0.5, 1), (0.5, 1.0, 0), (1.0, 1.5, 1), (1.5, 2.0, 1), (2.0, 2.5, 0), (2.5, 3.0, 1)]
    """
    if not values:
        return []
    largest = max(values)
    sizes = [size * 10.0**power for power in range(-1, 7) for size in (1, 2, 5)][2:]
    width = next(size for size in sizes if size * most >= largest)
    count = max(1, math.ceil(largest / width - 1e-9))
    bins = [0] * count
    for value in values:
        bins[min(count - 1, int(value / width))] += 1
    return [(place * width, (place + 1) * width, number) for place, number in enumerate(bins)]


def _clock(seconds: float) -> str:
    return time.strftime("%H:%M", time.gmtime(seconds))
