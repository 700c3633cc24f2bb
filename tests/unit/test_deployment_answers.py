"""Answers of a workspace that are unusual and no reason to stop, or that need their own advice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.workspace import status
from infra.workspace.client import connect
from infra.workspace.errors import DeploymentError
from infra.workspace.job.runs import state_of
from local.workspace import Fault, Outcome, RecordingRunner, Script
from tests.support.deploying import MAIL, NO_VERIFY, Hurried, Stage, staged

IP_ACL = r"IP access list.*blocked by Databricks IP ACL.*Deploy by hand from an allowed network.*fixed address"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path) as made:
        yield made


# An IP access list.


def test_a_workspace_that_blocks_the_address_is_said_as_that_and_not_as_missing_rights(stage: Stage) -> None:
    spec = stage.spec()
    stage.deploy(spec)
    stage.server.clear_log()
    stage.server.faults.on(None, "/api/*", Fault.BLOCKED, times=None)
    with pytest.raises(DeploymentError, match=IP_ACL) as failure:
        stage.deploy(spec)
    assert "admin" not in str(failure.value)
    assert stage.writing() == []
    stage.server.faults.clear()
    stage.deploy(spec)
    assert stage.writing() == []


def test_an_address_that_is_blocked_at_the_sign_in_is_said_as_that(stage: Stage) -> None:
    stage.server.faults.on(None, "*", Fault.BLOCKED, times=None)
    secret = {"client_id": stage.deployer.client_id, "client_secret": stage.deployer.client_secret}
    with pytest.raises(DeploymentError, match=IP_ACL):
        stage.deploy(stage.spec(), client=connect(stage.server.host, secret=secret, clock=Hurried()))


# Jobs that are gone.


def test_a_job_that_is_gone_when_it_is_deleted_is_fine_though_the_answer_says_nothing(stage: Stage) -> None:
    spec = stage.spec()
    stage.deploy(spec)
    stage.server.faults.on("POST", "/api/2.2/jobs/delete", Fault.BARE_NOT_FOUND)
    assert ("job", "removed") in [(step.name, step.outcome) for step in stage.destroy(spec)]


@pytest.mark.parametrize("fault", [Fault.BARE_DENIED, Fault.DENIED, Fault.BARE_NOT_FOUND])
def test_a_job_that_goes_while_it_is_changed_is_said_as_that_and_not_as_missing_rights(
    stage: Stage, fault: Fault
) -> None:
    stage.deploy(stage.spec())
    (job_id,) = stage.server.state.jobs
    stage.server.faults.on("POST", "/api/2.2/jobs/reset", fault)
    stage.server.faults.on("GET", "/api/2.2/jobs/get", Fault.BARE_NOT_FOUND, nth=3)
    with pytest.raises(DeploymentError, match=f"job {job_id} was deleted while it was changed. Deploy again"):
        stage.deploy(stage.spec(MAIL))


def test_a_refused_change_of_a_job_that_is_there_names_the_missing_right(stage: Stage) -> None:
    stage.deploy(stage.spec())
    stage.server.faults.on("POST", "/api/2.2/jobs/reset", Fault.BARE_DENIED)
    with pytest.raises(DeploymentError, match=r"Changing the job \d+: the workspace denied.*workspace admin"):
        stage.deploy(stage.spec(MAIL))


# A server that ignores what it is to filter by.


def test_a_job_of_another_name_does_not_take_ours(stage: Stage) -> None:
    stage.server.behaviour.filters = False
    other = stage.client().jobs.create(name="quite another").job_id
    spec = stage.spec()
    stage.deploy(spec)
    stage.server.clear_log()
    stage.deploy(spec)
    assert stage.writing() == []
    stage.destroy(spec)
    assert list(stage.server.state.jobs) == [other]


def test_a_job_whose_name_differs_in_case_only_takes_ours(stage: Stage) -> None:
    made = stage.client().jobs.create(name="VPC-flow-logs-test")
    with pytest.raises(DeploymentError, match=f"taken by job {made.job_id}"):
        stage.deploy(stage.spec())


def test_runs_of_others_are_neither_shown_nor_waited_for(stage: Stage) -> None:
    spec = stage.spec()
    stage.deploy(stage.spec(NO_VERIFY, name="other"))
    stage.deploy(spec)
    stage.server.behaviour.filters = False
    (run,) = status.look(stage.client(), spec).runs
    assert run.state == "RUNNING"
    stage.destroy(spec)
    assert [run.name for run in stage.server.state.runs.values() if not run.ended] == ["vpc-flow-logs-other"]


# Words of status.


def test_a_run_that_is_over_without_a_start_has_not_begun_no_longer(stage: Stage) -> None:
    spec = stage.spec()
    stage.deploy(spec)
    (run,) = [run for run in stage.server.state.runs.values() if run.run_type == "JOB_RUN"]
    run.start_time, run.cancelling = 0, True
    stage.waited.clear()
    stage.deploy(spec)
    lines = status.look(stage.client(), spec).runs
    assert [(line.over, line.began is None) for line in lines][-1] == (True, True)


def test_a_failed_run_is_called_failed(stage: Stage) -> None:
    runner = stage.server.workspace.runner
    assert isinstance(runner, RecordingRunner)
    runner.next.append(Script(Outcome("FAILED", "no")))
    with pytest.raises(DeploymentError):
        stage.deploy(stage.spec())
    (run,) = stage.client().jobs.list_runs()
    assert state_of(run) == "FAILED"
