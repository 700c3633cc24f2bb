"""What docs/operate.md and docs/migrate.md say to do loses nothing and doubles nothing; their SQL runs as it stands."""

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
    """The statements of a marked block, with other names for the tables."""
    text = (ROOT / "docs" / document).read_text(encoding="utf-8")
    (block,) = re.findall(rf"<!-- {marker} -->\n```sql\n(.*?)```", text, flags=re.DOTALL)
    for name, other in names.items():
        assert name in block, name
        block = block.replace(name, other)
    return [statement for statement in block.split(";") if statement.strip()]


def _deliver(place: Place) -> None:
    """Two days of files; one of the second day has a damaged line."""
    for seed, name in enumerate(["23/a.log.gz", "24/b.log.gz", "24/c.log.gz"]):
        place.deliver(file_of(table_of(count=30, seed=seed)), f"{_FOLDER}/{name}")
    place.deliver(b"version account-id\n2 123456789012 too many\n", f"{_FOLDER}/24/d.log")


def test_a_day_that_is_loaded_again_is_there_once(spark: SparkSession, tmp_path: Path) -> None:
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
    """What `aws s3 mv` does with the keys."""
    files = sorted(day.iterdir())
    (day / "again").mkdir()
    for file in files:
        file.rename(day / "again" / file.name)


def test_a_checkpoint_that_is_moved_goes_on_where_it_was(spark: SparkSession, tmp_path: Path) -> None:
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


def test_what_to_look_at_can_be_looked_at(spark: SparkSession, tmp_path: Path) -> None:
    place = Place(tmp_path, "looked_at")
    _deliver(place)
    ingest(spark, place)
    spark.sql("INSERT INTO looked_at (event_time) VALUES (TIMESTAMP'2400-01-01')")  # as from a damaged file
    newest, quarantined = _sql("operate.md", "looked at", **{"network.flow_logs.staging": "looked_at"})

    (row,) = spark.sql(newest).collect()
    assert row.newest_record.timestamp() >= START
    assert row.newest_record.year < 2400
    (entry,) = spark.sql(quarantined).collect()
    assert (entry.entries, entry.lines) == (1, 1)
    assert entry.for_example.endswith("24/d.log")


# The guide's types, by position: 32-bit integers and text, as its notebook has them.
_OF_THE_GUIDE = {"version", "srcport", "dstport", "protocol", "packets", "bytes"}


def test_the_view_over_the_notebooks_table_and_the_new_one_has_each_record_once(
    spark: SparkSession, tmp_path: Path
) -> None:
    place = Place(tmp_path, "new_flow_logs")
    before, after = table_of(count=40, seed=1), table_of(count=50, seed=2)
    for number, table in enumerate((before, after)):
        place.deliver(file_of(table), f"{_FOLDER}/2{number}/{number}.log.gz")
    ingest(spark, place)
    types = {name: "INT" if name in _OF_THE_GUIDE else "BIGINT" if name in ("start", "end") else "STRING"
             for name in DEFAULT_FORMAT}  # fmt: skip
    schema = ", ".join(f"`{name}` {kind}" for name, kind in types.items())
    old = spark.read.csv(str(place.logs), schema=schema, sep=" ", header=True, recursiveFileLookup=True)
    old.write.format("delta").save(str(tmp_path / "old"))
    spark.sql(f"CREATE TABLE old_flow_logs USING DELTA LOCATION '{tmp_path / 'old'}'")
    # The moment in the document is far from these records: one among them, so that both sides have some.
    moment = "TIMESTAMP '2026-11-01 00:00:00 UTC'"
    among = {moment: f"timestamp_seconds({START + 150})"}

    (view,) = _sql("migrate.md", "view", **among)
    spark.sql(view)
    (counts,) = spark.sql(_sql("migrate.md", "compare", **among)[0]).collect()

    everything = rows(spark, "new_flow_logs", *_columns())
    assert everything.total() == 90
    assert rows(spark, "all_flow_logs", *_columns()) == everything
    assert 0 < counts.old_rows < 90
    assert counts.old_rows == counts.new_rows
    spark.sql("DROP VIEW all_flow_logs")
    spark.sql("DROP TABLE old_flow_logs")
