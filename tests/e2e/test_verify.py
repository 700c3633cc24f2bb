"""`verify`: the files of the VPC Logs Path, or the missing permissions."""

from __future__ import annotations

import gzip
import os
from datetime import datetime, timezone
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.support.ingesting import Place, file_of, snapshot, table_of
from vpc_flow_logs.failures import RunFailed
from vpc_flow_logs.fields import DEFAULT_FORMAT
from vpc_flow_logs.main import run_verify
from vpc_flow_logs.parameters import ParameterError

pytestmark = pytest.mark.lts


def verify(spark: SparkSession, where: Place, capsys: pytest.CaptureFixture[str], **changes: str) -> list[str]:
    """Return the output lines of `verify`, and check that it created nothing."""
    before = snapshot(where.root)
    tables = spark.sql("SHOW TABLES IN default").collect()
    capsys.readouterr()
    try:
        run_verify(where.parameters(**changes), session=lambda: spark)
    finally:
        assert snapshot(where.root) == before
        assert spark.sql("SHOW TABLES IN default").collect() == tables
    return capsys.readouterr().out.splitlines()


def formats(lines: list[str]) -> list[str]:
    return [line for line in lines if line.startswith("format: ")]


def set_modified(path: Path, when: datetime) -> None:
    os.utime(path, (when.timestamp(), when.timestamp()))


def test_the_output_has_the_file_count_the_size_the_newest_file_and_the_formats(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = Place(tmp_path, "never_made")
    reordered = ("end", "srcaddr", "version")
    contents = {
        "2026/01/01/old.log.gz": file_of(table_of(count=3)),
        "2026/01/02/a.log.gz": file_of(table_of(count=3)),
        "2026/01/02/b.log.gz": file_of(table_of(count=3)),
        "2026/01/02/c.log.parquet": file_of(table_of(reordered), reordered, file_format="parquet"),
        "2026/01/02/d.log": b"10.0.0.1 10.0.0.2 443\n",
        "2026/01/03/new est.log.gz": file_of(table_of(reordered), reordered),
        "2026/01/03/_half.log.gz": b"not looked at",
    }
    for number, (name, data) in enumerate(contents.items()):
        set_modified(where.deliver(data, name), datetime(2026, 1, 4, 5, number, tzinfo=timezone.utc))
    size = sum(len(data) for name, data in contents.items() if "_half" not in name)
    # The printed time is UTC in any session time zone.
    spark.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")
    try:
        lines = verify(spark, where, capsys)
    finally:
        spark.conf.set("spark.sql.session.timeZone", "UTC")
    assert lines[:3] == [
        f"checking {where.logs}",
        f"readable: 6 files, {size / 1000:.1f} kB",
        f"newest:   file:{where.logs}/2026/01/03/new est.log.gz of 2026-01-04 05:05 UTC",
    ]
    assert sorted(formats(lines)) == sorted(
        [
            f"format:   {' '.join(DEFAULT_FORMAT)} (in 2 of the 5 newest)",
            "format:   end srcaddr version (in 1 of the 5 newest)",
            "format:   Parquet: end srcaddr version (in 1 of the 5 newest)",
            "format:   no header line, 3 fields (in 1 of the 5 newest)",
        ]
    )
    assert "(in 2 of" in lines[3]


@pytest.mark.parametrize("ending", ["", "/", "/*"])
def test_an_empty_folder_is_readable_and_has_no_files_yet(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str], ending: str
) -> None:
    where = Place(tmp_path, "never_made")
    lines = verify(spark, where, capsys, vpc_logs_path=f"{where.logs}{ending}")
    assert lines[1] == "readable, but no files yet; the first files arrive about 10 minutes after traffic starts"


