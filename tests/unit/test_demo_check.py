"""The demo's check: it reports each difference between the delivered lines and the tables."""

from __future__ import annotations

from dataclasses import replace

import pytest

from local.delivery import Delivered
from local.demo.check import TableCounts, differences
from local.demo.manifest import DamagedFile, FlowLogNote, Manifest, manifest
from local.demo.traffic import DamagedDelivery, lines
from local.traffic.files import FileFacts, FlowLog

LOG = FlowLogNote(id="fl-1", target="VPC", format="text", files=1, lines=10, quarantined=2, rejected=3, bytes=100)
IN_TABLES = TableCounts(rows=8, accepted=5, rejected=3, bytes=100, quarantined=2)
OF_VPC = FlowLog("fl-1", "000000000000", "us-east-1", target_id="vpc-1")
OF_SUBNET = FlowLog("fl-2", "000000000000", "us-east-1", ("version", "bytes"), target_kind="Subnet", target_id="s-1")


def put(log: FlowLog, name: str, *, rows: int, rejected: int = 0, error: str | None = None) -> Delivered:
    file = FileFacts(key=f"AWSLogs/{name}", rows=rows, size=9, actions={"REJECT": rejected}, bytes=10 * rows)
    return Delivered(log, "bucket", file, error, error and "no statement allows it", at=5.0)


@pytest.mark.parametrize(
    ("in_tables", "problem"),
    [
        (IN_TABLES, None),
        (replace(IN_TABLES, rows=7), "fl-1: delivered 10 lines, in the tables 7 rows + 2 quarantined: 1 line missing"),
        (
            replace(IN_TABLES, rows=16),
            "fl-1: delivered 10 lines, in the tables 16 rows + 2 quarantined: 8 lines too many",
        ),
        (replace(IN_TABLES, rows=10, quarantined=0), "fl-1: 8 valid records, but 10 rows"),
        (replace(IN_TABLES, rejected=0), "fl-1: REJECT in 3 records, but in 0 rows"),
        (replace(IN_TABLES, bytes=9), "fl-1: the records add up to 100 bytes, but the rows to 9"),
    ],
)
def test_each_difference_is_reported(in_tables: TableCounts, problem: str | None) -> None:
    assert differences(Manifest((LOG,)), {"fl-1": in_tables}, {}) == ([problem] if problem else [])


def test_a_flow_log_without_rows_is_reported() -> None:
    assert "10 lines missing" in differences(Manifest((LOG,)), {}, {})[0]


def test_rows_of_unknown_flow_logs_are_reported() -> None:
    assert differences(Manifest(()), {"fl-2": IN_TABLES}, {}) == ["fl-2: 8 rows of a flow log that delivered nothing"]


def test_a_damaged_file_without_all_its_lines_in_quarantine_is_reported() -> None:
    delivered = Manifest((), damaged=(DamagedFile("a", "cut off", 1), DamagedFile("b", "spoiled", 5)))

    assert differences(delivered, {}, {"a": 1, "b": 5}) == []
    assert differences(delivered, {}, {"b": 4, "c": 1}) == [
        "a: 1 damaged line, but 0 lines in quarantine",
        "b: 5 damaged lines, but 4 lines in quarantine",
        "c: 0 damaged lines, but 1 line in quarantine",
    ]


def test_a_file_that_a_policy_denied_is_reported() -> None:
    denied = put(OF_VPC, "x", rows=3, error="Access error")

    assert differences(manifest([denied], []), {}, {}) == [
        "not delivered: AWSLogs/x: Access error: no statement allows it"
    ]


def test_deliveries_are_summed_per_flow_log_including_damaged_lines() -> None:
    damaged_delivery = DamagedDelivery(put(OF_VPC, "c.log.gz", rows=4), lines=2, damage="cut off")
    files = [
        put(OF_VPC, "a", rows=10, rejected=3),
        put(OF_SUBNET, "b", rows=5, rejected=1),
        put(OF_SUBNET, "r", rows=7, error="Access error"),
        damaged_delivery.delivered,
    ]
    totals = manifest(files, [damaged_delivery])

    assert [(log.id, log.files, log.lines, log.quarantined, log.rejected, log.bytes) for log in totals.flow_logs] == [
        ("fl-1", 2, 16, 2, 3, 140),
        ("fl-2", 1, 5, 0, 1, 50),
    ]
    assert [log.target for log in totals.flow_logs] == ["VPC vpc-1", "subnet s-1"]
    assert [log.format for log in totals.flow_logs] == [
        "14 fields, default format, text",
        "2 fields, custom format, text",
    ]
    assert (totals.files, totals.lines, totals.quarantined) == (3, 21, 2)
    assert totals.damaged == (DamagedFile("c.log.gz", "cut off", 2),)
    assert lines(files, [damaged_delivery]) == totals.lines
