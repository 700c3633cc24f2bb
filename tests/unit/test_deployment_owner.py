"""Whose the job is and as whom it runs, whatever somebody did by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.workspace import status
from local.workspace import add_service_principal, add_user, remove_principal
from local.workspace.state import Job, Permission
from tests.support.deploying import PAUSED, READERS, Stage, staged

JANE = "jane@example.com"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path) as made:
        yield made


def _job(stage: Stage) -> Job:
    (job,) = stage.server.state.jobs.values()
    return job


def _owners(stage: Stage) -> list[Permission]:
    return [one for one in _job(stage).permissions if one.level == "IS_OWNER"]


def _outcome(stage: Stage, name: str) -> str:
    return next(step.outcome for step in stage.told if step.name == name)


@pytest.mark.parametrize("readers", [[READERS], []], ids=["with readers", "without"])
def test_a_job_without_an_owner_gets_who_made_it(stage: Stage, readers: list[tuple[str, str]]) -> None:
    spec = stage.spec(*readers)
    stage.deploy(spec)
    _job(stage).permissions = []
    stage.told.clear()
    stage.deploy(spec)
    assert _outcome(stage, "permissions") == "updated"
    assert _owners(stage) == [Permission("service_principal_name", stage.deployer.client_id, "IS_OWNER")]
    stage.server.clear_log()
    stage.deploy(spec)
    assert stage.writing() == []


def test_a_job_whose_maker_is_gone_gets_whoever_deploys(stage: Stage) -> None:
    former = add_service_principal(stage.server.state, "former", admin=True)
    spec = stage.spec(READERS)
    stage.deploy(spec, client=stage.client(token=former.token))
    remove_principal(stage.server.state, stage.server.state.principal("former"))
    stage.deploy(spec)
    assert _owners(stage) == [Permission("service_principal_name", stage.deployer.client_id, "IS_OWNER")]


def test_a_job_that_a_person_made_gets_that_person(stage: Stage) -> None:
    spec = stage.spec()
    stage.deploy(spec)
    _job(stage).creator, _job(stage).permissions = JANE, []
    stage.deploy(spec)
    assert _owners(stage) == [Permission("user_name", JANE, "IS_OWNER")]


# As whom it runs.


def test_another_identity_set_by_hand_is_taken_back_before_the_next_run(stage: Stage) -> None:
    spec = stage.spec()
    stage.deploy(spec)
    with stage.server.lock:
        _job(stage).settings["run_as"] = {"user_name": JANE}
    stage.server.clear_log()
    done = stage.deploy(spec)
    (step,) = [step for step in done.steps if step.name == "job"]
    assert "run_as" in step.detail
    assert _job(stage).settings["run_as"] == {"service_principal_name": stage.deployer.client_id}
    assert "POST /api/2.2/jobs/runs/cancel-all" in stage.writing()
    running = [run for run in stage.server.state.runs.values() if run.run_type == "JOB_RUN" and not run.ended]
    assert [run.run_as for run in running] == [stage.deployer.client_id]
    assert _job(stage).settings["continuous"]["pause_status"] == "UNPAUSED"
    stage.server.clear_log()
    stage.deploy(spec)
    assert stage.writing() == []


def test_the_owner_stays_the_identity_where_somebody_else_deploys(stage: Stage) -> None:
    spec = stage.spec(PAUSED)
    stage.deploy(spec)
    other = add_service_principal(stage.server.state, "other", admin=True)
    stage.server.clear_log()
    stage.deploy(spec, client=stage.client(token=other.token))
    assert stage.writing() == []


def test_status_shows_another_identity_and_whom_the_next_deploy_sets(stage: Stage) -> None:
    spec = stage.spec()
    stage.deploy(spec)
    found = status.look(stage.client(), spec)
    assert (found.runs_as, found.owner) == (stage.deployer.client_id, None)
    add_user(stage.server.state, "x@example.com")
    _job(stage).settings["run_as"] = {"user_name": "x@example.com"}
    found = status.look(stage.client(), spec)
    assert (found.runs_as, found.owner) == ("x@example.com", stage.deployer.client_id)
