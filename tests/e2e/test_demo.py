"""The demo from end to end: its numbers are those of the tables, and it leaves nothing behind, stopped or not."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from local.demo import __main__ as demo
from local.demo.folder import Folder
from tests.support.ingesting import ENVIRONMENT, ROOT

RECORDS = 6000
SECONDS = 900
"""How long a demo may take before a test gives up: the machine may be busy."""

ARGUMENTS = ["--folder", "the demo", "--records", str(RECORDS), "--seed", "5"]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Folder, str]:
    """A demo that ran, in a folder with a blank in its name: the folder, and what was printed."""
    home = tmp_path_factory.mktemp("demo")
    done = subprocess.run(
        [sys.executable, "-m", "local.demo", *ARGUMENTS],
        cwd=home,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert list(processes_of(home)) == []
    return Folder(home / "the demo"), done.stdout


def test_the_printed_numbers_are_those_of_the_tables(ran: tuple[Folder, str], spark: SparkSession) -> None:
    folder, said = ran
    rows = spark.read.format("delta").load(str(folder.tables / "flow_logs"))
    entries = spark.read.format("delta").load(str(folder.tables / "flow_logs_quarantine")).collect()
    count, lines = rows.count(), sum(entry.lines for entry in entries)

    assert count > RECORDS
    assert f"delivered {count + lines:,} lines = {count:,} rows + {lines:,} quarantined: nothing lost" in said
    assert re.search(rf"flow_logs +{count:,}  ", said)
    assert re.search(rf"flow_logs_quarantine +{len(entries):,}  ", said)
    assert "DIFFERENCE" not in said
    assert "Traceback" not in said


def test_three_flow_logs_in_three_formats_are_in_one_table(ran: tuple[Folder, str], spark: SparkSession) -> None:
    folder, said = ran
    rows = spark.read.format("delta").load(str(folder.tables / "flow_logs"))
    # A field that only the second deploy's formats have: its column was added while traffic flowed.
    counts = rows.selectExpr(
        "count_if(version = 2)", "count_if(pkt_srcaddr IS NOT NULL)", "count_if(tgw_id IS NOT NULL)"
    ).first()

    assert counts is not None
    assert all(count > 0 for count in counts)
    for told in ("VPC vpc-", "subnet subnet-", "transit gateway tgw-"):
        assert re.search(rf"{told}\w+ +[\d,]+ += +[\d,]+ +\+ +\d+$", said, flags=re.MULTILINE)


def test_three_files_are_in_quarantine_each_for_its_own_reason(ran: tuple[Folder, str], spark: SparkSession) -> None:
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


def test_everything_that_was_deployed_is_looked_up_and_gone(ran: tuple[Folder, str]) -> None:
    looked_up = ran[1].partition("looked up")[2]

    for what in (
        *("reader role", "instance profile", "right to pass the role", "flow logs", "SNS topics", "SQS queues"),
        *("bucket notification", "functions", "registered profile", "grant of the profile", "job", "active runs"),
    ):
        assert re.search(rf"^ +{what} +\S.* none$", looked_up, flags=re.MULTILINE), what
    assert "nothing is left but the bucket and the tables" in looked_up


def test_the_report_has_the_numbers_and_needs_nothing_else(ran: tuple[Folder, str]) -> None:
    folder, said = ran
    text = folder.report.read_text(encoding="utf-8")
    sums = re.search(r"delivered ([\d,]+) lines = ([\d,]+) rows \+ (\d+) quarantined", said)

    assert sums
    assert f"{sums[1]} delivered lines = {sums[2]} rows + {sums[3]} quarantined" in text
    assert "nothing lost" in text
    assert "databricks-auto-ingest-" in text
    assert not re.search(r"\b(?:src|href)=", text)


def test_lag_is_told(ran: tuple[Folder, str]) -> None:
    assert re.search(r"latency from file upload to readable rows: median \d+\.\d s, maximum .*, \d+ files", ran[1])


def test_the_printed_query_can_be_typed(ran: tuple[Folder, str]) -> None:
    folder, said = ran
    (query,) = re.findall(rf"^ +({re.escape(sys.executable)} -c .*)", said, flags=re.MULTILINE)
    asked = subprocess.run(
        query, shell=True, cwd=folder.path.parent, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )

    assert asked.returncode == 0, asked.stderr
    assert re.search(r"\|ACCEPT\|", asked.stdout)


def test_the_documents_show_what_is_printed(ran: tuple[Folder, str]) -> None:
    pages = [(ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/stage.md")]
    excerpts = [re.findall(r"<!-- demo -->\n```text\n(.*?)```", page, flags=re.DOTALL) for page in pages]
    assert [len(blocks) for blocks in excerpts] == [1, 2]

    def shape(text: str) -> list[str]:
        """The lines without what a seed, a number of records, a folder and a machine make different."""
        text = re.sub(r"(\.demo|the demo)/", "", text)
        text = re.sub(r"\d+ min \d\d s|[\d.]+ s\b", "T", re.sub(r"-0[0-9a-f]{16}", "N", text))
        return [" ".join(re.sub(r"[\d,]+", "N", line).split()) for line in text.splitlines() if line.strip()]

    printed = shape(ran[1])
    assert [line for excerpt in chain(*excerpts) for line in shape(excerpt) if line not in printed] == []


def test_nothing_is_written_outside_the_folder(ran: tuple[Folder, str]) -> None:
    folder, _ = ran

    assert [path.name for path in folder.path.parent.iterdir()] == [folder.path.name]
    assert not list(ROOT.glob("cdk.out/*demo*"))


def test_a_folder_of_others_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    theirs = tmp_path / "theirs.txt"
    theirs.write_text("mine")

    assert demo.main(["--folder", str(tmp_path)]) == 2
    assert "is not empty, and the demo did not create it" in capsys.readouterr().err
    assert [*tmp_path.iterdir()] == [theirs]


def test_two_demos_do_not_share_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Folder(tmp_path / "demo").emptied():
        assert demo.main(["--folder", str(tmp_path / "demo")]) == 2
    assert "another demo is running" in capsys.readouterr().err


def test_a_new_run_empties_the_folder(tmp_path: Path) -> None:
    folder, kept = Folder(tmp_path / "demo"), tmp_path / "kept"
    kept.mkdir()
    (kept / "file").touch()
    with folder.emptied():
        (folder.path / "old").mkdir()
        (folder.path / "old" / "file").write_text("")
        folder.tables.symlink_to("../kept")
    with folder.emptied():
        assert [path.name for path in folder.path.iterdir()] == [".made-by-local-demo"]
    assert (kept / "file").exists()


@pytest.mark.parametrize("records", ["0", "-5", "1e6", "999999999999"])
def test_records_out_of_bounds_are_refused(records: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        demo.main(["--folder", str(tmp_path / "demo"), "--records", records])

    assert ended.value.code == 2
    assert "is not a whole number from" in capsys.readouterr().err
    assert not (tmp_path / "demo").exists()


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for processes in /proc")
def test_a_stopped_demo_leaves_no_process(tmp_path: Path) -> None:
    output = tmp_path / "output"
    with output.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "local.demo", *ARGUMENTS],
            cwd=tmp_path,
            env=ENVIRONMENT,
            stdout=out,
            stderr=subprocess.STDOUT,
            # As in a terminal: a group that Ctrl-C goes to as a whole.
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + SECONDS
        while "damaged: " not in output.read_text() and process.poll() is None:
            assert time.monotonic() < deadline, output.read_text()
            time.sleep(0.05)
        time.sleep(2)
        assert process.poll() is None, output.read_text()
        assert len(list(processes_of(tmp_path))) > 1
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(SECONDS) == 128 + signal.SIGINT
        assert list(processes_of(tmp_path)) == []
    finally:
        process.kill()
        process.wait()
        for pid in processes_of(tmp_path):
            os.kill(pid, signal.SIGKILL)
    said = output.read_text()
    assert "Traceback" not in said
    assert "stopped; all processes of the demo have ended" in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["output", "the demo"]


def processes_of(home: Path) -> Iterator[int]:
    """Processes that were started in a folder, or were told of it in their command line or environment."""
    wanted = str(home).encode()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            told = [(process / name).read_bytes() for name in ("environ", "cmdline")]
            told.append(os.fsencode((process / "cwd").readlink()))
        except OSError:
            continue
        if int(process.name) != os.getpid() and any(wanted in one for one in told):
            yield int(process.name)
