"""The demo's report page: its numbers are correct, its values are never markup, and it loads no other resource."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from infra.config import ENVIRONMENTS, load
from local.demo import terminal
from local.demo.change import SUBNET as ADDED_SUBNET
from local.demo.change import TRANSIT_GATEWAY, VERSION_5, more_flow_logs
from local.demo.check import TableCounts
from local.demo.page import page
from local.demo.page_charts import histogram
from local.demo.report import Entry, FlowLogResult, Lookup, Mark, Minute, Report, Step
from tests.support.demo_reports import FILE, NOON, REPORT, SUBNET, VPC, answer
from tests.support.hostile import HOSTILE
from tests.support.html_pages import page_of


def test_delivered_lines_are_rows_plus_quarantined_lines_everywhere() -> None:
    document = page_of(page(REPORT))

    assert "1,200 delivered lines = 1,193 rows + 7 quarantined" in document.text
    assert "nothing lost" in document.text
    assert document.row("VPC vpc-1")[1:] == ["12", "1,000", "993", "7", "900", "90", "3", "agrees"]
    assert document.row("subnet subnet-1")[1:] == ["4", "200", "200", "0", "180", "20", "0", "agrees"]
    assert document.row("total") == ["total", "16", "1,200", "1,193", "7", "1,080", "110", "3", ""]
    assert "9.2% of flows" in document.text


def test_a_lost_line_is_shown_before_everything_else() -> None:
    lost = replace(VPC, counts=replace(VPC.counts, rows=992))
    document = page_of(page(replace(REPORT, flow_logs=(lost, SUBNET), differences=("fl-1: 1 line missing",))))

    assert "nothing lost" not in document.text
    assert "1,200 delivered lines \N{NOT EQUAL TO} 1,192 rows + 7 quarantined1 missing" in document.text
    assert document.text.index("fl-1: 1 line missing") < document.text.index("Traffic over time")
    assert document.row("VPC vpc-1")[-1] == "differs"


def test_any_difference_prevents_the_claim_that_nothing_is_lost() -> None:
    document = page_of(page(replace(REPORT, differences=("fl-1: the bytes differ",))))

    assert "nothing lost" not in document.text
    assert "1,193 rows + 7 quarantineddiffers" in document.text


def test_text_from_flow_logs_is_never_markup() -> None:
    hostile = replace(
        REPORT,
        answers=(answer("top_talkers", (HOSTILE, 1, 1, 5)), answer("rejected_sources", (HOSTILE, 1, 1, 1, 1, 1))),
        quarantine=(Entry(HOSTILE, 1, 1, HOSTILE, HOSTILE),),
        marks=(Mark(NOON + 60.0, HOSTILE),),
        damaged={HOSTILE: HOSTILE},
        differences=(HOSTILE,),
        lookups=(Lookup(HOSTILE, HOSTILE, HOSTILE),),
        steps=(Step(HOSTILE, 1.0),),
        versions={HOSTILE: HOSTILE},
        flow_logs=(FlowLogResult(replace(VPC.delivered, target=HOSTILE, format=HOSTILE), TableCounts()),),
        deployed=replace(
            REPORT.deployed, outputs={HOSTILE: HOSTILE}, job={HOSTILE: HOSTILE}, auto_loader={HOSTILE: HOSTILE}
        ),
    )
    document = page_of(page(hostile))

    assert document.text.count("<script>alert('1')</script>&\"x\"") >= 20
    assert "{{7*7}}" in document.text


def test_each_chart_has_a_description_and_a_table() -> None:
    document = page_of(page(REPORT))
    labels = {chart["aria-label"] or "" for chart in document.all("svg")}

    assert len(document.all("svg")) == 2 * len(labels) == 2 * 7
    assert any(label.startswith("Flows per minute: ") and "1,083 accepted, 110 rejected" in label for label in labels)
    assert "Top talkers: 2 bars of 2; the longest is 10.0.1.20 with 4,000,000 bytes" in labels
    minutes = [row for row in document.rows if row and re.fullmatch(r"\d\d:\d\d", row[0])]
    assert len(minutes) == 30
    assert minutes[5][1:] == ["25", "3", "9,000", "400"]


def test_answers_of_the_catalog_have_their_question_and_their_columns() -> None:
    document = page_of(page(REPORT))

    assert "Which 50 addresses sent the most bytes? Bytes by source address." in document.text
    assert document.row("10.0.1.20") == ["10.0.1.20", "300", "4,000", "4,000,000"]
    assert document.row("198.51.100.7") == ["198.51.100.7", "9", "12", "60", "61", "2,440"]
    assert terminal.answer(REPORT.answers[0]).splitlines() == [
        "Top talkers",
        "",
        "  srcaddr    records  packets      bytes",
        "  10.0.1.20      300    4,000  4,000,000",
        "  10.0.2.20      200    2,000  2,000,000",
    ]


def test_ports_have_names_and_protocols() -> None:
    document = page_of(page(REPORT))

    assert document.row("443/tcp") == ["443/tcp", "https", "600", "3"]
    assert document.row("3389/tcp")[1] == "rdp"
    assert document.row("53/udp")[1] == "dns"


def test_lag_is_shown_as_median_maximum_and_histogram() -> None:
    document = page_of(page(REPORT))

    assert "2.5 smedian while the job was running, maximum 9.0 s" in document.text
    assert "3 files that arrived while the job was running: median 2.5 s, from 1.5 s to 9.0 s" in document.text
    assert document.row("1 to 2 s") == ["1 to 2 s", "1"]
    assert document.row("8 to 9 s") == ["8 to 9 s", "1"]


def test_the_headline_lag_names_the_files_that_it_excludes() -> None:
    document = page_of(page(replace(REPORT, restart_lags=(20.0, 75.0))))

    assert "maximum 9.0 s; 2 files waited for a restart, maximum 1 min 15 s" in document.text


def test_the_charts_state_how_many_rows_they_show_and_leave_out() -> None:
    assert "The charts show 1,193 of 1,193 rows." in page_of(page(REPORT)).text

    early = Minute(NOON - 86_400, 1, 0, 10, 0)
    more = replace(SUBNET, counts=replace(SUBNET.counts, rows=203))
    document = page_of(page(replace(REPORT, minutes=(early, *REPORT.minutes), flow_logs=(VPC, more))))
    assert "The charts show 1,193 of 1,196 rows; left out: 1 earlier or later, 2 without a time." in document.text


def test_rows_that_aws_skipped_are_shown_even_if_nothing_is_lost() -> None:
    skipped = replace(VPC, counts=replace(VPC.counts, skipped=1234))

    assert "Skipped by AWS0SKIPDATA rows" in page_of(page(REPORT)).text
    assert "Skipped by AWS1,234SKIPDATA rows" in page_of(page(replace(REPORT, flow_logs=(skipped, SUBNET)))).text
    assert terminal.skipped([skipped, SUBNET]) == "skipped by AWS: 1,234 SKIPDATA rows"


def test_quarantine_shows_the_file_the_reason_and_the_damage() -> None:
    document = page_of(page(REPORT))

    assert FILE in document.text
    assert "Damaged on purpose: cut off at 60% of its length." in document.text
    assert document.row("56") == ["56", "7", "damaged gzip: the file is truncated", "2 123456789012 eni-0a"]


def test_resources_left_after_destroy_are_counted() -> None:
    assert "After cdk destroy: nothing is left" in page_of(page(REPORT)).text
    leftovers = replace(REPORT, lookups=(*REPORT.lookups, Lookup("SQS queues", "all", "databricks-auto-ingest-1")))
    assert "After cdk destroy: 1 left" in page_of(page(leftovers)).text
    assert "After cdk destroy" not in page_of(page(replace(REPORT, lookups=()))).text


def test_an_empty_report_gives_a_page() -> None:
    empty = Report(
        created_at=REPORT.created_at, seed=1, deployed=replace(REPORT.deployed, resources=(), job={}), flow_logs=()
    )
    document = page_of(page(empty))

    assert "0 delivered lines = 0 rows + 0 quarantined" in document.text
    assert "No record has an event time." in document.text
    assert "No file arrived while the job was running." in document.text


def test_a_few_early_flows_do_not_stretch_the_time_axis() -> None:
    early = Minute(NOON - 86_400, 1, 0, 10, 0)
    gap = tuple(minute for minute in REPORT.minutes if minute.begins != NOON + 300)
    document = page_of(page(replace(REPORT, minutes=(early, *gap))))

    minutes = [row[1:] for row in document.rows if row and re.fullmatch(r"\d\d:\d\d", row[0])]
    assert len(minutes) == 30
    assert minutes[5] == ["0", "0", "0", "0"]


def test_the_histogram_counts_every_value() -> None:
    for values in ([0.0], [0.1] * 5, [3.0, 12.0, 1.0], [700.0, 0.5]):
        bins = histogram(values)
        assert sum(number for _, _, number in bins) == len(values)
        assert len(bins) <= 12
        assert bins[-1][1] >= max(values)


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
