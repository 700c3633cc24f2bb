"""The demo from end to end: its numbers are those of the tables, its check can fail, and it leaves nothing running."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from local.demo import __main__ as demo
from local.demo import delivery
from local.demo.check import Found, differences
from local.demo.folder import Folder
from local.demo.manifest import FlowLogNote, Manifest
from tests.e2e.ingesting import ENVIRONMENT, ROOT, SECONDS

RECORDS = 2000
ARGUMENTS = ["--folder", "the demo", "--records", str(RECORDS), "--seed", "5"]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Folder, str]:
    """A demo that ran, in a folder with a blank in its name: the folder, and what was printed."""
    home = tmp_path_factory.mktemp("demo")
    done = python("local.demo", *ARGUMENTS, home=home)
    assert done.returncode == 0, done.stdout
    return Folder(home / "the demo"), done.stdout


def python(module: str, *arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=home,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=3 * SECONDS,
        check=False,
    )


def test_the_printed_numbers_are_those_of_the_tables(ran: tuple[Folder, str], spark: SparkSession) -> None:
    folder, said = ran
    rows = spark.read.format("delta").load(str(folder.table)).count()
    entries = spark.read.format("delta").load(f"{folder.table}_quarantine").collect()
    lines = sum(entry.lines for entry in entries)

    assert f"delivered {rows + lines:,} lines = {rows:,} rows + {lines:,} quarantined: nothing lost" in said
    assert re.search(rf"vpc_flow_logs +{rows:,}  ", said)
    assert re.search(rf"vpc_flow_logs_quarantine +{len(entries):,}  ", said)
    assert "DIFFERENCE" not in said
    assert "Traceback" not in said


def test_three_files_are_in_quarantine_each_for_its_own_reason(ran: tuple[Folder, str], spark: SparkSession) -> None:
    folder, _ = ran
    entries = spark.read.format("delta").load(f"{folder.table}_quarantine").collect()
    reasons = sorted(entry.reason for entry in entries)

    assert len({entry.source_file for entry in entries}) == 3
    assert [re.sub(r"\d+", "N", reason) for reason in reasons] == [
        "N fields where the format has N",
        "N fields where the format has N",
        "damaged gzip: the file is cut off",
        "dstport: N does not fit INT",
        "no header line, and N fields where Headers names N",
        "not UTF-N at byte N of the line",
        "srcport: 'NxN' is not an integer",
    ]


def test_the_printed_command_lines_can_be_typed(ran: tuple[Folder, str]) -> None:
    folder, said = ran
    job, query = re.findall(rf"^ +({re.escape(sys.executable)} -[mc] (?:.*\\\n)*.*)", said, flags=re.MULTILINE)

    home = folder.path.parent
    again = subprocess.run(job, shell=True, cwd=home, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    asked = subprocess.run(query, shell=True, cwd=home, env=ENVIRONMENT, capture_output=True, text=True, check=False)

    assert (again.returncode, asked.returncode) == (0, 0), again.stderr + asked.stderr
    assert "done: 0 batches" in again.stdout
    assert re.search(r"\|ACCEPT\|", asked.stdout)


def test_the_readme_shows_what_is_printed(ran: tuple[Folder, str]) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = re.search(r"<!-- demo -->\n```text\n(.*?)```", readme, flags=re.DOTALL)
    assert shown

    def shape(text: str) -> list[str]:
        """The lines without what a seed, a number of records and a folder make different."""
        text = re.sub(r"-0[0-9a-f]{16}|[\d,]+", "N", re.sub(r"(\.demo|the demo)/", "", text))
        return [" ".join(line.split()) for line in text.splitlines() if line.strip()]

    printed = shape(ran[1])
    assert [line for line in shape(shown[1]) if line not in printed] == []


def test_tables_that_were_tampered_with_are_found(ran: tuple[Folder, str], spark: SparkSession, tmp_path: Path) -> None:
    folder = Folder(tmp_path / "copy")
    shutil.copytree(ran[0].path, folder.path)
    spark.sql(f"DELETE FROM delta.`{folder.table}_quarantine` WHERE reason LIKE 'srcport%'")
    spark.sql(f"UPDATE delta.`{folder.table}` SET bytes = bytes + 1 WHERE tgw_id IS NOT NULL AND bytes IS NOT NULL")

    done = python("local.demo.results", str(folder.path), home=tmp_path)

    told = re.findall(r"DIFFERENCE +(.*)", done.stdout)
    assert done.returncode == 1
    assert "nothing lost" not in done.stdout
    assert len(told) == 3
    assert re.search(r"rows \+ 4 quarantined: 1 line missing", told[0])
    assert "the bytes of the records add up to" in told[1]
    assert told[2].endswith("5 lines of it damaged, 4 lines in quarantine")


@pytest.mark.parametrize(("statuses", "expected"), [([0, 1], 1), ([2], 1), ([0, 0], 0)])
def test_the_demo_fails_with_its_job_and_with_its_check(
    statuses: list[int], expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = iter(statuses)
    monkeypatch.setattr(demo.process, "run", lambda command: next(given))

    assert demo.main(["--folder", str(tmp_path / "demo"), "--records", "1000"]) == expected
    assert list(given) == []


def test_a_folder_of_others_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    theirs = tmp_path / "theirs.txt"
    theirs.write_text("mine")

    assert demo.main(["--folder", str(tmp_path)]) == 2
    assert "is not empty, and the demo did not make it" in capsys.readouterr().err
    assert [*tmp_path.iterdir()] == [theirs]


def test_two_demos_do_not_share_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Folder(tmp_path / "demo").emptied():
        assert demo.main(["--folder", str(tmp_path / "demo")]) == 2
    assert "another demo is at work" in capsys.readouterr().err


def test_a_new_run_empties_the_folder(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "demo")
    with folder.emptied():
        (folder.path / "old").mkdir()
        (folder.path / "old" / "file").write_text("")
    with folder.emptied():
        assert [path.name for path in folder.path.iterdir()] == [".made-by-local-demo"]


def test_a_seed_gives_the_same_files(tmp_path: Path) -> None:
    notes = [delivery.deliver(tmp_path / name, count=1000, seed=seed) for name, seed in (("a", 1), ("b", 1), ("c", 2))]
    first, second, other = (
        {str(path.relative_to(tmp_path / name)): path.read_bytes() for path in (tmp_path / name).rglob("*.log.*")}
        for name in "abc"
    )

    assert notes[0] == notes[1] != notes[2]
    assert first == second
    assert first.keys().isdisjoint(other)


def test_the_manifest_is_read_as_it_was_written(tmp_path: Path) -> None:
    manifest = delivery.deliver(tmp_path / "bucket", count=1000, seed=1)
    manifest.save(tmp_path / "manifest.json")

    assert Manifest.load(tmp_path / "manifest.json") == manifest
    assert len(manifest.damaged) == 3


LOG = FlowLogNote(id="fl-1", what="VPC", format="text", files=1, lines=10, quarantined=2, rejected=3, bytes=100)
FOUND = Found(rows=8, accepted=5, rejected=3, bytes=100, quarantined=2)


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        (FOUND, None),
        (replace(FOUND, rows=7), "fl-1: delivered 10 lines, in the tables 7 rows + 2 quarantined: 1 line missing"),
        (replace(FOUND, rows=16), "fl-1: delivered 10 lines, in the tables 16 rows + 2 quarantined: 8 lines too many"),
        (replace(FOUND, rows=10, quarantined=0), "fl-1: 8 whole records, but 10 rows"),
        (replace(FOUND, rejected=0), "fl-1: 3 records say REJECT, 0 rows do"),
        (replace(FOUND, bytes=9), "fl-1: the bytes of the records add up to 100, those of the rows to 9"),
    ],
)
def test_each_difference_is_told(found: Found, problem: str | None) -> None:
    manifest = Manifest(flow_logs=(LOG,), damaged=(), headers=())

    assert differences(manifest, {"fl-1": found}, {}) == ([problem] if problem else [])


def test_rows_of_unknown_flow_logs_are_told() -> None:
    assert differences(Manifest((), (), ()), {"fl-2": FOUND}, {}) == [
        "fl-2: 8 rows of a flow log that delivered nothing"
    ]


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize(
    ("after", "number"), [("-m local.ingest", signal.SIGINT), ("loading ", signal.SIGINT), ("loading ", signal.SIGTERM)]
)
def test_a_stopped_demo_leaves_no_process(after: str, number: signal.Signals, tmp_path: Path) -> None:
    mark = f"DEMO_TEST={uuid.uuid4()}"
    name, _, value = mark.partition("=")
    output = tmp_path / "output"
    with output.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "local.demo", *ARGUMENTS],
            cwd=tmp_path,
            env={**ENVIRONMENT, name: value},
            stdout=out,
            stderr=subprocess.STDOUT,
            # As in a terminal: a group that Ctrl-C goes to as a whole.
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + SECONDS
        while after not in output.read_text() and process.poll() is None:
            assert time.monotonic() < deadline, output.read_text()
            time.sleep(0.05)
        time.sleep(0.5)
        os.killpg(process.pid, number)
        assert process.wait(SECONDS) == 128 + number
        assert list(processes_with(mark)) == []
    finally:
        for pid in processes_with(mark):
            os.kill(pid, signal.SIGKILL)
        process.wait()
    assert "Traceback" not in output.read_text()


def processes_with(mark: str) -> Iterator[int]:
    """Processes that were started with a variable in their environment."""
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            found = mark.encode() in environ.read_bytes().split(b"\0")
        except OSError:
            continue
        if found:
            yield int(environ.parent.name)
