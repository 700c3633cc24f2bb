"""The two tables: their creation before the first file, and their columns after a change of Headers."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from tests.support.ingesting import Place, commits, entries, expected, file_of, ingest, rows, table_of
from vpc_flow_logs import folders, table, table_refusals
from vpc_flow_logs.fields import BY_NAME, DEFAULT_FORMAT, FIELDS, canonical
from vpc_flow_logs.table import quarantine_path

pytestmark = pytest.mark.lts

SERVICE = [
    ("event_time", "timestamp"),
    ("other_fields", "map<string,string>"),
    ("source_file", "string"),
    ("ingested_at", "timestamp"),
]


def columns(spark: SparkSession, name: str) -> list[tuple[str, str]]:
    return [(field.name, field.dataType.simpleString()) for field in spark.table(name).schema.fields]


def detail(spark: SparkSession, name: str) -> Any:
    return spark.sql(f"DESCRIBE DETAIL {name}").first()


def problems(spark: SparkSession, name: str, path: str) -> list[str]:
    by_path = table_refusals.path_refusals(spark, folders.of(spark), path)
    return table_refusals.name_refusals(spark, name, path) + by_path


def test_both_tables_exist_before_the_first_file_arrives(spark: SparkSession, tmp_path: Path) -> None:
    where = Place(tmp_path, "empty_run")
    ran = ingest(spark, where)
    assert ran.batches == []
    assert ran.lines[-3:] == [
        "done: 0 batches, 0 files, 0 B, 0 records, 0 quarantined lines",
        f"records:    table empty_run at {where.delta}",
        f"quarantine: table empty_run_quarantine at {where.delta}_quarantine",
    ]
    types = {"INT": "int", "BIGINT": "bigint", "STRING": "string"}
    fields = [(BY_NAME[name].column, types[BY_NAME[name].type]) for name in DEFAULT_FORMAT]
    assert columns(spark, "empty_run") == [*fields, *SERVICE]
    assert columns(spark, "empty_run_quarantine") == [
        ("source_file", "string"),
        ("line_number", "bigint"),
        ("lines", "bigint"),
        ("line", "string"),
        ("reason", "string"),
        ("ingested_at", "timestamp"),
    ]
    assert spark.table("empty_run").count() == spark.table("empty_run_quarantine").count() == 0


def test_every_field_has_its_type_and_every_column_a_comment(spark: SparkSession, tmp_path: Path) -> None:
    names = [field.name for field in FIELDS]
    table.create(spark, table_name="all_fields", path=str(tmp_path / "t"), headers=[*names, "my-field"])
    schema = spark.table("all_fields").schema.fields
    types = {field.column: field.type.lower() for field in FIELDS}
    assert [field.name for field in schema] == [*types, "my_field", *(name for name, _ in SERVICE)]
    for field in schema[:-5]:
        assert field.dataType.simpleString() == types[field.name]
        assert field.metadata["comment"] == BY_NAME[canonical(field.name)].meaning
    assert schema[-5].dataType.simpleString() == "string"
    for name in ("all_fields", "all_fields_quarantine"):
        assert all(field.metadata.get("comment") for field in spark.table(name).schema.fields)
        assert all(field.nullable for field in spark.table(name).schema.fields)


def test_tables_have_a_marker_clustering_and_selected_statistics(spark: SparkSession, tmp_path: Path) -> None:
    path = str(tmp_path / "t")
    table.create(spark, table_name="marked", path=path, headers=DEFAULT_FORMAT)
    records, quarantine = detail(spark, "marked"), detail(spark, "marked_quarantine")
    assert records.format == quarantine.format == "delta"
    assert records.clusteringColumns == ["event_time", "srcaddr", "dstaddr"]
    assert records.properties["vpc_flow_logs.table"] == "records"
    assert quarantine.properties["vpc_flow_logs.table"] == "quarantine"
    statistics = records.properties["delta.dataSkippingStatsColumns"].split(",")
    assert statistics == ["event_time", "srcaddr", "dstaddr", "ingested_at"]
    assert quarantine.location.removeprefix("file:") == quarantine_path(path)


def test_statistics_cover_only_the_selected_columns(spark: SparkSession, tmp_path: Path) -> None:
    where = Place(tmp_path, "statistics")
    where.deliver(file_of(table_of(count=50)), "a.log.gz")
    ingest(spark, where)
    (file,) = [action["add"] for commit in commits(where.delta) for action in commit if "add" in action]
    assert sorted(json.loads(file["stats"])["minValues"]) == ["dstaddr", "event_time", "ingested_at", "srcaddr"]


def test_parquet_files_have_the_minimum_and_maximum_time(spark: SparkSession, tmp_path: Path) -> None:
    where = Place(tmp_path, "pages", headers=("srcaddr", "start"))
    where.deliver(b"srcaddr start\n10.0.0.1 1760000000\n10.0.0.2 1760000060\n", "a.log")
    ingest(spark, where)
    (file,) = (path for path in Path(where.delta).glob("*.parquet"))
    group = pq.read_metadata(file).row_group(0)
    columns = {group.column(i).path_in_schema: group.column(i) for i in range(group.num_columns)}
    times = columns["event_time"].statistics
    assert (times.min.timestamp(), times.max.timestamp()) == (1760000000, 1760000060)
    assert columns["event_time"].compression == "ZSTD"


def test_a_local_table_has_no_checksum_files(spark: SparkSession, tmp_path: Path) -> None:
    spark.range(1).write.format("delta").save(str(tmp_path / "plain"))
    written = [path for path in (tmp_path / "plain").rglob("*") if path.is_file()]
    assert len(written) >= 2
    assert not [path for path in written if path.name.startswith(".")]


def test_a_table_without_addresses_is_clustered_by_time_only(spark: SparkSession, tmp_path: Path) -> None:
    table.create(spark, table_name="no_addresses", path=str(tmp_path / "t"), headers=["version", "bytes"])
    assert detail(spark, "no_addresses").clusteringColumns == ["event_time"]


def test_creating_the_tables_again_changes_nothing(spark: SparkSession, tmp_path: Path) -> None:
    path = str(tmp_path / "t")
    first = table.create(spark, table_name="again", path=path, headers=DEFAULT_FORMAT)
    versions = len(commits(path)), len(commits(quarantine_path(path)))
    assert table.create(spark, table_name="again", path=path, headers=DEFAULT_FORMAT) == first
    assert (len(commits(path)), len(commits(quarantine_path(path)))) == versions == (1, 1)


def test_the_next_run_creates_a_missing_quarantine_table(spark: SparkSession, tmp_path: Path) -> None:
    path = str(tmp_path / "t")
    table.create(spark, table_name="half_made", path=path, headers=DEFAULT_FORMAT)
    spark.sql("DROP TABLE half_made_quarantine")
    shutil.rmtree(quarantine_path(path))
    assert problems(spark, "half_made", path) == []
    table.create(spark, table_name="half_made", path=path, headers=DEFAULT_FORMAT)
    assert spark.table("half_made_quarantine").count() == 0


def test_a_new_field_in_headers_adds_a_column_and_a_removed_field_keeps_its_column(
    spark: SparkSession, tmp_path: Path
) -> None:
    """All columns of the table are filled; the run's Headers apply only to files without a header line."""
    first = ("version", "srcaddr", "dstaddr", "start", "end")
    where = Place(tmp_path, "additive", headers=first)
    fields = ("end", "start", "dstaddr", "srcaddr", "version", "tcp-flags")
    earlier, later = table_of(fields, seed=1), table_of(fields, seed=2)
    where.deliver(file_of(earlier, fields), "1.log.gz")
    ingest(spark, where)
    assert rows(spark, "additive", *first) == expected(earlier, first)
    texts = [(None if value is None else str(value),) for value in earlier["tcp-flags"].to_pylist()]
    other_values = spark.table("additive").selectExpr("other_fields['tcp-flags']").collect()
    assert Counter(map(tuple, other_values)) == Counter(texts)

    # Remove `version` and `end`, add `tcp-flags`; the file without a header line has the four fields of these Headers.
    where.headers = ("dstaddr", "tcp-flags", "srcaddr", "start")
    where.deliver(file_of(later, fields), "2.log.gz")
    where.deliver(b"10.0.0.2 19 10.0.0.1 1760000001\n", "3.log")
    where.deliver(b"2 10.0.0.1 10.0.0.2 1760000001 1760000002\n", "4.log")
    ingest(spark, where)
    all_columns = [*first, "tcp_flags"]
    assert [name for name, _ in columns(spark, "additive")] == [*all_columns, *(name for name, _ in SERVICE)]
    loaded = spark.table("additive").where("source_file NOT LIKE '%/1.log.gz'").select(*all_columns).collect()
    headerless = (None, "10.0.0.1", "10.0.0.2", 1760000001, None, 19)
    assert sorted(map(tuple, loaded), key=str) == sorted(
        [*expected(later, all_columns).elements(), headerless], key=str
    )
    # Earlier rows have NULL in the new column; the value stays in `other_fields`.
    assert set(spark.table("additive").where("source_file LIKE '%/1.log.gz'").select("tcp_flags").collect()) == {
        (None,)
    }
    assert list(entries(spark, "additive")) == [
        (
            "4.log",
            1,
            1,
            "2 10.0.0.1 10.0.0.2 1760000001 1760000002",
            "no header line, and 5 fields instead of the 4 in Headers",
        )
    ]
    comments = {field.name: field.metadata.get("comment") for field in spark.table("additive").schema.fields}
    assert comments["tcp_flags"] == BY_NAME["tcp-flags"].meaning


