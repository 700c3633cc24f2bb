"""The report as one self-contained HTML page, without scripts or external files."""

from __future__ import annotations

from pathlib import Path

from local.demo.html import Content, Html, element, joined
from local.demo.page_account import accounts, lag, quarantine
from local.demo.page_cloud import deployed, leftovers, steps, versions
from local.demo.page_traffic import over_time, ports, rejected, talkers
from local.demo.report import Report
from local.demo.text import in_seconds
from vpc_flow_logs.progress import counted

_STYLE = Path(__file__).parent.parent / "page" / "style.css"


def page(report: Report) -> str:
    """Return the text of the page, for a UTF-8 file. All text from flow logs is escaped."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        # The page must load no other resource, whatever text a flow log contains.
        element("meta", http_equiv="Content-Security-Policy", content="default-src 'none'; style-src 'unsafe-inline'"),
        element("title", "VPC flow logs: demo report"),
        element("style", Html(_STYLE.read_text(encoding="utf-8"))),
    )
    body = element("body", element("main", *_content(report)))
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"


def _content(report: Report) -> list[Content]:
    return [
        _header(report),
        _figures(report),
        _path(report),
        accounts(report),
        over_time(report),
        element("div", talkers(report), ports(report), class_="pair"),
        element("div", rejected(report), lag(report), class_="pair"),
        quarantine(report),
        deployed(report),
        element("div", leftovers(report), steps(report), class_="pair") if report.lookups else steps(report),
        versions(report),
    ]


def _header(report: Report) -> Html:
    lost = report.lines - report.rows - report.quarantined
    if report.nothing_lost:
        badge = element("span", "nothing lost", class_="badge good")
    elif lost > 0:
        badge = element("span", f"{lost:,} missing", class_="badge bad")
    else:
        badge = element("span", "differs", class_="badge bad")
    sign = "=" if report.lines == report.rows + report.quarantined else "\N{NOT EQUAL TO}"
    verdict = f"{report.lines:,} delivered lines {sign} {report.rows:,} rows + {report.quarantined:,} quarantined"
    about = f"{report.deployed.stack}, seed {report.seed}, {report.created_at:%Y-%m-%d %H:%M} UTC, on the local stage"
    return element(
        "header",
        element("p", about, class_="eyebrow"),
        element("h1", "VPC flow logs in a Delta table: delivered lines and loaded rows"),
        element("p", element("span", verdict), badge, class_="verdict"),
        _differences(report),
    )


def _differences(report: Report) -> Content:
    if not report.differences:
        return None
    return element("ul", [element("li", difference) for difference in report.differences], class_="differences")


def _figures(report: Report) -> Html:
    rejected_flows = sum(log.counts.rejected for log in report.flow_logs)
    with_action = rejected_flows + sum(log.counts.accepted for log in report.flow_logs)
    share = f"{100 * rejected_flows / with_action:.1f}% of flows" if with_action else None
    figures: list[tuple[str, str, str | None]] = [
        ("Files delivered", f"{report.files:,}", None),
        ("Rows", f"{report.rows:,}", None),
        ("Quarantined lines", f"{report.quarantined:,}", None),
        ("Rejected", f"{rejected_flows:,}", share),
        ("Skipped by AWS", f"{report.skipped:,}", "SKIPDATA rows"),
    ]
    median_lag = report.median_lag
    if median_lag is not None:
        figures.append(("Latency from upload to rows", in_seconds(median_lag), _lag(report)))
    return element(
        "dl",
        [
            element("div", element("dt", name), element("dd", value, element("small", more) if more else None))
            for name, value, more in figures
        ],
        class_="figures",
    )


def _lag(report: Report) -> str:
    """Describe the files that the median covers, and those that it leaves out."""
    running = f"median while the job was running, maximum {in_seconds(max(report.lags))}"
    if not report.restart_lags:
        return running
    restarting = counted(len(report.restart_lags), "file")
    return f"{running}; {restarting} waited for a restart, maximum {in_seconds(max(report.restart_lags))}"


def _path(report: Report) -> Html:
    """Return the path of a record through the deployed resources."""
    notifications = report.deployed.auto_loader
    count = len(report.flow_logs)
    stations: list[tuple[str, str]] = [
        (counted(count, "flow log"), _kinds(report)),
        ("S3 bucket", report.deployed.outputs.get("BucketName", "")),
        *((name, value) for name, value in notifications.items() if name in ("SNS topic", "SQS queue")),
        ("Job", report.deployed.job.get("name", "")),
        ("Delta table", report.deployed.outputs.get("Table", "")),
    ]
    items = [element("li", element("b", name), element("span", value)) for name, value in stations]
    return joined(element("ol", items, class_="path", aria_label="The path of a record"))


def _kinds(report: Report) -> str:
    """Return the kinds of resource that have flow logs, such as VPC and subnet."""
    return ", ".join(dict.fromkeys(log.delivered.target.rpartition(" ")[0] for log in report.flow_logs))
