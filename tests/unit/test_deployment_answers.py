"""Unusual responses of a workspace that either do not stop a deployment or need their own advice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.workspace import status
from infra.workspace.client import connect
from infra.workspace.errors import DeploymentError
from infra.workspace.job.runs import state_of
from local.workspace import Fault, Outcome, RecordingRunner, Script
from tests.support.deploying import MAIL, NO_VERIFY, Hurried, Stage, staged, streaming_job

IP_ACL = r"IP access list.*blocked by Databricks IP ACL.*Deploy by hand from an allowed network.*fixed address"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path) as stage:
        yield stage


# An IP access list


def test_an_ip_address_that_the_workspace_blocks_is_not_reported_as_missing_permissions(stage: Stage) -> None:
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


def test_an_ip_address_that_is_blocked_at_sign_in_is_reported(stage: Stage) -> None:
    stage.server.faults.on(None, "*", Fault.BLOCKED, times=None)
    secret = {"client_id": stage.deployer.client_id, "client_secret": stage.deployer.client_secret}
    with pytest.raises(DeploymentError, match=IP_ACL):
        stage.deploy(stage.spec(), client=connect(stage.server.host, secret=secret, clock=Hurried()))


# Deleted jobs


def test_deleting_a_job_that_is_already_gone_succeeds_even_if_the_response_has_no_details(stage: Stage) -> None:
    spec = stage.spec()
    stage.deploy(spec)
    stage.server.faults.on("POST", "/api/2.2/jobs/delete", Fault.BARE_NOT_FOUND)
    assert ("job", "removed") in [(step.name, step.outcome) for step in stage.destroy(spec)]


@pytest.mark.parametrize("fault", [Fault.BARE_DENIED, Fault.DENIED, Fault.BARE_NOT_FOUND])
def test_a_job_that_is_deleted_during_a_change_is_not_reported_as_missing_permissions(
    stage: Stage, fault: Fault
) -> None:
    stage.deploy(stage.spec())
    job_id = streaming_job(stage.server.state).job_id
    stage.server.faults.on("POST", "/api/2.2/jobs/reset", fault)
    # The preflight checks read each job once, and the change reads this one before it.
    stage.server.faults.on("GET", "/api/2.2/jobs/get", Fault.BARE_NOT_FOUND, nth=4)
    with pytest.raises(DeploymentError, match=f"job {job_id} was deleted while it was changed. Deploy again"):
        stage.deploy(stage.spec(MAIL))


def test_a_denied_change_of_an_existing_job_is_reported_with_the_missing_permission(stage: Stage) -> None:
    stage.deploy(stage.spec())
    stage.server.faults.on("POST", "/api/2.2/jobs/reset", Fault.BARE_DENIED)
    with pytest.raises(DeploymentError, match=r"Changing the job \d+: the workspace denied.*workspace admin"):
        stage.deploy(stage.spec(MAIL))


# A server that ignores filters


def test_a_job_with_another_name_is_not_a_name_conflict(stage: Stage) -> None:
    stage.server.behavior.filters = False
    other = stage.client().jobs.create(name="quite another").job_id
    spec = stage.spec()
    stage.deploy(spec)
    stage.server.clear_log()
    stage.deploy(spec)
    assert stage.writing() == []
    stage.destroy(spec)
    assert list(stage.server.state.jobs) == [other]


def test_a_job_whose_name_differs_only_in_case_is_a_name_conflict(stage: Stage) -> None:
    other = stage.client().jobs.create(name="VPC-flow-logs-test")
    with pytest.raises(DeploymentError, match=f"taken by job {other.job_id}"):
        stage.deploy(stage.spec())


def test_runs_of_other_jobs_are_neither_shown_nor_waited_for(stage: Stage) -> None:
    spec = stage.spec()
    stage.deploy(stage.spec(NO_VERIFY, name="other"))
    stage.deploy(spec)
    stage.server.behavior.filters = False
    job = status.read(stage.client(), spec).job
    assert job is not None
    (run,) = job.runs
    assert run.state == "RUNNING"
    stage.destroy(spec)
    assert [run.name for run in stage.server.state.runs.values() if not run.ended] == ["vpc-flow-logs-other"]


# Run states


def test_a_run_that_ended_without_a_start_time_is_shown_as_ended(stage: Stage) -> None:
    spec = stage.spec()
    stage.deploy(spec)
    (run,) = [run for run in stage.server.state.runs.values() if run.run_type == "JOB_RUN"]
    run.start_time, run.cancelling = 0, True
    stage.waited.clear()
    stage.deploy(spec)
    job = status.read(stage.client(), spec).job
    assert job is not None
    assert [(line.over, line.began is None) for line in job.runs][-1] == (True, True)


def test_a_failed_run_has_the_state_failed(stage: Stage) -> None:
    runner = stage.server.workspace.runner
    assert isinstance(runner, RecordingRunner)
    runner.next.append(Script(Outcome("FAILED", "no")))
    with pytest.raises(DeploymentError):
        stage.deploy(stage.spec())
    (run,) = stage.client().jobs.list_runs()
    assert state_of(run) == "FAILED"
