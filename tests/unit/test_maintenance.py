"""The parts of the maintenance that need no Spark: Databricks services, retention and conflicts."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from pyspark.sql import Row

from vpc_flow_logs.history import Commit
from vpc_flow_logs.maintenance import services
from vpc_flow_logs.maintenance.compaction import compact
from vpc_flow_logs.maintenance.conflicts import retried
from vpc_flow_logs.maintenance.purge import purge
from vpc_flow_logs.maintenance.retention import PROPERTY, retention_of
from vpc_flow_logs.maintenance.services import Services
from vpc_flow_logs.maintenance.step import Outcome, Size, line
from vpc_flow_logs.maintenance.tables import Target
from vpc_flow_logs.maintenance.unused import can_be_unused
from vpc_flow_logs.maintenance.vacuum import vacuum

pytestmark = pytest.mark.lts

NOW = datetime(2026, 11, 28, 3, 0, tzinfo=timezone.utc)
DETAILS = ("# Detailed Table Information", "")
ENABLED = ("Predictive Optimization", "ENABLE (inherited from METASTORE metastore_aws_us_east_1)")


class Databricks:
    """A session in which one managed table exists. It records the statements, and rejects those that write."""

    def __init__(self, *described: tuple[str, str], properties: dict[str, str] | None = None, **detail: Any) -> None:
        self.statements: list[str] = []
        self._described = [Row(col_name=name, data_type=value) for name, value in (DETAILS, *described)]
        empty = {"numFiles": 900, "tableFeatures": ["deletionVectors"], "statistics": {}}
        self._detail = Row(format="delta", properties=properties or {}, **{**empty, **detail})

    def sql(self, statement: str) -> Any:
        self.statements.append(statement)
        if statement.startswith("DESCRIBE DETAIL"):
            return Rows([self._detail])
        if statement.endswith("DRY RUN"):
            return Rows([Row(path="part-0.parquet"), Row(path="part-1.parquet")])
        if statement.startswith("DESCRIBE HISTORY"):
            return Rows([])
        assert statement.startswith("DESCRIBE TABLE EXTENDED"), statement
        return Rows(self._described)


class Rows:
    """The result of a statement."""

    def __init__(self, rows: list[Row]) -> None:
        self._rows = rows

    def collect(self) -> list[Row]:
        return self._rows

    def first(self) -> Row:
        return self._rows[0]

    def select(self, *columns: str) -> Rows:
        return self

    def count(self) -> int:
        return len(self._rows)


TARGET = Target(
    records="c.s.flows",
    quarantine="c.s.flows_quarantine",
    hourly="c.s.flows_hourly",
    records_path="",
    quarantine_path="",
    hourly_path="",
    existing=frozenset({"c.s.flows"}),
)


# Services


def test_predictive_optimization_is_read_from_the_details_of_the_table() -> None:
    assert services.read([DETAILS, ENABLED]).predictive_optimization
    assert services.read([DETAILS, ("Predictive Optimization", "ENABLE")]).predictive_optimization
    disabled = ("Predictive Optimization", "DISABLE (inherited from CATALOG main)")
    assert services.read([DETAILS, disabled]) == services.read([DETAILS]) == services.read([]) == Services()


def test_a_column_or_a_comment_cannot_turn_a_service_on() -> None:
    rows = [("Predictive Optimization", "ENABLE"), ("row_deletion", "string"), DETAILS]
    assert services.read([*rows, ("Comment", "DELETE ROWS 3 DAYS AFTER event_time")]) == Services()


@pytest.mark.parametrize(
    ("row", "policy"),
    [
        (("Auto TTL", "DELETE ROWS 90 DAYS AFTER event_time"), "DELETE ROWS 90 DAYS AFTER event_time"),
        (
            ("Table Properties", "[a=b,ttl=delete rows 1 day after `event_time`]"),
            "delete rows 1 day after `event_time`",
        ),
        (("Time to Live", "90 days"), "90 days"),
        (("Row Deletion Policy", "event_time + 90 days"), "event_time + 90 days"),
        (("Auto-TTL", "DISABLED"), ""),
        (("Time to Live", ""), ""),
        (("Owner", "settler"), ""),
    ],
)
def test_an_auto_ttl_policy_is_recognized_in_several_forms(row: tuple[str, str], policy: str) -> None:
    assert services.read([DETAILS, row]).auto_ttl == policy


def test_compaction_and_vacuum_are_left_to_predictive_optimization() -> None:
    spark: Any = Databricks(ENABLED)
    left = "left to predictive optimization"
    assert list(compact(spark, TARGET, dry_run=False)) == [Outcome("compact", "c.s.flows", left)]
    assert list(vacuum(spark, TARGET, now=NOW, dry_run=False)) == [Outcome("vacuum", "c.s.flows", left)]
    assert {statement.split("`")[0] for statement in spark.statements} == {
        "DESCRIBE DETAIL ",
        "DESCRIBE TABLE EXTENDED ",
    }


def test_a_retention_that_is_shorter_than_that_of_predictive_optimization_is_not_left_to_it() -> None:
    """Predictive optimization keeps removed files for at least 7 days."""
    for retention, did in (
        ("interval 7 days", "left to predictive optimization"),
        ("interval 167 hours", "would delete 2 files"),
    ):
        spark: Any = Databricks(ENABLED, properties={PROPERTY: retention})
        assert list(vacuum(spark, TARGET, now=NOW, dry_run=True)) == [Outcome("vacuum", "c.s.flows", did)]


def test_a_table_without_deletion_vectors_is_not_purged() -> None:
    counted = {"numRowsDeletedByDeletionVectors": 0, "numDeletionVectors": 0}
    for detail in ({"tableFeatures": []}, {"tableFeatures": None}, {"statistics": counted}):
        spark: Any = Databricks(**detail)
        assert list(purge(spark, TARGET, dry_run=False)) == [Outcome("purge", "c.s.flows", "nothing to do")]


def test_the_deleted_rows_that_databricks_counts_would_be_purged() -> None:
    counted = {"numRowsDeletedByDeletionVectors": "1200", "numDeletionVectors": "3"}
    spark: Any = Databricks(statistics=counted)
    (outcome,) = purge(spark, TARGET, dry_run=True)
    assert outcome.result == "would rewrite the files that contain 1,200 deleted rows"


# Retention


@pytest.mark.parametrize(
    ("text", "retention"),
    [
        ("interval 1 week", timedelta(weeks=1)),
        ("interval 30 days", timedelta(days=30)),
        ("7 days", timedelta(days=7)),
        ("interval 0 hours", timedelta(0)),
        ("INTERVAL 168 HOURS", timedelta(days=7)),
        ("interval 1 day 12 hours 30 minutes", timedelta(days=1, hours=12, minutes=30)),
        ("interval 1 month", None),
        ("interval -1 days", None),
        ("", None),
    ],
)
def test_the_retention_of_removed_files_is_read_from_the_property(text: str, retention: timedelta | None) -> None:
    assert retention_of({PROPERTY: text}) == retention


# Unused files

WEEK = timedelta(days=7)
VACUUMED = {"retentionCheckEnabled": "true", "defaultRetentionMillis": str(WEEK // timedelta(milliseconds=1))}


def commits_of(*steps: tuple[float, str, dict[str, str | None]], first: int = 0) -> list[Commit]:
    """Return commits from newest to oldest, each with its age in days."""
    listed = [
        Commit(version, NOW - timedelta(days=age), operation, parameters, None)
        for version, (age, operation, parameters) in enumerate(steps, start=first)
    ]
    return listed[::-1]


def vacuumed(
    age: float, *, status: str = "COMPLETED", **changes: str
) -> list[tuple[float, str, dict[str, str | None]]]:
    return [(age, "VACUUM START", {**VACUUMED, **changes}), (age, "VACUUM END", {"status": status})]


APPEND: tuple[str, dict[str, str | None]] = ("WRITE", {"mode": "Append"})
CREATION: tuple[str, dict[str, str | None]] = ("CREATE TABLE", {})
OPTIMIZE: tuple[str, dict[str, str | None]] = ("OPTIMIZE", {})


@pytest.mark.parametrize(
    ("commits", "unused"),
    [
        # All commits are known.
        ([(30, *CREATION), (20, *APPEND)], False),
        ([(30, *CREATION), (20, *OPTIMIZE)], True),
        ([(30, *CREATION), (5, *OPTIMIZE)], False),
        ([(30, *CREATION), (6.5, *OPTIMIZE)], True),  # at most a day too early
        ([(30, "CREATE TABLE AS SELECT", {}), (20, "SET TBLPROPERTIES", {})], False),
        ([(30, *CREATION), (20, "WRITE", {"mode": "Overwrite"})], True),
        ([(30, *CREATION), (20, "A NEW OPERATION", {})], True),
        # A VACUUM deleted the files that were removed at least a week earlier.
        ([(30, *CREATION), (20, *OPTIMIZE), *vacuumed(12)], False),
        ([(30, *CREATION), (18, *OPTIMIZE), *vacuumed(12)], True),
        ([(30, *CREATION), (18, *OPTIMIZE), *vacuumed(12), (1, *APPEND), *vacuumed(1)], False),
        ([(30, *CREATION), (20, *OPTIMIZE), *vacuumed(12, status="FAILED")], True),
        ([(30, *CREATION), (20, *OPTIMIZE), *vacuumed(12, specifiedRetentionMillis=str(30 * 86_400_000))], True),
        ([(30, *CREATION), (20, *OPTIMIZE), *vacuumed(12, defaultRetentionMillis="0"), (11, *OPTIMIZE)], True),
        ([(30, *CREATION), (12.1, *OPTIMIZE), *vacuumed(12, defaultRetentionMillis="0")], False),
    ],
)
def test_vacuum_is_needed_only_if_a_commit_removed_files_long_enough_ago(
    commits: list[tuple[float, str, dict[str, str | None]]], unused: bool
) -> None:
    assert can_be_unused(commits_of(*commits), retention=WEEK, now=NOW) is unused


def test_vacuum_is_needed_if_the_commits_do_not_reach_back_far_enough() -> None:
    assert can_be_unused(commits_of((9, *APPEND), first=4), retention=WEEK, now=NOW)
    assert can_be_unused(commits_of((15, *APPEND), *vacuumed(12), first=4), retention=WEEK, now=NOW)
    assert not can_be_unused(commits_of((20, *APPEND), *vacuumed(12), first=4), retention=WEEK, now=NOW)
    assert can_be_unused([], retention=WEEK, now=NOW)


def test_without_retention_every_file_that_was_removed_since_the_last_vacuum_is_unused() -> None:
    short = vacuumed(2, defaultRetentionMillis="0")
    for commits, unused in (
        ([(3, *OPTIMIZE), *short, (1, *APPEND)], False),
        ([(3, *APPEND), *short, (0.001, *OPTIMIZE)], True),
    ):
        listed = commits_of((30, *CREATION), *commits)
        assert can_be_unused(listed, retention=timedelta(0), now=NOW) is unused


# Conflicts


class Conflicting:
    """An operation that has a conflict several times, and then succeeds."""

    def __init__(self, conflicts: int, error: Exception) -> None:
        self.attempts = 0
        self._conflicts = conflicts
        self._error = error

    def __call__(self) -> str:
        self.attempts += 1
        if self.attempts <= self._conflicts:
            raise self._error
        return "written"


CONFLICT = RuntimeError("[DELTA_CONCURRENT_APPEND] ConcurrentAppendException: Files were added by a concurrent update.")


def test_an_operation_is_repeated_after_a_conflict_with_growing_pauses() -> None:
    lines: list[str] = []
    pauses: list[float] = []
    work = Conflicting(5, CONFLICT)
    assert retried(work, say=lines.append, pause=pauses.append) == "written"
    assert work.attempts == 6
    assert pauses == sorted(pauses)
    assert len(set(pauses)) == len(lines) == 5
    assert lines[0] == "another run wrote to the table at the same time; attempt 2 in 1 s"


def test_the_sixth_conflict_is_an_error() -> None:
    work = Conflicting(6, CONFLICT)
    with pytest.raises(RuntimeError, match="DELTA_CONCURRENT_APPEND"):
        retried(work, say=lambda line: None, pause=lambda seconds: None)
    assert work.attempts == 6


def test_another_error_is_not_repeated() -> None:
    work = Conflicting(1, ValueError("disk full"))
    with pytest.raises(ValueError, match="disk full"):
        retried(work, say=lambda line: None, pause=lambda seconds: None)
    assert work.attempts == 1


# Lines


def test_a_line_has_rows_and_files_before_and_after_if_they_are_known() -> None:
    outcome = Outcome("expiry", "flows", "deleted 3 rows", Size(1200, 14), Size(1197, 13))
    assert line(outcome, seconds=2) == "expiry flows: deleted 3 rows; rows 1,200 -> 1,197, files 14 -> 13; 2.0 s"
    outcome = Outcome("expiry", "flows", "deleted 3 rows", Size(None, 14), Size(1197, 13))
    assert line(outcome, seconds=2) == "expiry flows: deleted 3 rows; files 14 -> 13; 2.0 s"
