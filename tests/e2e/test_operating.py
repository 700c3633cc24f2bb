"""The steps in docs/operate.md and docs/migrate.md lose and duplicate nothing; their SQL runs as printed."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.support.ingesting import ROOT, START, Place, contents, entries, file_of, ingest, rows, table_of
from vpc_flow_logs.fields import DEFAULT_FORMAT

_FOLDER = "AWSLogs/123456789012/vpcflowlogs/us-east-1/2026/11"

pytestmark = pytest.mark.slow


def _sql(document: str, marker: str, **names: str) -> list[str]:
    """Return the statements of a marked block, with its table names replaced."""
    text = (ROOT / "docs" / document).read_text(encoding="utf-8")
    (block,) = re.findall(rf"<!-- {marker} -->\n```sql\n(.*?)```", text, flags=re.DOTALL)
    for name, replacement in names.items():
        assert name in block, name
        block = block.replace(name, replacement)
    return [statement for statement in block.split(";") if statement.strip()]


def _deliver(place: Place) -> None:
    """Deliver files of two days; one file of the second day has a damaged line."""
    for seed, name in enumerate(["23/a.log.gz", "24/b.log.gz", "24/c.log.gz"]):
        place.deliver(file_of(table_of(count=30, seed=seed)), f"{_FOLDER}/{name}")
    place.deliver(b"version account-id\n2 123456789012 too many\n", f"{_FOLDER}/24/d.log")


def test_a_reloaded_day_is_in_the_table_once(spark: SparkSession, tmp_path: Path) -> None:
    place = Place(tmp_path, "loaded_again")
    _deliver(place)
    ingest(spark, place)
    before, quarantined = rows(spark, "loaded_again", *_columns()), entries(spark, "loaded_again")
    assert before.total() == 90

    for statement in _sql("operate.md", "reload", **{"network.flow_logs.staging": "loaded_again"}):
        spark.sql(statement)
    assert rows(spark, "loaded_again", *_columns()).total() == 30
    _move_deeper(place.logs / _FOLDER / "24")
    ran = ingest(spark, place)

    assert "3 files" in " ".join(ran.batches)
    assert rows(spark, "loaded_again", *_columns()) == before
    assert entries(spark, "loaded_again") == quarantined


def _columns() -> list[str]:
    return [name.replace("-", "_") for name in DEFAULT_FORMAT]


def _move_deeper(day: Path) -> None:
    """Move the files into a subfolder, as `aws s3 mv` does."""
    files = sorted(day.iterdir())
    (day / "again").mkdir()
    for file in files:
        file.rename(day / "again" / file.name)


def test_loading_with_a_moved_checkpoint_resumes_where_it_stopped(spark: SparkSession, tmp_path: Path) -> None:
    place = Place(tmp_path, "moved_checkpoint")
    _deliver(place)
    ingest(spark, place)
    before = contents(spark, place)
    moved = tmp_path / "moved"
    shutil.copytree(place.checkpoint, moved)
    shutil.rmtree(place.checkpoint)

    assert ingest(spark, place, checkpoint_path=str(moved)).batches == []
    assert contents(spark, place) == before
    place.deliver(file_of(table_of(count=7, seed=9)), f"{_FOLDER}/25/e.log.gz")
    ingest(spark, place, checkpoint_path=str(moved))
    assert rows(spark, "moved_checkpoint", *_columns()).total() == 97


def test_the_health_queries_of_the_guide_work(spark: SparkSession, tmp_path: Path) -> None:
    place = Place(tmp_path, "looked_at")
    _deliver(place)
    ingest(spark, place)
    spark.sql("INSERT INTO looked_at (event_time) VALUES (TIMESTAMP'2400-01-01')")  # such as a damaged file can contain
    newest, quarantined = _sql("operate.md", "looked at", **{"network.flow_logs.staging": "looked_at"})

    (row,) = spark.sql(newest).collect()
    assert row.newest_record.timestamp() >= START
    assert row.newest_record.year < 2400
    (entry,) = spark.sql(quarantined).collect()
    assert (entry.entries, entry.lines) == (1, 1)
    assert entry.for_example.endswith("24/d.log")


# The 32-bit integers of the guide's notebook; the other columns are BIGINT or text.
_GUIDE_INTEGERS = {"version", "srcport", "dstport", "protocol", "packets", "bytes"}


def test_the_view_over_the_notebooks_table_and_the_new_table_has_each_record_once(
    spark: SparkSession, tmp_path: Path
) -> None:
    place = Place(tmp_path, "new_flow_logs")
    earlier, later = table_of(count=40, seed=1), table_of(count=50, seed=2)
    for number, table in enumerate((earlier, later)):
        place.deliver(file_of(table), f"{_FOLDER}/2{number}/{number}.log.gz")
    ingest(spark, place)
    types = {name: "INT" if name in _GUIDE_INTEGERS else "BIGINT" if name in ("start", "end") else "STRING"
             for name in DEFAULT_FORMAT}  # fmt: skip
    schema = ", ".join(f"`{name}` {kind}" for name, kind in types.items())
    old = spark.read.csv(str(place.logs), schema=schema, sep=" ", header=True, recursiveFileLookup=True)
    old.write.format("delta").save(str(tmp_path / "old"))
    spark.sql(f"CREATE TABLE old_flow_logs USING DELTA LOCATION '{tmp_path / 'old'}'")
    # Replace the time in the document with one between these records, so that both tables have some.
    moment = "TIMESTAMP '2026-11-01 00:00:00 UTC'"
    replacements = {moment: f"timestamp_seconds({START + 150})"}

    (view,) = _sql("migrate.md", "view", **replacements)
    spark.sql(view)
    (counts,) = spark.sql(_sql("migrate.md", "compare", **replacements)[0]).collect()

    all_rows = rows(spark, "new_flow_logs", *_columns())
    assert all_rows.total() == 90
    assert rows(spark, "all_flow_logs", *_columns()) == all_rows
    assert 0 < counts.old_rows < 90
    assert counts.old_rows == counts.new_rows
    spark.sql("DROP VIEW all_flow_logs")
    spark.sql("DROP TABLE old_flow_logs")
