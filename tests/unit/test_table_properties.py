"""The properties and comments that tables of earlier versions lack, and the statements that add them."""

from __future__ import annotations

from typing import Any

import pytest
from pyspark.errors import AnalysisException

from vpc_flow_logs import table_properties, table_upgrade
from vpc_flow_logs.table_columns import RECORDS_COMMENTS
from vpc_flow_logs.table_properties import (
    APPLIED,
    PROPERTIES,
    is_current,
    missing,
    missing_comments,
    of_new_table,
    statements,
)

pytestmark = pytest.mark.lts

WRITE, COMPACT = "delta.autoOptimize.optimizeWrite", "delta.autoOptimize.autoCompact"
LOG, FILES = "delta.logRetentionDuration", "delta.deletedFileRetentionDuration"
ALL = {WRITE: "true", COMPACT: "true", LOG: "interval 30 days", FILES: "interval 7 days"}
OLDER = {"vpc_flow_logs.table": "records", "delta.dataSkippingStatsColumns": "event_time,ingested_at"}


def test_a_new_table_has_all_properties_and_is_current() -> None:
    new = of_new_table(clustered=["event_time", "srcaddr"])
    assert new == {"delta.dataSkippingStatsColumns": "event_time,srcaddr,ingested_at", **ALL, APPLIED: "1"}
    assert is_current(new)


def test_a_table_of_version_0_1_0_lacks_all_properties() -> None:
    assert not is_current(OLDER)
    assert missing(OLDER) == ALL


def test_removed_statistics_columns_are_not_restored() -> None:
    assert "delta.dataSkippingStatsColumns" not in missing({"vpc_flow_logs.table": "records"})


@pytest.mark.parametrize(
    ("present", "expected"),
    [
        ({COMPACT: "false"}, {WRITE, LOG, FILES}),
        ({COMPACT: "true", WRITE: "false"}, {LOG, FILES}),
        ({LOG: "interval 60 days"}, {WRITE, COMPACT}),
        ({FILES: "interval 0 hours"}, {WRITE, COMPACT}),
        (ALL, set()),
    ],
)
def test_a_property_that_a_user_set_stays_and_so_does_its_counterpart(
    present: dict[str, str], expected: set[str]
) -> None:
    assert missing({**OLDER, **present}).keys() == expected


@pytest.mark.parametrize("applied", ["1", "2", "off"])
def test_a_table_with_this_version_a_newer_one_or_an_unknown_one_is_not_changed(applied: str) -> None:
    assert is_current({APPLIED: applied})


def test_an_update_adds_only_the_properties_that_are_new_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    new = table_properties.Property("delta.new", "1", "A test.", since=2)
    monkeypatch.setattr(table_properties, "PROPERTIES", (*PROPERTIES, new))
    monkeypatch.setattr(table_properties, "_VERSION", 2)
    assert not is_current({APPLIED: "1"})
    assert missing({APPLIED: "1"}) == {"delta.new": "1"}
    assert of_new_table(clustered=[])[APPLIED] == "2"


def test_only_columns_of_the_job_without_a_comment_get_one() -> None:
    present = {"srcaddr": None, "srcport": "mine", "bytes": "", "note": None}
    assert missing_comments(present, RECORDS_COMMENTS) == {
        name: RECORDS_COMMENTS[name] for name in ("srcaddr", "bytes")
    }


def test_the_record_of_the_update_is_in_the_last_statement() -> None:
    assert statements("network.vpc", properties={LOG: "interval 30 days"}, comments={"line": "it's", "lines": "n"}) == [
        "ALTER TABLE `network`.`vpc` ALTER COLUMN `line` COMMENT 'it\\'s', `lines` COMMENT 'n'",
        f"ALTER TABLE `network`.`vpc` SET TBLPROPERTIES ('{LOG}' = 'interval 30 days', '{APPLIED}' = '1')",
    ]


def test_a_table_that_lacks_nothing_is_only_recorded() -> None:
    assert statements("vpc", properties={}, comments={}) == [f"ALTER TABLE `vpc` SET TBLPROPERTIES ('{APPLIED}' = '1')"]


class Session:
    """A session with two older tables that rejects every change."""

    class Result:
        format = "delta"
        properties = OLDER

        def first(self) -> Any:
            return self

    def table(self, name: str) -> Any:
        return type("Table", (), {"schema": type("Schema", (), {"fields": []})})

    def sql(self, statement: str) -> Any:
        if statement.startswith("ALTER"):
            raise AnalysisException("[NOT_HERE] no properties\nin two lines")
        return self.Result()


def test_a_rejected_change_is_a_note_and_not_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    table_upgrade.upgrade(Session(), "vpc")  # type: ignore[arg-type]
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[2].partition(":")[0].strip() for line in lines] == [
        "the properties of table vpc are not complete",
        "the properties of table vpc_quarantine are not complete",
    ]
    assert all("[NOT_HERE] no properties" in line for line in lines)
