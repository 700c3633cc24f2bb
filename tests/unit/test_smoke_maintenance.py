"""The smoke test's finding on the maintenance job, over HTTP: its schedule, its last run, and the next step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from infra.smoke.job import observe
from infra.smoke.judgement import Expected, Finding
from infra.smoke.maintenance import judge_maintenance
from infra.workspace.job.job_kind import MAINTENANCE
from local.workspace import Outcome, RecordingRunner, Script
from tests.support.deploying import NO_MAINTENANCE, NO_VERIFY, PAUSED, Stage, maintenance_job, staged
from tests.support.workspaces import until

EXPECTED = Expected(environment="test")
MISSING = "2 parameter problems; nothing was changed:\n  - the table network.flow_logs.test does not exist"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path) as stage:
        yield stage


def _finding(stage: Stage, expected: Expected = EXPECTED) -> Finding:
    finding = judge_maintenance(observe(stage.client(), stage.spec(), MAINTENANCE), expected)
    assert finding.check == "maintenance"
    assert bool(finding.next_step) == (finding.state == "wrong")
    return finding


def _run(stage: Stage, script: Script) -> None:
    """Start a run on the schedule, and wait for its end if it has one."""
    runner = stage.server.workspace.runner
    assert isinstance(runner, RecordingRunner)
    runner.by_entry_point["maintain"] = script
    run_id = stage.server.fire_schedule(maintenance_job(stage.server.state).job_id)
    assert run_id is not None
    run = stage.server.state.runs[run_id]
    until(lambda: run.ended if script.seconds is not None else run.tasks[0].life_cycle == "RUNNING")


def test_a_job_that_has_not_run_yet_is_not_a_fault(stage: Stage) -> None:
    stage.deploy(stage.spec(NO_VERIFY))
    finding = _finding(stage)
    assert (finding.state, finding.text.startswith("no run yet: waiting for the schedule: http")) == ("note", True)


def test_a_successful_and_an_active_run_are_healthy(stage: Stage) -> None:
    stage.deploy(stage.spec(NO_VERIFY))
    _run(stage, Script())
    finding = _finding(stage)
    assert (finding.state, finding.text.startswith("the last run is TERMINATED SUCCESS, started 20")) == ("ok", True)
    _run(stage, Script(seconds=None))
    finding = _finding(stage)
    assert (finding.state, finding.text.startswith("running, started 20")) == ("ok", True)


def test_a_failed_last_run_is_reported_with_its_reason_and_the_next_step(stage: Stage) -> None:
    stage.deploy(stage.spec(NO_VERIFY))
    _run(stage, Script(Outcome("FAILED", f"ParameterError: {MISSING}")))
    finding = _finding(stage)
    assert finding.state == "wrong"
    assert "failed (FAILED): ParameterError: 2 parameter problems" in finding.text
    assert "the table network.flow_logs.test does not exist" in finding.text
    assert f"/jobs/{maintenance_job(stage.server.state).job_id}/runs/" in finding.next_step
    # A newer run that has not ended does not show yet that the cause is fixed.
    _run(stage, Script(seconds=None))
    assert _finding(stage).state == "wrong"


def test_a_success_after_a_failure_is_healthy(stage: Stage) -> None:
    stage.deploy(stage.spec(NO_VERIFY))
    _run(stage, Script(Outcome("FAILED", "no space left")))
    _run(stage, Script())
    assert _finding(stage).state == "ok"


def test_a_missing_job_is_reported_with_the_command_that_creates_it(stage: Stage) -> None:
    assert _finding(stage).next_step == "make deploy ENV=test"


def test_a_disabled_job_is_a_note_until_it_exists(stage: Stage) -> None:
    disabled = replace(EXPECTED, maintenance=False)
    stage.deploy(stage.spec(NO_VERIFY, NO_MAINTENANCE))
    assert _finding(stage, disabled).state == "note"
    stage.deploy(stage.spec(NO_VERIFY))
    assert "-m infra.workspace deploy --env test" in _finding(stage, disabled).next_step


def test_a_job_paused_by_hand_is_reported_and_one_paused_by_the_file_is_a_note(stage: Stage) -> None:
    stage.deploy(stage.spec(NO_VERIFY, PAUSED))
    assert "paused by hand" in _finding(stage).text
    assert _finding(stage, replace(EXPECTED, paused=True)).state == "note"
