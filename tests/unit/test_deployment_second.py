"""A second deploy of the same settings writes nothing, and a call that only waits costs few requests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra.workspace import client, deployment, handler
from infra.workspace.access import instance_profile
from infra.workspace.errors import NotYet
from infra.workspace.job import job_settings
from infra.workspace.pace import Pace
from infra.workspace.wheel.wheel_file import WheelFile
from local.workspace import RecordingRunner, Script
from local.workspace.state import Job
from tests.support.deploying import EVERYONE, MAIL, NEWER_WHEEL, READERS, SCHEDULED, WHEEL, Stage, staged, streaming_job

_FUNCTION_SECONDS = 14 * 60
"""Timeout of the function in ``infra.resources.registration``."""

SHAPES = {
    "continuous": [EVERYONE, READERS, MAIL],
    "scheduled": [SCHEDULED],
    "workers and tags": [("workers = 0", 'workers = 2\ntags = { team = "net" }')],
}


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path) as stage:
        yield stage


def _job(stage: Stage) -> Job:
    return streaming_job(stage.server.state)


def _runner(stage: Stage) -> RecordingRunner:
    runner = stage.server.workspace.runner
    assert isinstance(runner, RecordingRunner)
    return runner


def _second_deploy_writes(stage: Stage, *changes: tuple[str, str]) -> list[str]:
    spec = stage.spec(*changes)
    stage.deploy(spec)
    runs = len(stage.server.state.runs)
    stage.server.clear_log()
    stage.deploy(spec)
    assert len(stage.server.state.runs) == runs
    return stage.writing()


@pytest.mark.parametrize("shape", SHAPES)
def test_nothing_is_written_if_the_workspace_adds_every_default(stage: Stage, shape: str) -> None:
    stage.server.behavior.every_default = True
    assert _second_deploy_writes(stage, *SHAPES[shape]) == []
    cluster = _job(stage).settings["job_clusters"][0]["new_cluster"]
    assert cluster["aws_attributes"]["availability"] == "SPOT_WITH_FALLBACK"
    assert cluster["custom_tags"]["vpc-flow-logs-environment"] == "test"


@pytest.mark.parametrize(
    "keys",
    [
        ("runtime_engine",),
        ("driver_node_type_id",),
        ("num_workers",),
        ("is_single_node",),
        ("kind", "is_single_node", "runtime_engine", "driver_node_type_id"),
    ],
    ids=" and ".join,
)
def test_nothing_is_written_if_the_response_omits_fields_that_equal_a_default(
    stage: Stage, keys: tuple[str, ...]
) -> None:
    spec = stage.spec()
    stage.deploy(spec)
    with stage.server.lock:
        for key in keys:
            del _job(stage).settings["job_clusters"][0]["new_cluster"][key]
        stage.server.clear_log()
    stage.deploy(spec)
    assert stage.writing() == []


@pytest.mark.parametrize(
    ("table", "schema"), [("network.flow_logs.test", "network.flow_logs"), ("security.flow_logs", "main.security")]
)
def test_nothing_is_written_if_hive_is_disabled_and_the_default_catalog_is_another_one(
    stage: Stage, table: str, schema: str
) -> None:
    state = stage.server.state
    state.hive_metastore, state.default_catalog = False, "main"
    assert _second_deploy_writes(stage, ("network.flow_logs.test", table)) == []
    assert schema in state.schemas
    assert {request.unity_catalog.hive_metastore for request in _runner(stage).requests} == {False}


# Calls that only wait


def _function_pace(stage: Stage) -> Pace:
    """Return the pace of the Lambda function, where a call returns instead of waiting."""

    def later(reason: str) -> None:
        raise NotYet(reason)

    return replace(stage.pace(), later=later)


def _call(stage: Stage, *, wheel: WheelFile = WHEEL) -> None:
    deployment.deploy(
        stage.client(), stage.spec(EVERYONE), wheel_file=wheel, aws=stage.bucket.clients, pace=_function_pace(stage)
    )


def test_a_call_that_only_waits_for_the_verify_run_costs_few_requests(stage: Stage) -> None:
    _runner(stage).next.append(Script(seconds=None))
    with pytest.raises(NotYet, match="waiting for the verify run"):
        _call(stage)
    assert len(stage.server.requests) > 30
    for _ in range(3):
        stage.server.clear_log()
        with pytest.raises(NotYet, match="waiting for the verify run"):
            _call(stage)
        paths = [request.path for request in stage.server.requests if not request.path.startswith("/.well-known")]
        assert paths == ["/api/2.0/workspace/export", "/api/2.2/jobs/runs/get"]


def test_a_running_verify_run_of_other_settings_is_not_waited_for(stage: Stage) -> None:
    _runner(stage).next.extend([Script(seconds=None), Script()])
    with pytest.raises(NotYet):
        _call(stage)
    _call(stage, wheel=NEWER_WHEEL)
    assert [request.entry_point for request in _runner(stage).requests] == ["verify", "verify", "ingest"]


def test_a_call_starts_no_step_that_can_run_past_its_timeout() -> None:
    longest = instance_profile.PATIENCE + client.RETRY_SECONDS + client.REQUEST_SECONDS
    assert longest < handler._MARGIN_SECONDS < _FUNCTION_SECONDS / 2


def _spec_with(stage: Stage, **parameters: str) -> Any:
    spec = stage.spec()
    return replace(spec, job=replace(spec.job, parameters={**spec.job.parameters, **parameters}))


def test_an_empty_parameter_is_never_sent_and_is_not_a_difference(stage: Stage) -> None:
    spec = _spec_with(stage, **{"delta-output-path": "", "queue-url": ""})
    stage.deploy(spec)
    bodies = [request.body for request in stage.server.requests if "python_wheel_task" in str(request.body)]
    assert len(bodies) == 5  # the verify run, and two requests for each job
    assert not any("delta-output-path" in str(body) or "queue-url" in str(body) for body in bodies)
    assert all("=" in argument and not argument.endswith("=") for argument in _runner(stage).requests[0].arguments)
    without = replace(
        spec, job=replace(spec.job, parameters={name: value for name, value in spec.job.parameters.items() if value})
    )
    stage.server.clear_log()
    stage.deploy(without)
    assert stage.writing() == []


def test_a_photon_runtime_version_is_sent_without_a_runtime_engine(stage: Stage) -> None:
    spec = stage.spec()
    photon = replace(spec, cluster=replace(spec.cluster, spark_version="18.x-photon-scala2.13"))
    assert job_settings.cluster(photon, has_disk=True).runtime_engine is None
