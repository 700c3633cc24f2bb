"""`make probe` on the stage: a run of the real wheel next to the job, a report without names, and no leftovers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra.assets.wheel import build_wheel
from infra.probe import __main__ as command
from infra.workspace.wheel.wheel_file import WheelFile, read_wheel
from tests.support.buckets import BUCKET
from tests.support.ministack import ACCOUNT
from tests.support.prepared_clouds import PreparedClouds, prepared_clouds
from tests.support.workspaces import until

pytestmark = pytest.mark.slow

SECONDS = 240


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PreparedClouds]:
    with prepared_clouds(tmp_path_factory.mktemp("clouds")) as both:
        yield both


@pytest.fixture
def probe(here: PreparedClouds, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], tuple[int, str]]:
    """Return a function that runs the command and returns its exit status and the report."""
    monkeypatch.setenv("DATABRICKS_TOKEN", here.workspace.credentials.token)
    report = tmp_path / "report.md"

    def run() -> tuple[int, str]:
        status = command.main(["--env", str(here.file), "--output", str(report)])
        return status, report.read_text()

    return run


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> WheelFile:
    return read_wheel(build_wheel(tmp_path_factory.mktemp("wheel")))


def section(report: str, title: str) -> str:
    match = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", report, flags=re.DOTALL | re.MULTILINE)
    return match[1] if match else ""


def test_before_a_deploy_the_probe_explains_how_to_keep_the_resources_of_a_failed_one(
    here: PreparedClouds, probe: Callable[[], tuple[int, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    before = here.resources()
    status, report = probe()
    assert status == 0
    assert "the instance profile is not registered in the workspace" in section(report, "Not asked")
    assert f"make deploy ENV={here.file} ARGS=--no-rollback" in capsys.readouterr().out
    assert here.resources() == before


def test_next_to_the_running_job_the_probe_answers_every_question_and_leaves_nothing(
    here: PreparedClouds, probe: Callable[[], tuple[int, str]], wheel: WheelFile, capsys: pytest.CaptureFixture[str]
) -> None:
    here.deploy(wheel)
    here.put("a.log")
    until(lambda: "batch 0: 1 file" in here.output("ingest"), seconds=SECONDS)
    before = here.resources()

    status, report = probe()

    assert status == 0
    assert here.resources() == before
    output = capsys.readouterr().out
    assert output.startswith("Probing test in ")
    assert "This starts one cluster for a few minutes" in output.splitlines()[0]
    assert report in output
    assert output.rstrip().endswith("Next: read the report and attach it to a bug report")

    good, bad = section(report, "Holds"), section(report, "Does not hold")
    assert "the run on the job's cluster" not in bad
    for question in (
        "DbutilsFolders writes, lists and reads below the checkpoint",
        "Spark reads the file that was written there",
        "Spark writes and reads there",
        "nothing is left below the checkpoint",
        "the job has the permissions that it needs",
        "the table's history has counts",
        "a set that is observed before a range sort is correct",
        "Auto Loader gives the topic and the queue the same name",
        "the workspace returns the job's settings as sent",
    ):
        assert f"**{question}**" in good, report
    # A range sort reads its input twice and therefore counts it twice.
    assert "40000 of 20000 rows" in bad
    seen = section(report, "Seen")
    assert "Spark 4." in seen
    assert "of Auto Loader" in section(report, "Seen")
    assert "run_if = ALL_SUCCESS" in seen
    for name in (ACCOUNT, BUCKET, "flow-log-reader", "acme", here.workspace.host, here.workspace.credentials.token):
        assert name not in report

    here.put("b.log")
    until(lambda: "batch 1: 1 file" in here.output("ingest"), seconds=SECONDS)
