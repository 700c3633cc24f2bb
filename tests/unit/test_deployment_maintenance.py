"""The maintenance job: created, changed, recognized and removed alongside the streaming job."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.workspace import status
from infra.workspace.errors import DeploymentError
from infra.workspace.job.job_kind import KIND_TAG
from infra.workspace.spec import WorkspaceSpec
from local.workspace import RecordingRunner, Script
from local.workspace.request_log import LoggedRequest
from local.workspace.state import Job
from tests.support.deploying import (
    MAIL,
    NEWER_WHEEL,
    NO_MAINTENANCE,
    PAUSED,
    READERS,
    Stage,
    maintenance_job,
    snapshot,
    staged,
    streaming_job,
)
from tests.support.environment_files import maintenance
from tests.support.workspaces import until

KEEP = maintenance("keep_days = 90", "keep_hourly_days = 400")


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path) as stage:
        yield stage


def _streaming(stage: Stage) -> Job:
    return streaming_job(stage.server.state)


def _maintenance(stage: Stage) -> Job:
    return maintenance_job(stage.server.state)


def _runner(stage: Stage) -> RecordingRunner:
    runner = stage.server.workspace.runner
    assert isinstance(runner, RecordingRunner)
    return runner


def _changes(stage: Stage, spec: WorkspaceSpec) -> list[LoggedRequest]:
    """Deploy, and return the write requests."""
    stage.server.clear_log()
    stage.deploy(spec)
    return stage.server.log.writing()


def _job_ids(requests: list[LoggedRequest]) -> set[int]:
    return {request.body["job_id"] for request in requests}


# Creation


def test_the_job_runs_maintain_on_the_schedule_with_the_permissions_of_the_streaming_job(stage: Stage) -> None:
    deployed = stage.deploy(stage.spec(KEEP, READERS, MAIL))
    streaming, job = _streaming(stage), _maintenance(stage)
    assert (deployed.job_id, deployed.maintenance_id) == (streaming.job_id, job.job_id)
    assert deployed.maintenance_url == f"{stage.server.host}/jobs/{job.job_id}"
    settings = job.settings
    assert settings["name"] == "vpc-flow-logs-test maintenance"
    assert settings["schedule"] == {
        "quartz_cron_expression": "0 0 3 * * ?",
        "timezone_id": "UTC",
        "pause_status": "UNPAUSED",
    }
    assert "continuous" not in settings
    assert {**settings["tags"], "vpc-flow-logs-definition": ""} == {
        "vpc-flow-logs-environment": "test",
        "vpc-flow-logs-job": "maintenance",
        "vpc-flow-logs-definition": "",
    }
    (task,) = settings["tasks"]
    assert task["python_wheel_task"] == {
        "package_name": "vpc_flow_logs",
        "entry_point": "maintain",
        "named_parameters": {
            **{
                name: value
                for name, value in streaming.settings["tasks"][0]["python_wheel_task"]["named_parameters"].items()
                if name not in ("trigger", "notifications")
            },
            "keep-days": "90",
            "keep-hourly-days": "400",
        },
    }
    assert task["libraries"] == streaming.settings["tasks"][0]["libraries"]
    assert settings["job_clusters"] == streaming.settings["job_clusters"]
    assert settings["email_notifications"] == streaming.settings["email_notifications"]
    assert job.permissions == streaming.permissions


def test_no_cluster_starts_for_the_job_during_a_deployment(stage: Stage) -> None:
    stage.deploy(stage.spec(KEEP))
    assert [request.entry_point for request in _runner(stage).requests] == ["verify", "ingest"]


def test_the_job_has_its_own_cluster_if_the_file_names_one(stage: Stage) -> None:
    nodes = stage.server.state.node_types
    nodes["m6g.large"] = {**nodes["m6gd.large"], "node_type_id": "m6g.large", "node_instance_type": {}}
    nodes["m6g.large"]["node_instance_type"] = {"instance_type_id": "m6g.large"}
    stage.deploy(stage.spec(maintenance('node_type = "m6g.large"', "workers = 2")))
    cluster = _maintenance(stage).settings["job_clusters"][0]["new_cluster"]
    assert (cluster["node_type_id"], cluster["num_workers"]) == ("m6g.large", 2)
    assert cluster["aws_attributes"]["ebs_volume_count"] == 1
    other = _streaming(stage).settings["job_clusters"][0]["new_cluster"]
    assert (other["node_type_id"], other["is_single_node"]) == ("m6gd.large", True)
    assert "ebs_volume_count" not in other["aws_attributes"]


def test_an_unknown_node_type_is_reported_with_its_key_before_any_change(stage: Stage) -> None:
    with pytest.raises(DeploymentError, match=r"no node type 'm6gd\.huge' \(maintenance\.node_type\)"):
        stage.deploy(stage.spec(maintenance('node_type = "m6gd.huge"')))
    assert stage.writing() == []


def test_a_paused_environment_starts_neither_job(stage: Stage) -> None:
    stage.deploy(stage.spec(PAUSED))
    assert _maintenance(stage).settings["schedule"]["pause_status"] == "PAUSED"
    assert stage.server.fire_schedule(_maintenance(stage).job_id) is None


# Recognition


def test_the_only_job_of_an_earlier_version_stays_the_streaming_job_and_keeps_running(stage: Stage) -> None:
    """Version 0.1.0 created one job, with the environment tag and without a second one."""
    first = stage.deploy(stage.spec(NO_MAINTENANCE))
    assert KIND_TAG not in _streaming(stage).settings["tags"]
    (run,) = until(lambda: [run for run in stage.server.state.runs.values() if run.job_id == first.job_id])
    written = _changes(stage, stage.spec())
    assert [request.path for request in written] == ["/api/2.2/jobs/create", "/api/2.2/jobs/reset"]
    assert _streaming(stage).job_id == first.job_id
    assert _maintenance(stage).job_id != first.job_id
    assert not run.ended


def test_settings_of_an_earlier_version_have_no_maintenance_job(stage: Stage) -> None:
    raw = json.loads(stage.spec().to_json())
    assert raw.pop("maintenance")
    assert WorkspaceSpec.from_json(json.dumps(raw)).maintenance is None
    spec = stage.spec(KEEP)
    assert WorkspaceSpec.from_json(spec.to_json()) == spec


def test_both_jobs_are_found_by_their_tags_after_they_were_renamed(stage: Stage) -> None:
    first = stage.deploy(stage.spec())
    for job in (_streaming(stage), _maintenance(stage)):
        job.settings["name"] = "renamed"
    second = stage.deploy(stage.spec())
    assert (second.job_id, second.maintenance_id) == (first.job_id, first.maintenance_id)
    names = [job.settings["name"] for job in stage.server.state.jobs.values()]
    assert names == ["vpc-flow-logs-test", "vpc-flow-logs-test maintenance"]


def test_a_deleted_streaming_job_is_created_again_next_to_the_maintenance_job(stage: Stage) -> None:
    first = stage.deploy(stage.spec())
    stage.client().jobs.delete(first.job_id)
    second = stage.deploy(stage.spec())
    assert second.maintenance_id == first.maintenance_id
    assert _streaming(stage).job_id == second.job_id != first.job_id


def test_a_job_of_the_same_name_that_the_deployment_did_not_create_is_never_changed(stage: Stage) -> None:
    other = stage.client().jobs.create(name="VPC-flow-logs-test Maintenance").job_id
    with pytest.raises(DeploymentError, match=rf"'vpc-flow-logs-test maintenance' is taken by job {other}, which"):
        stage.deploy(stage.spec())
    stage.deploy(stage.spec(NO_MAINTENANCE))
    stage.destroy(stage.spec())
    assert list(stage.server.state.jobs) == [other]


def test_two_environments_have_separate_jobs_even_if_their_names_are_similar(stage: Stage) -> None:
    stage.deploy(stage.spec())
    stage.deploy(stage.spec(name="test-maintenance"))
    assert len(stage.server.state.jobs) == 4
    stage.destroy(stage.spec(name="test-maintenance"))
    assert {job.settings["tags"]["vpc-flow-logs-environment"] for job in stage.server.state.jobs.values()} == {"test"}
    assert _maintenance(stage).settings["name"] == "vpc-flow-logs-test maintenance"


def test_a_job_of_an_environment_of_the_same_name_in_another_account_is_not_changed(stage: Stage) -> None:
    elsewhere = stage.spec().to_json().replace("111122223333", "999988887777")
    first = stage.deploy(WorkspaceSpec.from_json(elsewhere))
    stage.client().jobs.delete(first.job_id)
    with pytest.raises(DeploymentError, match=rf"the maintenance job {first.maintenance_id} of an environment named"):
        stage.deploy(stage.spec())


# Changes


@pytest.mark.parametrize(
    "lines",
    [['schedule = "0 30 2 ? * SUN"'], ["keep_days = 30"], ["keep_hourly_days = 90"], ["workers = 1"]],
    ids=lambda lines: str(lines[0]),
)
def test_a_change_of_the_section_changes_only_the_maintenance_job(stage: Stage, lines: list[str]) -> None:
    stage.deploy(stage.spec())
    written = _changes(stage, stage.spec(maintenance(*lines)))
    assert {request.path for request in written} == {"/api/2.2/jobs/reset"}
    assert _job_ids(written) == {_maintenance(stage).job_id}


def test_a_change_of_the_notifications_leaves_the_maintenance_job_unchanged(stage: Stage) -> None:
    stage.deploy(stage.spec())
    written = _changes(stage, stage.spec(('trigger = "continuous"', 'trigger = "continuous"\ninterval_seconds = 9')))
    assert _maintenance(stage).job_id not in _job_ids([each for each in written if each.path.endswith("/reset")])


def test_a_run_with_fewer_days_ends_before_the_job_keeps_more(stage: Stage) -> None:
    _runner(stage).by_entry_point["maintain"] = Script(seconds=None)
    stage.deploy(stage.spec(maintenance("keep_days = 30")))
    run_id = stage.server.fire_schedule(_maintenance(stage).job_id)
    assert run_id is not None
    until(lambda: "--keep-days=30" in [each for request in _runner(stage).requests for each in request.arguments])
    stage.deploy(stage.spec(maintenance("keep_days = 300")))
    assert stage.server.state.runs[run_id].ended
    assert [run.name for run in stage.server.state.runs.values() if not run.ended] == ["vpc-flow-logs-test"]


def test_a_manual_edit_is_reported_and_reverted(stage: Stage) -> None:
    stage.deploy(stage.spec())
    before = str(_maintenance(stage).settings)
    _maintenance(stage).settings["schedule"]["pause_status"] = "PAUSED"
    (step,) = [step for step in stage.deploy(stage.spec()).steps if step.name == "maintenance job"]
    assert (step.outcome, "schedule.pause_status" in step.detail) == ("updated", True)
    assert str(_maintenance(stage).settings) == before


def test_both_jobs_use_a_new_wheel_before_the_old_one_is_deleted(stage: Stage) -> None:
    stage.deploy(stage.spec())
    stage.server.clear_log()
    stage.deploy(stage.spec(), wheel=NEWER_WHEEL)
    assert stage.writing()[-1] == "POST /api/2.0/workspace/delete"
    for job in stage.server.state.jobs.values():
        assert NEWER_WHEEL.label in job.settings["tasks"][0]["libraries"][0]["whl"]


# Removal


def test_a_disabled_job_is_deleted_and_the_streaming_job_keeps_running(stage: Stage) -> None:
    first = stage.deploy(stage.spec())
    (run,) = until(lambda: [run for run in stage.server.state.runs.values() if run.job_id == first.job_id])
    _maintenance(stage).settings["name"] = "renamed"
    deployed = stage.deploy(stage.spec(NO_MAINTENANCE))
    assert ("maintenance job", "removed") in [(step.name, step.outcome) for step in deployed.steps]
    assert (deployed.maintenance_id, deployed.maintenance_url) == (None, None)
    assert list(stage.server.state.jobs) == [first.job_id]
    assert not run.ended
    assert _changes(stage, stage.spec(NO_MAINTENANCE)) == []


def test_destroy_removes_the_job_and_its_run_even_if_the_file_disables_it(stage: Stage) -> None:
    before = snapshot(stage.server.state)
    _runner(stage).by_entry_point["maintain"] = Script(seconds=None)
    stage.deploy(stage.spec())
    stage.server.fire_schedule(_maintenance(stage).job_id)
    steps = stage.destroy(stage.spec(NO_MAINTENANCE))
    assert [(step.name, step.outcome) for step in steps[:2]] == [("job", "removed"), ("maintenance job", "removed")]
    assert {**snapshot(stage.server.state), "schemas": [], "volumes": []} == before


# Status


def test_status_shows_the_schedule_and_the_last_run(stage: Stage) -> None:
    assert status.read(stage.client(), stage.spec()).maintenance is None
    stage.deploy(stage.spec())
    shown = status.read(stage.client(), stage.spec()).maintenance
    assert shown is not None
    assert shown.url == f"{stage.server.host}/jobs/{_maintenance(stage).job_id}"
    assert (shown.trigger, shown.runs) == ("scheduled 0 0 3 * * ? UTC", ())
    for _ in range(2):
        run_id = stage.server.fire_schedule(_maintenance(stage).job_id)
        assert run_id is not None
        until(lambda run_id=run_id: stage.server.state.runs[run_id].ended)
    shown = status.read(stage.client(), stage.spec()).maintenance
    assert shown is not None
    (line,) = shown.runs
    assert (line.state, line.url.rpartition("/")[2].partition("?")[0]) == ("TERMINATED SUCCESS", str(run_id))
