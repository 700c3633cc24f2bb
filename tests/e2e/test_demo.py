"""The demo from start to end: its counts match the tables, and it leaves no process behind, even if stopped."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from local.demo import __main__ as demo
from local.demo.folder import Folder
from tests.support.ingesting import ENVIRONMENT, ROOT

RECORDS = 6000
SECONDS = 900
"""Timeout of a demo in seconds, generous because the machine may be busy."""

ARGUMENTS = ["--folder", "the demo", "--records", str(RECORDS), "--seed", "5"]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Folder, str]:
    """Run the demo in a folder with a blank in its name; return the folder and the output."""
    home = tmp_path_factory.mktemp("demo")
    process = subprocess.run(
        [sys.executable, "-m", "local.demo", *ARGUMENTS],
        cwd=home,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert process.returncode == 0, process.stdout
    assert list(processes_of(home)) == []
    return Folder(home / "the demo"), process.stdout


def test_the_printed_counts_match_the_tables(ran: tuple[Folder, str], spark: SparkSession) -> None:
    folder, output = ran
    rows = spark.read.format("delta").load(str(folder.tables / "flow_logs"))
    entries = spark.read.format("delta").load(str(folder.tables / "flow_logs_quarantine")).collect()
    count, lines = rows.count(), sum(entry.lines for entry in entries)

    assert count > RECORDS
    assert f"delivered {count + lines:,} lines = {count:,} rows + {lines:,} quarantined: nothing lost" in output
    assert re.search(rf"flow_logs +{count:,}  ", output)
    assert re.search(rf"flow_logs_quarantine +{len(entries):,}  ", output)
    assert "DIFFERENCE" not in output
    assert "Traceback" not in output


def test_the_maintenance_job_adds_the_finished_hours_to_the_roll_up(
    ran: tuple[Folder, str], spark: SparkSession
) -> None:
    folder, output = ran
    rows = spark.read.format("delta").load(str(folder.tables / "flow_logs"))
    hourly = spark.read.format("delta").load(str(folder.tables / "flow_logs_hourly"))
    sums = hourly.groupBy("hour").agg({"records": "sum", "bytes": "sum"}).collect()

    assert sums
    for hour in sums:
        of_hour = rows.where(f"date_trunc('HOUR', event_time) = timestamp_seconds({hour.hour.timestamp():.0f})")
        (raw,) = of_hour.selectExpr("count(*) AS records", "sum(bytes) AS bytes").collect()
        assert (hour["sum(records)"], hour["sum(bytes)"]) == (raw.records, raw.bytes)
    assert re.search(r"^ +compact flow_logs: ", output, flags=re.MULTILINE)
    assert re.search(rf"flow_logs_hourly +{hourly.count():,}  ", output)


def test_flow_logs_in_three_formats_are_in_one_table(ran: tuple[Folder, str], spark: SparkSession) -> None:
    folder, output = ran
    rows = spark.read.format("delta").load(str(folder.tables / "flow_logs"))
    # The second deploy's formats added columns while traffic flowed.
    counts = rows.selectExpr(
        "count_if(version = 2)", "count_if(pkt_srcaddr IS NOT NULL)", "count_if(tgw_id IS NOT NULL)"
    ).first()

    assert counts is not None
    assert all(count > 0 for count in counts)
    for flow_log in ("VPC vpc-", "subnet subnet-", "transit gateway tgw-"):
        assert re.search(rf"{flow_log}\w+ +[\d,]+ += +[\d,]+ +\+ +\d+$", output, flags=re.MULTILINE)


def test_three_damaged_files_are_in_quarantine_each_with_its_reasons(
    ran: tuple[Folder, str], spark: SparkSession
) -> None:
    folder, _ = ran
    entries = spark.read.format("delta").load(str(folder.tables / "flow_logs_quarantine")).collect()
    reasons = sorted(re.sub(r"\d+", "N", entry.reason) for entry in entries)

    assert len({entry.source_file for entry in entries}) == 3
    assert reasons == [
        "N fields, but the format has N",
        "N fields, but the format has N",
        "damaged gzip: the file is truncated",
        "dstport: N does not fit INT",
        "invalid UTF-N at byte N of the line",
        "no header line, and N fields instead of the N in Headers",
        "srcport: 'NxN' is not an integer",
    ]


def test_every_deployed_resource_is_looked_up_and_no_longer_exists(ran: tuple[Folder, str]) -> None:
    looked_up = ran[1].partition("looked up")[2]

    for resource in (
        *("reader role", "instance profile", "PassRole permission", "flow logs", "SNS topics", "SQS queues"),
        *("bucket notification", "functions", "registered profile", "grant of the profile", "job", "maintenance job"),
        "active runs",
    ):
        assert re.search(rf"^ +{resource} +\S.* none$", looked_up, flags=re.MULTILINE), resource
    assert "only the bucket and the tables are left" in looked_up


def test_the_report_has_the_counts_and_loads_no_other_file(ran: tuple[Folder, str]) -> None:
    folder, output = ran
    text = folder.report.read_text(encoding="utf-8")
    sums = re.search(r"delivered ([\d,]+) lines = ([\d,]+) rows \+ (\d+) quarantined", output)

    assert sums
    assert f"{sums[1]} delivered lines = {sums[2]} rows + {sums[3]} quarantined" in text
    assert "nothing lost" in text
    assert "databricks-auto-ingest-" in text
    assert not re.search(r"\b(?:src|href)=", text)


def test_the_latency_is_printed(ran: tuple[Folder, str]) -> None:
    assert re.search(r"latency from file upload to readable rows: median \d+\.\d s, maximum .*, \d+ files", ran[1])


def test_the_printed_query_works_as_typed(ran: tuple[Folder, str]) -> None:
    folder, output = ran
    (query,) = re.findall(rf"^ +({re.escape(sys.executable)} -m local\.answers .*)", output, flags=re.MULTILINE)
    result = subprocess.run(
        query, shell=True, cwd=folder.path.parent, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )

    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("Rejected sources\n")
    assert result.stderr.endswith("\nThese are the first 5 rows; --rows shows more, and --format csv shows all.\n")


def test_the_documents_show_the_printed_output(ran: tuple[Folder, str]) -> None:
    pages = [(ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/stage.md")]
    excerpts = [re.findall(r"<!-- demo -->\n```text\n(.*?)```", page, flags=re.DOTALL) for page in pages]
    assert [len(blocks) for blocks in excerpts] == [1, 2]

    def shape(text: str) -> list[str]:
        """Return the lines without the values that depend on seed, record count, folder and machine."""
        text = re.sub(r"(\.demo|the demo)/", "", text)
        text = re.sub(r"\d+ min \d\d s|[\d.]+ s\b", "T", re.sub(r"-0[0-9a-f]{16}", "N", text))
        return [" ".join(re.sub(r"[\d,]+", "N", line).split()) for line in text.splitlines() if line.strip()]

    printed = shape(ran[1])
    assert [line for excerpt in chain(*excerpts) for line in shape(excerpt) if line not in printed] == []


def test_nothing_is_written_outside_the_folder(ran: tuple[Folder, str]) -> None:
    folder, _ = ran

    assert [path.name for path in folder.path.parent.iterdir()] == [folder.path.name]
    assert not list(ROOT.glob("cdk.out/*demo*"))


def test_a_folder_the_demo_did_not_create_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("mine")

    assert demo.main(["--folder", str(tmp_path)]) == 2
    assert "is not empty, and the demo did not create it" in capsys.readouterr().err
    assert [*tmp_path.iterdir()] == [file]


def test_two_demos_do_not_share_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Folder(tmp_path / "demo").emptied():
        assert demo.main(["--folder", str(tmp_path / "demo")]) == 2
    assert "another demo is running" in capsys.readouterr().err


def test_a_new_run_empties_the_folder_without_following_links(tmp_path: Path) -> None:
    folder, linked = Folder(tmp_path / "demo"), tmp_path / "linked"
    linked.mkdir()
    (linked / "file").touch()
    with folder.emptied():
        (folder.path / "old").mkdir()
        (folder.path / "old" / "file").write_text("")
        folder.tables.symlink_to("../linked")
    with folder.emptied():
        assert [path.name for path in folder.path.iterdir()] == [".made-by-local-demo"]
    assert (linked / "file").exists()


@pytest.mark.parametrize("records", ["0", "-5", "1e6", "999999999999"])
def test_record_counts_out_of_range_are_rejected(
    records: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as error:
        demo.main(["--folder", str(tmp_path / "demo"), "--records", records])

    assert error.value.code == 2
    assert "is not a whole number from" in capsys.readouterr().err
    assert not (tmp_path / "demo").exists()


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc to find processes")
def test_a_stopped_demo_leaves_no_process(tmp_path: Path) -> None:
    """Stop it in the first deploy, while CDK, the stack's functions, and Spark for SQL and for a run are running."""
    output = tmp_path / "output"
    with output.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "local.demo", *ARGUMENTS],
            cwd=tmp_path,
            env=ENVIRONMENT,
            stdout=out,
            stderr=subprocess.STDOUT,
            # As in a terminal, where Ctrl-C goes to the whole process group.
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + SECONDS
        while not {"java", "node"} <= (programs := programs_of(tmp_path)).keys() or programs["java"] < 2:
            assert time.monotonic() < deadline, output.read_text()
            assert process.poll() is None, output.read_text()
            time.sleep(0.2)
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(SECONDS) == 128 + signal.SIGINT
        assert list(processes_of(tmp_path)) == []
    finally:
        process.kill()
        process.wait()
        for pid in processes_of(tmp_path):
            os.kill(pid, signal.SIGKILL)
    text = output.read_text()
    assert "Traceback" not in text
    assert "stopped; all processes of the demo have ended" in text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["output", "the demo"]


def programs_of(home: Path) -> Counter[str]:
    """Count the programs of `processes_of` by name."""
    names: Counter[str] = Counter()
    for pid in processes_of(home):
        with suppress(OSError):
            names[Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].decode().rpartition("/")[2]] += 1
    return names


def processes_of(home: Path) -> Iterator[int]:
    """Yield the processes with a folder in their working directory, command line or environment."""
    path = str(home).encode()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            values = [(process / name).read_bytes() for name in ("environ", "cmdline")]
            values.append(os.fsencode((process / "cwd").readlink()))
        except OSError:
            continue
        if int(process.name) != os.getpid() and any(path in value for value in values):
            yield int(process.name)
