"""The owner of the job and the identity it runs as, also after manual changes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.workspace import status
from local.workspace import add_service_principal, add_user, remove_principal
from local.workspace.state import Job, Permission
from tests.support.deploying import PAUSED, READERS, Stage, staged, streaming_job

JANE = "jane@example.com"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path) as stage:
        yield stage


def _job(stage: Stage) -> Job:
    return streaming_job(stage.server.state)


def _owners(stage: Stage) -> list[Permission]:
    return [permission for permission in _job(stage).permissions if permission.level == "IS_OWNER"]


def _outcome(stage: Stage, name: str) -> str:
    return next(step.outcome for step in stage.steps if step.name == name)


@pytest.mark.parametrize("readers", [[READERS], []], ids=["with viewers and managers", "without"])
def test_a_job_without_an_owner_gets_its_creator_as_the_owner(stage: Stage, readers: list[tuple[str, str]]) -> None:
    spec = stage.spec(*readers)
    stage.deploy(spec)
    _job(stage).permissions = []
    stage.steps.clear()
    stage.deploy(spec)
    assert _outcome(stage, "permissions") == "updated"
    assert _owners(stage) == [Permission("service_principal_name", stage.deployer.client_id, "IS_OWNER")]
    stage.server.clear_log()
    stage.deploy(spec)
    assert stage.writing() == []


def test_a_job_of_a_deleted_creator_gets_the_deploying_identity_as_the_owner(stage: Stage) -> None:
    former = add_service_principal(stage.server.state, "former", admin=True)
    spec = stage.spec(READERS)
    stage.deploy(spec, client=stage.client(token=former.token))
    remove_principal(stage.server.state, stage.server.state.principal("former"))
    stage.deploy(spec)
    assert _owners(stage) == [Permission("service_principal_name", stage.deployer.client_id, "IS_OWNER")]


def test_a_job_that_a_user_created_gets_that_user_as_the_owner(stage: Stage) -> None:
    spec = stage.spec()
    stage.deploy(spec)
    _job(stage).creator, _job(stage).permissions = JANE, []
    stage.deploy(spec)
    assert _owners(stage) == [Permission("user_name", JANE, "IS_OWNER")]


# The run-as identity


def test_a_run_as_identity_set_by_hand_is_reset_before_the_next_run(stage: Stage) -> None:
    spec = stage.spec()
    stage.deploy(spec)
    with stage.server.lock:
        _job(stage).settings["run_as"] = {"user_name": JANE}
    stage.server.clear_log()
    deployed = stage.deploy(spec)
    (step,) = [step for step in deployed.steps if step.name == "job"]
    assert "run_as" in step.detail
    assert _job(stage).settings["run_as"] == {"service_principal_name": stage.deployer.client_id}
    assert "POST /api/2.2/jobs/runs/cancel-all" in stage.writing()
    running = [run for run in stage.server.state.runs.values() if run.run_type == "JOB_RUN" and not run.ended]
    assert [run.run_as for run in running] == [stage.deployer.client_id]
    assert _job(stage).settings["continuous"]["pause_status"] == "UNPAUSED"
    stage.server.clear_log()
    stage.deploy(spec)
    assert stage.writing() == []


def test_the_job_still_runs_as_its_owner_if_another_principal_deploys(stage: Stage) -> None:
    spec = stage.spec(PAUSED)
    stage.deploy(spec)
    other = add_service_principal(stage.server.state, "other", admin=True)
    stage.server.clear_log()
    stage.deploy(spec, client=stage.client(token=other.token))
    assert stage.writing() == []


def test_status_shows_a_changed_run_as_identity_and_the_one_that_the_next_deploy_sets(stage: Stage) -> None:
    spec = stage.spec()
    stage.deploy(spec)
    job = status.read(stage.client(), spec).job
    assert job is not None
    assert (job.runs_as, job.owner) == (stage.deployer.client_id, None)
    add_user(stage.server.state, "x@example.com")
    _job(stage).settings["run_as"] = {"user_name": "x@example.com"}
    job = status.read(stage.client(), spec).job
    assert job is not None
    assert (job.runs_as, job.owner) == ("x@example.com", stage.deployer.client_id)
