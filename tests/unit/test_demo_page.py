"""The demo's report page: its numbers are correct, its values are never markup, and it loads no other resource."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from infra.config import ENVIRONMENTS, load
from local.demo import terminal
from local.demo.change import SUBNET as ADDED_SUBNET
from local.demo.change import TRANSIT_GATEWAY, VERSION_5, more_flow_logs
from local.demo.charts import Column, Line, bar, columns, histogram
from local.demo.check import TableCounts
from local.demo.html import Html, element, joined
from local.demo.page import page
from local.demo.report import Entry, FlowLogResult, Lookup, Minute, Report, Source, Talker
from tests.support.demo_reports import FILE, NOON, REPORT, SUBNET, VPC

HOSTILE = "<script>alert('1')</script>&\"x\" onload=\x1b[31m\u202e"


class Page(HTMLParser):
    """A page as a browser sees it: elements with attributes, and the text; every element must be closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.rows: list[list[str]] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))
        if tag != "meta":
            self._open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" in self._open:
            return
        self.text += data
        if {"td", "th"} & set(self._open):
            self.rows[-1][-1] += data

    def row(self, first: str) -> list[str]:
        return next(row for row in self.rows if row and row[0].startswith(first))


def test_delivered_lines_are_rows_plus_quarantined_lines_everywhere() -> None:
    document = Page(page(REPORT))

    assert "1,200 delivered lines = 1,193 rows + 7 quarantined" in document.text
    assert "nothing lost" in document.text
    assert document.row("VPC vpc-1")[1:] == ["12", "1,000", "993", "7", "900", "90", "3", "agrees"]
    assert document.row("subnet subnet-1")[1:] == ["4", "200", "200", "0", "180", "20", "0", "agrees"]
    assert document.row("total") == ["total", "16", "1,200", "1,193", "7", "1,080", "110", "3", ""]
    assert "9.2% of flows" in document.text


def test_a_lost_line_is_shown_before_everything_else() -> None:
    lost = replace(VPC, counts=replace(VPC.counts, rows=992))
    document = Page(page(replace(REPORT, flow_logs=(lost, SUBNET), differences=("fl-1: 1 line missing",))))

    assert "nothing lost" not in document.text
    assert "1,200 delivered lines \N{NOT EQUAL TO} 1,192 rows + 7 quarantined1 missing" in document.text
    assert document.text.index("fl-1: 1 line missing") < document.text.index("Traffic over time")
    assert document.row("VPC vpc-1")[-1] == "differs"


def test_any_difference_prevents_the_claim_that_nothing_is_lost() -> None:
    document = Page(page(replace(REPORT, differences=("fl-1: the bytes differ",))))

    assert "nothing lost" not in document.text
    assert "1,193 rows + 7 quarantineddiffers" in document.text


def test_text_from_flow_logs_is_never_markup() -> None:
    hostile = replace(
        REPORT,
        talkers=(Talker(HOSTILE, 1, 1, 1),),
        rejected=(Source(HOSTILE, 1, 1, 1, 1),),
        quarantine=(Entry(HOSTILE, 1, 1, HOSTILE, HOSTILE),),
        damaged={HOSTILE: HOSTILE},
        differences=(HOSTILE,),
        lookups=(Lookup(HOSTILE, HOSTILE, HOSTILE),),
        versions={HOSTILE: HOSTILE},
        flow_logs=(FlowLogResult(replace(VPC.delivered, target=HOSTILE, format=HOSTILE), TableCounts()),),
        deployed=replace(
            REPORT.deployed, outputs={HOSTILE: HOSTILE}, job={HOSTILE: HOSTILE}, auto_loader={HOSTILE: HOSTILE}
        ),
    )
    text = page(hostile)
    document = Page(text)

    assert {tag for tag, _ in document.elements}.isdisjoint(
        {"script", "iframe", "img", "link", "object", "base", "form"}
    )
    assert not any(name.startswith("on") for _, attributes in document.elements for name in attributes)
    assert "<script>alert('1')</script>&\"x\"" in document.text
    # Escape sequences and marks that reverse the text direction do not reach the page either.
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_the_page_loads_nothing_from_elsewhere() -> None:
    text = page(REPORT)
    document = Page(text)

    loading = {"src", "href", "srcset", "action", "data", "poster", "background", "xlink:href"}
    assert [name for _, attributes in document.elements for name in attributes if name in loading] == []
    assert not re.search(r"url\(|@import|https?://", text)
    policy = next(attributes for tag, attributes in document.elements if attributes.get("http-equiv"))
    assert policy["content"] == "default-src 'none'; style-src 'unsafe-inline'"


