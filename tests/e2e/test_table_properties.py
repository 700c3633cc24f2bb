"""Table properties and column comments: new tables have them, older tables get them once, and users may change them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.support.ingesting import Place, commits, entries, ingest, rows, tables_of_version_0_1_0
from vpc_flow_logs import table
from vpc_flow_logs.fields import BY_NAME, DEFAULT_FORMAT
from vpc_flow_logs.paths import quarantine_path
from vpc_flow_logs.sql import listed_properties
from vpc_flow_logs.table_columns import QUARANTINE_COMMENTS
from vpc_flow_logs.table_properties import PROPERTIES
from vpc_flow_logs.table_upgrade import upgrade

pytestmark = pytest.mark.lts

SET_BY_THE_JOB = {**{entry.key: entry.value for entry in PROPERTIES}, "vpc_flow_logs.properties": "1"}
NUMBERS = itertools.count()


@pytest.fixture
def older(spark: SparkSession, tmp_path: Path) -> Iterator[Place]:
    """Yield the place of two empty tables of version 0.1.0."""
    where = Place(tmp_path, f"older_{next(NUMBERS)}", headers=("srcaddr", "srcport"))
    tables_of_version_0_1_0(spark, where)
    yield where
    spark.sql(f"DROP TABLE {where.table_name}")
    spark.sql(f"DROP TABLE {where.table_name}_quarantine")


def properties(spark: SparkSession, name: str) -> dict[str, str]:
    detail = spark.sql(f"DESCRIBE DETAIL {name}").first()
    assert detail is not None
    return dict(detail.properties)


def comments(spark: SparkSession, name: str) -> dict[str, str | None]:
    return {field.name: field.metadata.get("comment") for field in spark.table(name).schema.fields}


def versions(where: Place) -> tuple[int, int]:
    return len(commits(where.delta)), len(commits(quarantine_path(where.delta)))


def test_new_tables_have_the_properties_and_are_not_upgraded(spark: SparkSession, tmp_path: Path) -> None:
    where = Place(tmp_path, "new_properties")
    table.create(spark, table_name=where.table_name, path=where.delta, headers=DEFAULT_FORMAT)
    for name in ("new_properties", "new_properties_quarantine"):
        present = properties(spark, name)
        assert {key: present.get(key) for key in SET_BY_THE_JOB} == SET_BY_THE_JOB
        assert not any("deletionVector" in key for key in present)
    upgrade(spark, where.table_name)
    assert versions(where) == (1, 1)


def test_a_start_adds_properties_and_comments_to_older_tables_and_the_next_start_writes_no_commit(
    spark: SparkSession, older: Place
) -> None:
    name = older.table_name
    spark.sql(f"ALTER TABLE {name} ALTER COLUMN srcaddr COMMENT ''")
    spark.sql(f"ALTER TABLE {name} ALTER COLUMN ingested_at COMMENT ''")
    older.deliver(b"srcaddr srcport\n10.0.0.1 80\n", "a.log")
    ran = ingest(spark, older)
    added = ", ".join(f"{entry.key} = {entry.value}" for entry in PROPERTIES)
    assert ran.lines[:2] == [
        f"added to table {name}: {added}, 2 column comments",
        f"added to table {name}_quarantine: {added}",
    ]
    for each in (name, f"{name}_quarantine"):
        present = properties(spark, each)
        assert {key: present.get(key) for key in SET_BY_THE_JOB} == SET_BY_THE_JOB
    assert comments(spark, name)["srcaddr"] == BY_NAME["srcaddr"].meaning
    assert all(comments(spark, name).values())
    before = versions(older)
    assert not any("added to table" in line for line in ingest(spark, older).lines)
    assert versions(older) == before


def test_all_comments_are_one_commit_and_all_properties_another(spark: SparkSession, older: Place) -> None:
    quarantine = f"{older.table_name}_quarantine"
    for column in QUARANTINE_COMMENTS:
        spark.sql(f"ALTER TABLE {quarantine} ALTER COLUMN {column} COMMENT ''")
    records, entries = versions(older)
    upgrade(spark, older.table_name)
    assert versions(older) == (records + 1, entries + 2)
    assert comments(spark, quarantine) == QUARANTINE_COMMENTS


def test_what_a_user_set_on_an_older_table_stays(spark: SparkSession, older: Place) -> None:
    name = older.table_name
    spark.sql(f"ALTER TABLE {name} ADD COLUMNS (note STRING)")
    spark.sql(f"ALTER TABLE {name} ALTER COLUMN srcport COMMENT 'mine'")
    spark.sql(f"ALTER TABLE {name} UNSET TBLPROPERTIES ('delta.dataSkippingStatsColumns')")
    mine = {"delta.autoOptimize.autoCompact": "false", "delta.logRetentionDuration": "interval 60 days"}
    spark.sql(f"ALTER TABLE {name} SET TBLPROPERTIES ({listed_properties(mine)})")
    upgrade(spark, name)
    present = properties(spark, name)
    assert {key: present[key] for key in mine} == mine
    assert "delta.deletedFileRetentionDuration" not in present
    assert "delta.dataSkippingStatsColumns" not in present
    assert present["delta.autoOptimize.optimizeWrite"] == "true"
    assert (comments(spark, name)["srcport"], comments(spark, name)["note"]) == ("mine", None)


def test_what_a_user_changed_or_removed_later_stays_and_causes_no_commit(spark: SparkSession, older: Place) -> None:
    name = older.table_name
    upgrade(spark, name)
    spark.sql(f"ALTER TABLE {name} SET TBLPROPERTIES ('delta.deletedFileRetentionDuration' = 'interval 0 hours')")
    spark.sql(f"ALTER TABLE {name} UNSET TBLPROPERTIES ('delta.autoOptimize.optimizeWrite')")
    spark.sql(f"ALTER TABLE {name} ALTER COLUMN srcaddr COMMENT ''")
    before = properties(spark, name), versions(older)
    upgrade(spark, name)
    assert (properties(spark, name), versions(older)) == before
    assert before[0]["delta.deletedFileRetentionDuration"] == "interval 0 hours"
    assert "delta.autoOptimize.optimizeWrite" not in before[0]
    assert not comments(spark, name)["srcaddr"]


@pytest.fixture
def properties_apply(spark: SparkSession) -> Iterator[None]:
    """Remove the settings of the local session that override the table properties."""
    keys = ("spark.databricks.delta.autoCompact.enabled", "spark.databricks.delta.optimizeWrite.enabled")
    values = {key: spark.conf.get(key) for key in keys}
    assert set(values.values()) == {"false"}
    for key in keys:
        spark.conf.unset(key)
    yield
    for key, value in values.items():
        spark.conf.set(key, value)


@pytest.mark.usefixtures("properties_apply")
def test_files_are_loaded_once_while_delta_compacts_after_commits(spark: SparkSession, tmp_path: Path) -> None:
    """On Databricks, the properties apply to each commit of the job."""
    where = Place(tmp_path, "compacted", headers=("srcaddr", "srcport"))
    for number in range(3):
        where.deliver(f"srcaddr srcport\n10.0.0.{number} {number}\n10.0.0.{number} x\n".encode(), f"{number}.log")
        ran = ingest(spark, where)
        assert "1 record, 1 quarantined line" in ran.lines[-3]
    (where.checkpoint / "commits" / "2").unlink()
    assert ingest(spark, where).batches == ["batch 2: already in the tables"]
    assert rows(spark, "compacted", "srcport") == {(0,): 1, (1,): 1, (2,): 1}
    assert sum(entries(spark, "compacted").values()) == 3
    operations = [action["commitInfo"]["operation"] for commit in commits(where.delta) for action in commit[:1]]
    assert operations.count("WRITE") == 3
    assert "OPTIMIZE" in operations
