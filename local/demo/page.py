"""The report as one self-contained HTML page, without scripts or external files."""

from __future__ import annotations

from typing import Any

from local.answers.html_page import section
from local.demo.manifest import FlowLogNote
from local.demo.page_charts import latency, ports, times, traffic
from local.demo.report import Report
from local.demo.text import in_seconds
from local.page import render
from local.page.charts import HALF
from vpc_flow_logs.progress import counted

Table = tuple[str, list[tuple[str, bool]], list[list[str]]]
"""The arguments of the template's table: caption, columns (name and whether they hold numbers), and rows."""


def page(report: Report) -> str:
    """Return the text of the page, for a UTF-8 file. All text from flow logs is escaped."""
    left = sum(bool(item.leftover) for item in report.lookups)
    return render.page(
        "report.html",
        report=report,
        verdict=_verdict(report),
        numbers=_numbers(report),
        path=_path(report),
        accounts=_accounts(report),
        traffic=traffic(report),
        answers=[section(answer, width=HALF) for answer in report.answers],
        ports=ports(report),
        latency=latency(report),
        resources=_resources(report),
        left=f"{left} left" if left else "nothing is left",
        lookups=_lookups(report),
        times=times(report),
        versions=", ".join(f"{name} {version}" for name, version in report.versions.items()),
    )


def _verdict(report: Report) -> dict[str, str]:
    lost = report.lines - report.rows - report.quarantined
    sign = "\N{NOT EQUAL TO}" if lost else "="
    badge = "nothing lost" if report.nothing_lost else f"{lost:,} missing" if lost > 0 else "differs"
    return {
        "text": f"{report.lines:,} delivered lines {sign} {report.rows:,} rows + {report.quarantined:,} quarantined",
        "badge": badge,
        "style": "good" if report.nothing_lost else "bad",
    }


def _numbers(report: Report) -> list[tuple[str, str, str]]:
    rejected = sum(log.counts.rejected for log in report.flow_logs)
    with_action = rejected + sum(log.counts.accepted for log in report.flow_logs)
    numbers = [
        ("Files delivered", f"{report.files:,}", ""),
        ("Rows", f"{report.rows:,}", ""),
        ("Quarantined lines", f"{report.quarantined:,}", ""),
        ("Rejected", f"{rejected:,}", f"{100 * rejected / with_action:.1f}% of flows" if with_action else ""),
        ("Skipped by AWS", f"{report.skipped:,}", "SKIPDATA rows"),
    ]
    if report.median_lag is not None:
        numbers.append(("Latency from upload to rows", in_seconds(report.median_lag), _lag(report)))
    return numbers


def _lag(report: Report) -> str:
    """Describe the files that the median covers, and those that it leaves out."""
    running = f"median while the job was running, maximum {in_seconds(max(report.lags))}"
    if not report.restart_lags:
        return running
    restarting = counted(len(report.restart_lags), "file")
    return f"{running}; {restarting} waited for a restart, maximum {in_seconds(max(report.restart_lags))}"


def _path(report: Report) -> list[tuple[str, str]]:
    """Return the path of a record through the deployed resources."""
    deployed = report.deployed
    kinds = dict.fromkeys(log.delivered.target.rpartition(" ")[0] for log in report.flow_logs)
    return [
        (counted(len(report.flow_logs), "flow log"), ", ".join(kinds)),
        ("S3 bucket", deployed.outputs.get("BucketName", "")),
        *((name, deployed.auto_loader[name]) for name in ("SNS topic", "SQS queue") if name in deployed.auto_loader),
        ("Job", deployed.job.get("name", "")),
        ("Delta table", deployed.outputs.get("Table", "")),
    ]


def _accounts(report: Report) -> Table:
    """Return the table that compares delivered lines with loaded rows, per flow log."""
    counts = [
        (log.delivered.files, log.delivered.lines, own.rows, own.quarantined, own.accepted, own.rejected, own.neither)
        for log in report.flow_logs
        for own in [log.counts]
    ]
    totals = [sum(column) for column in zip(*counts, strict=True)]
    rows = [
        [_named(log.delivered), *_separated(numbers), "agrees" if log.agrees else "differs"]
        for log, numbers in zip(report.flow_logs, counts, strict=True)
    ]
    if totals:
        rows.append(["total", *_separated(totals), ""])
    names = ("files", "delivered lines", "rows", "quarantined", "ACCEPT", "REJECT", "neither")
    columns = [("flow log of", False), *((name, True) for name in names), ("", False)]
    return "Delivered lines and loaded rows per flow log", columns, rows


def _named(log: FlowLogNote) -> str:
    return f"{log.target}, {log.id}, {log.format}"


def _resources(report: Report) -> Table:
    resources = sorted(report.deployed.resources, key=lambda resource: (resource.type, resource.logical_id))
    types = counted(len({resource.type for resource in resources}), "type")
    rows = [[resource.type, resource.logical_id, resource.physical_id] for resource in resources]
    return f"{counted(len(rows), 'resource')} of {types}", _texts("type", "logical ID", "physical ID"), rows


def _lookups(report: Report) -> Table:
    rows = [[item.kind, item.name, item.leftover or "none"] for item in report.lookups]
    return "Resources after cdk destroy", _texts("looked up", "name", "found"), rows


def _texts(*names: str) -> list[tuple[str, bool]]:
    return [(name, False) for name in names]


def _separated(numbers: Any) -> list[str]:
    return [f"{number:,}" for number in numbers]