def test_each_chart_has_a_label_for_screen_readers_and_a_table() -> None:
    document = Page(page(REPORT))
    charts = [attributes for tag, attributes in document.elements if tag == "svg" and attributes.get("role") == "img"]

    assert len(charts) == 3
    assert all(chart["aria-label"] for chart in charts)
    assert any("1,083 accepted, 110 rejected" in (chart["aria-label"] or "") for chart in charts)
    minutes = [row for row in document.rows if row and re.fullmatch(r"\d\d:\d\d", row[0])]
    assert len(minutes) == 30
    assert minutes[5][1:] == ["25", "3", "9,000", "400"]
    # Screen readers skip every other picture, because the cells next to it hold its numbers.
    others = [attributes for tag, attributes in document.elements if tag == "svg" and attributes.get("role") != "img"]
    assert all(attributes["aria-hidden"] == "true" for attributes in others)


def test_ports_have_names_and_protocols() -> None:
    document = Page(page(REPORT))

    assert document.row("443/tcp")[1:2] + document.row("443/tcp")[3:] == ["https", "600", "3"]
    assert document.row("3389/tcp")[1] == "rdp"
    assert document.row("53/udp")[1] == "dns"
    assert document.row("198.51.100.7")[2:] == ["60", "12", "9", "3389 rdp"]


def test_lag_is_shown_as_median_maximum_and_histogram() -> None:
    document = Page(page(REPORT))

    assert "2.5 smedian while the job was running, maximum 9.0 s" in document.text
    assert "3 files that arrived while the job was running: median 2.5 s, from 1.5 s to 9.0 s" in document.text
    assert "1 to 2 s: 1 file" in document.text
    assert "8 to 9 s: 1 file" in document.text


def test_the_headline_lag_names_the_files_that_it_excludes() -> None:
    document = Page(page(replace(REPORT, restart_lags=(20.0, 75.0))))

    assert "maximum 9.0 s; 2 files waited for a restart, maximum 1 min 15 s" in document.text


def test_the_charts_state_how_many_rows_they_show_and_leave_out() -> None:
    assert "The charts show 1,193 of 1,193 rows." in Page(page(REPORT)).text

    early = Minute(NOON - 86_400, 1, 0, 10, 0)
    more = replace(SUBNET, counts=replace(SUBNET.counts, rows=203))
    document = Page(page(replace(REPORT, minutes=(early, *REPORT.minutes), flow_logs=(VPC, more))))
    assert "The charts show 1,193 of 1,196 rows; left out: 1 earlier or later, 2 without a time." in document.text


def test_rows_that_aws_skipped_are_shown_even_if_nothing_is_lost() -> None:
    skipped = replace(VPC, counts=replace(VPC.counts, skipped=1234))

    assert "Skipped by AWS0SKIPDATA rows" in Page(page(REPORT)).text
    assert "Skipped by AWS1,234SKIPDATA rows" in Page(page(replace(REPORT, flow_logs=(skipped, SUBNET)))).text
    assert terminal.skipped([skipped, SUBNET]) == "skipped by AWS: 1,234 SKIPDATA rows"


def test_charts_and_tables_scroll_before_their_text_is_too_small_to_read() -> None:
    document = Page(page(REPORT))
    charts = [attributes for tag, attributes in document.elements if tag == "svg" and attributes.get("role") == "img"]
    style = (ENVIRONMENTS.parent / "local" / "page" / "style.css").read_text(encoding="utf-8")
    size = float(re.findall(r"\.chart text \{[^}]*font-size: ([\d.]+)px", style)[0])

    for chart in charts:
        drawn = float((chart["viewbox"] or "").split()[2])
        narrowest = float(re.findall(r"min-width: (\d+)px", chart["style"] or "")[0])
        assert size * narrowest / drawn >= 10.5
    scrolling = [
        attributes for _, attributes in document.elements if "scroll" in (attributes.get("class") or "").split()
    ]
    assert len(scrolling) == len(charts) + sum(tag == "table" for tag, _ in document.elements)
    # A tab index allows scrolling without a mouse.
    assert all(attributes["tabindex"] == "0" for attributes in scrolling)