def test_a_column_is_added_to_a_table_without_known_fields(spark: SparkSession, tmp_path: Path) -> None:
    path = str(tmp_path / "t")
    table.create(spark, table_name="unknown_only", path=path, headers=["mine"])
    layout = table.create(spark, table_name="unknown_only", path=path, headers=["srcport", "mine"])
    assert [(column.name, column.type) for column in layout.columns] == [("mine", "STRING"), ("srcport", "INT")]
    assert layout.headers == ("srcport", "mine")


def test_fields_without_a_column_go_to_other_fields(spark: SparkSession, tmp_path: Path) -> None:
    where = Place(tmp_path, "others", headers=("srcaddr",))
    where.deliver(b"SrcAddr vpc_id My-Field\n10.0.0.1 vpc-1 -\n10.0.0.2 - x\n10.0.0.3 - -\n", "a.log")
    ingest(spark, where)
    assert {row.srcaddr: row.other_fields for row in spark.table("others").collect()} == {
        "10.0.0.1": {"vpc_id": "vpc-1"},
        "10.0.0.2": {"My-Field": "x"},
        "10.0.0.3": None,
    }


def test_a_table_with_additional_columns_is_still_filled(spark: SparkSession, tmp_path: Path) -> None:
    where = Place(tmp_path, "extended", headers=("srcaddr",))
    ingest(spark, where)
    spark.sql("ALTER TABLE extended ADD COLUMNS (note STRING, score DOUBLE)")
    where.deliver(b"srcaddr\n10.0.0.1\n", "a.log")
    ingest(spark, where)
    assert rows(spark, "extended", "srcaddr", "note", "score") == {("10.0.0.1", None, None): 1}


@pytest.mark.parametrize("name", ["a folder", "größe", "a%20b", "it's"])
def test_a_delta_output_path_with_special_characters_is_found_again(
    spark: SparkSession, tmp_path: Path, name: str
) -> None:
    path = str(tmp_path / name)
    spark.sql("DROP TABLE IF EXISTS odd_path")
    spark.sql("DROP TABLE IF EXISTS odd_path_quarantine")
    table.create(spark, table_name="odd_path", path=path, headers=["srcaddr"])
    assert Path(path, "_delta_log").is_dir()
    assert problems(spark, "odd_path", path) == []


def test_a_managed_table_has_the_same_markers(spark: SparkSession) -> None:
    table.create(spark, table_name="managed", path="", headers=DEFAULT_FORMAT)
    assert detail(spark, "managed").properties["vpc_flow_logs.table"] == "records"
    assert detail(spark, "managed_quarantine").properties["vpc_flow_logs.table"] == "quarantine"
    assert table_refusals.name_refusals(spark, "managed", "") == []
    spark.sql("DROP TABLE managed")
    spark.sql("DROP TABLE managed_quarantine")