def test_damaged_and_empty_files_are_listed_as_formats(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = Place(tmp_path, "never_made")
    where.deliver(gzip.compress(b""), "empty.log.gz")
    where.deliver(b"\x1f\x8b\x08\x00 and no gzip", "broken.log.gz")
    where.deliver(b"PAR1 and no more", "broken.log.parquet")
    lines = verify(spark, where, capsys)
    assert "readable: 3 files, " in lines[1]
    text = " ".join(formats(lines))
    assert "empty (in 1" in text
    assert "unreadable Parquet file (in 1" in text
    assert len(formats(lines)) == 3


def test_a_missing_folder_fails_with_its_path(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = Place(tmp_path, "never_made")
    missing = str(tmp_path / "missing")
    with pytest.raises(RunFailed) as failed:
        verify(spark, where, capsys, vpc_logs_path=missing)
    assert f"the folder {missing!r} does not exist" in str(failed.value)
    assert "Traceback" not in capsys.readouterr().err


def test_the_message_on_a_missing_folder_does_not_mention_loaded_data(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A verify run loads nothing, so no run can resume."""
    with pytest.raises(RunFailed) as failed:
        verify(spark, Place(tmp_path, "never_made"), capsys, vpc_logs_path=str(tmp_path / "missing"))
    assert "loaded" not in str(failed.value)


def test_invalid_parameters_are_rejected_as_by_ingest(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ParameterError) as rejected:
        verify(spark, Place(tmp_path, "never_made"), capsys, region_name="moon", headers="")
    assert len(rejected.value.problems) == 2


def test_each_tested_permission_has_a_line_after_the_files(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = Place(tmp_path, "never_made")
    where.deliver(file_of(table_of(count=3)), "a.log.gz")
    # The parent folders are created for the test and removed; the helper `verify` checks this.
    checkpoint = where.root / "not" / "made" / "yet"
    assert verify(spark, where, capsys, checkpoint_path=str(checkpoint))[4:] == [
        f"ok:       list and read on {where.logs}",
        f"ok:       write and delete on {checkpoint}",
        "ok:       USE SCHEMA on spark_catalog.default",
        "untried:  CREATE TABLE on spark_catalog.default: a test would create a table",
    ]


def test_a_checkpoint_keeps_its_files(spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = Place(tmp_path, "never_made")
    where.checkpoint.mkdir()
    (where.checkpoint / ".kept").write_text("kept")
    lines = verify(spark, where, capsys)
    assert f"ok:       write and delete on {where.checkpoint}" in lines


def test_one_message_lists_everything_that_is_missing(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = Place(tmp_path, "never_made")
    missing, nowhere = str(tmp_path / "missing"), "/proc/nowhere/checkpoint"
    with pytest.raises(RunFailed) as failed:
        verify(spark, where, capsys, vpc_logs_path=missing, checkpoint_path=nowhere)
    first, logs, checkpoint, *advice = str(failed.value).splitlines()
    assert first == "The run failed: 2 things are missing:"
    assert logs.startswith(f"  - list and read on {missing}: the folder {missing!r} does not exist")
    assert checkpoint.startswith(f"  - write and delete on {nowhere}: No such file or directory")
    assert "job.checkpoint_path" in advice[1]


def test_control_characters_in_file_names_are_printed_escaped(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = Place(tmp_path, "never_made")
    where.deliver(file_of(table_of(count=3)), "\x1b[2Jgone.log.gz")
    lines = verify(spark, where, capsys)
    assert "\\x1b[2Jgone.log.gz of " in lines[2]
    assert all(line.isprintable() for line in lines)


def test_missing_permissions_and_parameter_problems_are_in_one_message(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where, missing = Place(tmp_path, "no_such_schema.flows"), str(tmp_path / "missing")
    with pytest.raises(ParameterError) as rejected:
        verify(spark, where, capsys, vpc_logs_path=missing)
    table, logs = rejected.value.problems
    assert "'no_such_schema'" in table
    assert logs.startswith(f"list and read on {missing}: the folder {missing!r} does not exist")


def test_nothing_is_written_to_a_rejected_checkpoint(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = Place(tmp_path, "never_made")
    where.checkpoint.mkdir()
    (where.checkpoint / "of others").write_text("")
    with pytest.raises(ParameterError):
        verify(spark, where, capsys)