def test_quarantine_shows_the_file_the_reason_and_the_damage() -> None:
    document = Page(page(REPORT))

    assert FILE in document.text
    assert "Damaged on purpose: cut off at 60% of its length." in document.text
    assert document.row("56") == ["56", "7", "damaged gzip: the file is truncated", "2 123456789012 eni-0a"]


def test_resources_left_after_destroy_are_counted() -> None:
    assert "After cdk destroy: nothing is left" in Page(page(REPORT)).text
    leftovers = replace(REPORT, lookups=(*REPORT.lookups, Lookup("SQS queues", "all", "databricks-auto-ingest-1")))
    assert "After cdk destroy: 1 left" in Page(page(leftovers)).text
    assert "After cdk destroy" not in Page(page(replace(REPORT, lookups=()))).text


def test_an_empty_report_gives_a_page() -> None:
    empty = Report(
        created_at=REPORT.created_at, seed=1, deployed=replace(REPORT.deployed, resources=(), job={}), flow_logs=()
    )
    document = Page(page(empty))

    assert "0 delivered lines = 0 rows + 0 quarantined" in document.text
    assert "No record has an event time." in document.text
    assert "No file arrived while the job was running." in document.text


def test_a_few_early_flows_do_not_stretch_the_time_axis() -> None:
    early = Minute(NOON - 86_400, 1, 0, 10, 0)
    gap = tuple(minute for minute in REPORT.minutes if minute.begins != NOON + 300)
    document = Page(page(replace(REPORT, minutes=(early, *gap))))

    minutes = [row[1:] for row in document.rows if row and re.fullmatch(r"\d\d:\d\d", row[0])]
    assert len(minutes) == 30
    assert minutes[5] == ["0", "0", "0", "0"]


def test_columns_are_to_scale_and_their_parts_are_stacked() -> None:
    drawn = columns(
        [Column((3, 1), "a", "tooltip"), Column((0, 0)), Column((8, 2))],
        classes=("x", "y"),
        summary="sum",
        unit=lambda value: f"{value:g}",
        lines=[Line(1, "here")],
    )
    rects = [
        {name: float(value) for name, value in re.findall(r' (x|y|width|height)="([\d.]+)"', tag)}
        for tag in re.findall(r"<rect[^>]*>", drawn)
    ]
    bottom = max(rect["y"] + rect["height"] for rect in rects)

    assert len(rects) == 4
    assert rects[0]["height"] == pytest.approx(3 * rects[1]["height"], abs=0.1)
    # The parts of a column are stacked.
    assert rects[3]["y"] + rects[3]["height"] == pytest.approx(rects[2]["y"], abs=0.1)
    assert rects[2]["y"] + rects[2]["height"] == pytest.approx(bottom, abs=0.1)


def test_bars_are_shares_of_the_longest() -> None:
    assert re.findall(r'x="([\d.]+)" y="0" width="([\d.]+)"', bar((1, 2), of=4, classes=("a", "b"))) == [
        ("0", "25"),
        ("25", "50"),
    ]
    assert "<rect" not in bar((0,), of=0, classes=("a",))


def test_the_histogram_counts_every_value() -> None:
    for values in ([0.0], [0.1] * 5, [3.0, 12.0, 1.0], [700.0, 0.5]):
        bins = histogram(values)
        assert sum(number for _, _, number in bins) == len(values)
        assert len(bins) <= 12
        assert bins[-1][1] >= max(values)


def test_only_text_of_the_html_type_is_not_escaped() -> None:
    assert element("p", "<b>", Html("<i>"), 1234, None, ["&"]) == "<p>&lt;b&gt;<i>1,234&amp;</p>"
    assert element("p", class_='"><script>') == '<p class="&quot;&gt;&lt;script&gt;"></p>'
    assert isinstance(joined("x"), Html)


def test_the_change_adds_flow_logs_and_keeps_everything_else(tmp_path: Path) -> None:
    before = load("local")
    file = tmp_path / "local.toml"
    file.write_text(more_flow_logs((ENVIRONMENTS / "local.toml").read_text(encoding="utf-8")), encoding="utf-8")
    after = load(str(file))

    assert after.model_copy(update={"flow_logs": after.flow_logs[:1]}) == before
    vpc, subnet, gateway = after.flow_logs
    assert (vpc, subnet.subnet, gateway.transit_gateway) == (before.flow_logs[0], ADDED_SUBNET, TRANSIT_GATEWAY)
    assert tuple(subnet.fields or ()) == VERSION_5
    assert gateway.file_format == "parquet"
