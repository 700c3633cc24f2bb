"""Flow log files: keys, bytes and folders as AWS delivers them, and the command that generates them."""

from __future__ import annotations

import gzip
import io
import re
import shlex
import threading
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from local.generate import __main__ as generate
from local.traffic.files import FlowLog, encode, key, place, write
from local.traffic.records import Network, records
from vpc_flow_logs.fields import DEFAULT_FORMAT, FIELDS, TGW_DEFAULT_FORMAT, column_name

WHEN = datetime(2018, 6, 20, 16, 23, 59, tzinfo=timezone.utc)
LOG = FlowLog(id="fl-1234abcd", account="123456789012", region="us-east-1")
ALL_FIELDS = tuple(field.name for field in FIELDS)
HIVE_FOLDER = (
    "AWSLogs/aws-account-id=123456789012/aws-service=vpcflowlogs/aws-region=us-east-1/year=2018/month=06/day=20"
)
NETWORK = Network.seeded(5)


def table_of(fields: tuple[str, ...], count: int = 500) -> pa.Table:
    return records(NETWORK, fields, start=int(WHEN.timestamp()) // 300 * 300, seconds=300, count=count, seed=2)


def lines_of(data: bytes) -> list[str]:
    text = gzip.decompress(data).decode()
    assert text.endswith("\n")
    return text[:-1].split("\n")


@pytest.mark.parametrize(
    ("changes", "folder"),
    [
        ({}, "AWSLogs/123456789012/vpcflowlogs/us-east-1/2018/06/20"),
        ({"hourly_partitions": True}, "AWSLogs/123456789012/vpcflowlogs/us-east-1/2018/06/20/16"),
        ({"prefix": "/logs/vpc/"}, "logs/vpc/AWSLogs/123456789012/vpcflowlogs/us-east-1/2018/06/20"),
        (
            {"hive_partitions": True},
            HIVE_FOLDER,
        ),
        (
            {"hive_partitions": True, "hourly_partitions": True, "prefix": "p"},
            f"p/{HIVE_FOLDER}/hour=16",
        ),
    ],
)
def test_the_key_matches_aws_for_every_partitioning(changes: dict[str, Any], folder: str) -> None:
    name = key(replace(LOG, **changes), WHEN)
    actual_folder, _, file_name = name.rpartition("/")
    assert actual_folder == folder
    assert re.fullmatch(
        r"123456789012_vpcflowlogs_us-east-1_fl-1234abcd_20180620T1620Z_[0-9a-f]{8}\.log\.gz", file_name
    )


def test_the_key_of_a_parquet_file_ends_with_log_parquet() -> None:
    assert key(replace(LOG, file_format="parquet"), WHEN).endswith(".log.parquet")


def test_file_and_folder_names_are_in_utc() -> None:
    elsewhere = datetime(2018, 6, 21, 1, 0, tzinfo=timezone(timedelta(hours=9)))
    assert "/2018/06/20/" in key(LOG, elsewhere)
    assert "_20180620T1600Z_" in key(LOG, elsewhere)
    with pytest.raises(ValueError, match="no time zone"):
        key(LOG, datetime(2018, 6, 20))


def test_files_of_the_same_interval_differ_only_in_the_hash() -> None:
    names = [key(LOG, WHEN, part=part) for part in range(100)]
    assert len(set(names)) == 100
    assert len({name.rpartition("_")[0] for name in names}) == 1
    assert key(LOG, WHEN, part=3) == names[3]


def test_text_has_the_given_names_then_one_line_per_record_with_dashes_for_nulls() -> None:
    fields = ("version", "Action", "log_status", "srcaddr", "bytes", "bytes", "tcp-flags", "my_field")
    table = table_of(fields)
    header, *lines = lines_of(encode(replace(LOG, fields=fields), table))
    assert header == "version Action log_status srcaddr bytes bytes tcp-flags my_field"
    order = ["version", "action", "log-status", "srcaddr", "bytes", "bytes", "tcp-flags", "my-field"]
    expected = [" ".join("-" if row[name] is None else str(row[name]) for name in order) for row in table.to_pylist()]
    assert lines == expected
    assert any(" - " in line for line in lines)


@pytest.mark.parametrize("fields", [DEFAULT_FORMAT, TGW_DEFAULT_FORMAT, ALL_FIELDS])
def test_each_line_has_the_same_number_of_fields_as_the_header(fields: tuple[str, ...]) -> None:
    lines = lines_of(encode(replace(LOG, fields=fields), table_of(fields)))
    assert {len(line.split(" ")) for line in lines} == {len(fields)}


def test_text_longer_than_a_block_is_complete_and_in_order() -> None:
    fields = ("end", "bytes")
    table = table_of(fields, 150_000)
    lines = lines_of(encode(replace(LOG, fields=fields), table, level=1))
    assert len(lines) == 150_001
    assert lines[1:] == [
        f"{'-' if e is None else e} {'-' if b is None else b}"
        for e, b in zip(table["end"].to_pylist(), table["bytes"].to_pylist(), strict=True)
    ]


def test_equal_tables_give_equal_bytes_and_the_level_changes_only_the_size() -> None:
    table = table_of(DEFAULT_FORMAT)
    fast, small = encode(LOG, table, level=1), encode(LOG, table, level=9)
    assert fast == encode(LOG, table, level=1)
    assert fast[4:8] == b"\0\0\0\0"  # gzip's modification time
    assert len(small) < len(fast)
    assert gzip.decompress(small) == gzip.decompress(fast)


def test_an_empty_table_gives_only_a_header() -> None:
    assert lines_of(encode(LOG, table_of(DEFAULT_FORMAT).slice(0, 0))) == [" ".join(DEFAULT_FORMAT)]


def test_parquet_has_the_names_types_compression_and_missing_values_of_aws() -> None:
    log, table = replace(LOG, fields=ALL_FIELDS, file_format="parquet"), table_of(ALL_FIELDS)
    file = pq.ParquetFile(io.BytesIO(encode(log, table)))
    assert file.schema_arrow.names == [column_name(name) for name in ALL_FIELDS]
    types = {"INT": "INT32", "BIGINT": "INT64", "STRING": "BYTE_ARRAY"}
    assert [file.schema.column(place).physical_type for place in range(72)] == [types[field.type] for field in FIELDS]
    assert file.metadata.row_group(0).column(0).compression == "GZIP"
    read = file.read()
    for name in ALL_FIELDS:
        nulls, column = table[name].null_count, read[column_name(name)]
        if column.type == pa.string():
            assert (column.null_count, column.to_pylist().count("-")) == (0, nulls)
        else:
            assert column.null_count == nulls


def test_a_written_file_is_at_its_key_and_its_totals_match_its_content(tmp_path: Path) -> None:
    written = write(LOG, table_of(DEFAULT_FORMAT), tmp_path, when=WHEN, part=1)
    assert written.path == tmp_path / key(LOG, WHEN, part=1)
    assert written.size == written.path.stat().st_size
    rows = [dict(zip(DEFAULT_FORMAT, line.split(" "), strict=True)) for line in lines_of(written.path.read_bytes())[1:]]
    assert written.rows == len(rows) == 500
    for name, counts in (("action", written.actions), ("log-status", written.statuses)):
        assert counts == {value: [row[name] for row in rows].count(value) for value in {row[name] for row in rows}}
    assert written.packets == sum(int(row["packets"]) for row in rows if row["packets"] != "-")
    assert written.bytes == sum(int(row["bytes"]) for row in rows if row["bytes"] != "-")
    assert (written.first_end, written.last_end) == (
        min(int(row["end"]) for row in rows),
        max(int(row["end"]) for row in rows),
    )


def test_totals_of_fields_missing_from_the_format_are_none_or_empty(tmp_path: Path) -> None:
    written = write(replace(LOG, fields=("srcaddr",)), table_of(("srcaddr",)), tmp_path, when=WHEN)
    assert (written.actions, written.packets, written.bytes, written.last_end) == ({}, None, None, None)


def test_a_reader_never_sees_a_partial_file(tmp_path: Path) -> None:
    sizes: set[int] = set()
    stopped = threading.Event()

    def watch() -> None:
        while not stopped.is_set():
            sizes.update(path.stat().st_size for path in tmp_path.rglob("*.gz") if not path.name.startswith("."))

    watcher = threading.Thread(target=watch)
    watcher.start()
    for number in range(20):
        place(bytes(2_000_000), tmp_path, f"folder/{number}.log.gz")
    stopped.set()
    watcher.join()
    assert sizes <= {2_000_000}


def test_a_failed_write_leaves_no_file(tmp_path: Path) -> None:
    (tmp_path / "taken.gz").mkdir()
    with pytest.raises(OSError, match=r"taken\.gz"):
        place(b"data", tmp_path, "taken.gz")
    assert [path.name for path in tmp_path.iterdir()] == ["taken.gz"]


def test_the_command_writes_the_reported_records_to_files_named_by_their_end_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = (
        "--format default --format tgw --files 14 --records 1003 --minutes 20 --start 2026-11-01T23:50Z --seed 4"
    )
    assert generate.main(["--output", str(tmp_path), *arguments.split()]) == 0
    files = sorted(tmp_path.rglob("*.log.gz"))
    contents = [lines_of(path.read_bytes()) for path in files]
    assert len(files) == 14
    assert sum(len(lines) - 1 for lines in contents) == 1003
    assert {lines[0] for lines in contents} == {" ".join(DEFAULT_FORMAT), " ".join(TGW_DEFAULT_FORMAT)}
    assert {path.parent.relative_to(tmp_path).as_posix()[-10:] for path in files} == {"2026/11/01", "2026/11/02"}
    for path, (header, *lines) in zip(files, contents, strict=True):
        stamp = path.name.split("_")[4]
        begin = datetime.strptime(stamp, "%Y%m%dT%H%MZ").replace(tzinfo=timezone.utc).timestamp()
        ends = [int(line.split(" ")[header.split(" ").index("end")]) for line in lines]
        assert all(begin <= end < begin + 300 for end in ends)
    output = capsys.readouterr().out
    assert output.startswith("14 files, 1,003 records, ")
    assert f"{sum(path.stat().st_size for path in files):,} bytes in {tmp_path}" in output


def test_the_printed_next_step_names_the_folder_and_every_field(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        generate.main(["--output", str(tmp_path / "a b"), "--hive", "--parquet", "--format", "all", "--minutes", "5"])
        == 0
    )
    command = capsys.readouterr().out.partition("To load them into a table:")[2]
    words = shlex.split(command.replace("\\\n", " "))
    options = dict(zip(words[3::2], words[4::2], strict=True))
    assert words[:3] == [".venv/bin/python", "-m", "local.ingest"]
    assert options["--headers"].split(",") == list(ALL_FIELDS)
    folder = Path(options["--vpc-logs-path"].removesuffix("/*"))
    assert folder == tmp_path / "a b/AWSLogs/aws-account-id=123456789012/aws-service=vpcflowlogs/aws-region=us-east-1"
    assert len(list(folder.rglob("*.log.parquet"))) == 1
    assert set(options) >= {"--delta-output-path", "--checkpoint-path", "--table-name", "--region-name"}


def test_equal_commands_write_equal_files(tmp_path: Path) -> None:
    arguments = ["--files", "3", "--records", "90", "--minutes", "10", "--start", "2026-11-01", "--seed", "9"]
    written = []
    for name in ("one", "two"):
        assert generate.main(["--output", str(tmp_path / name), *arguments]) == 0
        files = (tmp_path / name).rglob("*.gz")
        written.append({path.relative_to(tmp_path / name): path.read_bytes() for path in files})
    assert written[0] == written[1]


def test_all_problems_of_the_arguments_are_reported_together(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = "--records many --files 0 --minutes --seed -1 --start soon --format nonsense --frmat x"
    assert generate.main(arguments.split()) == 2
    output = capsys.readouterr()
    assert output.out == ""
    for part in (
        "--output: missing",
        "--records many",
        "--files 0",
        "--minutes",
        "--start soon",
        "'nonsense'",
        "--frmat",
    ):
        assert part in output.err
    assert "Traceback" not in output.err


@pytest.mark.parametrize(
    "arguments",
    ["--records 0", "--records -5", "--records many", "--files 0", "--files -1", "--minutes 0", "--minutes -5"],
)
def test_an_invalid_number_is_one_problem_that_quotes_the_argument(
    arguments: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    others = "" if "--records" in arguments else " --records 3"
    assert generate.main(["--output", str(tmp_path), *arguments.split(), *others.split()]) == 2
    (problem,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("  ")]
    assert problem.startswith(f"  {arguments}: must be a whole number from 1 to ")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ("--files 10 --records 9", "fewer than the 10 files"),
        ("--files 1 --format default --format tgw", "each of the 2 formats"),
        ("--files 1 --records 900000000", "increase --files"),
        ("--minutes 99999999999999", "whole number from 1 to"),
        ("--start 0001-01-01", "years 1971"),
        ("--parquet=yes", "--parquet"),
    ],
)
def test_conflicting_or_invalid_arguments_are_rejected_before_a_file_is_written(
    arguments: str, problem: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert generate.main(["--output", str(tmp_path), *arguments.split()]) == 2
    assert problem in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_an_output_that_is_a_file_is_rejected(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert generate.main(["--output", str(tmp_path / "file")]) == 2
    assert "not a folder" in capsys.readouterr().err
    assert generate.main(["--output", str(tmp_path / "file" / "below")]) == 1
    assert "Cannot write the files" in capsys.readouterr().err
