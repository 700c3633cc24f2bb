"""CloudFormation's events as the provider framework passes them to the function; secret and bucket are in MiniStack."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from infra.assets.wheel import build_wheel
from infra.workspace import handler
from infra.workspace.spec import WorkspaceSpec
from local.workspace import Fault, Outcome, RecordingRunner, Script
from tests.support.deploying import (
    GROUP,
    NO_MAINTENANCE,
    OTHER_ROLE,
    Stage,
    maintenance_job,
    snapshot,
    staged,
    streaming_job,
)
from tests.support.ministack import ACCOUNT, REGION, Emulator, running

PROFILE = "arn:aws:iam::111122223333:instance-profile/flow-log-reader"


@pytest.fixture(scope="module")
def amazon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with running(tmp_path_factory.mktemp("ministack"), tls=False) as emulator:
        emulator.client("s3").create_bucket(Bucket="flow-logs-bucket")
        yield emulator


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the wheel, in place of the function's code folder."""
    folder = tmp_path_factory.mktemp("function")
    build_wheel(folder / "wheel")
    return folder


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path) as staged_workspace:
        yield staged_workspace


@dataclass
class Context:
    """The invocation's context, with the remaining time in seconds."""

    seconds: int = 900

    def get_remaining_time_in_millis(self) -> int:
        return self.seconds * 1000


@dataclass
class Stack:
    """A custom resource, the events that CloudFormation sends for it, and the framework's handling of them."""

    secret: str
    physical_id: str = ""
    properties: dict[str, Any] = field(default_factory=dict)
    waits: int = 0
    patience: int = 300

    def create(self, spec: WorkspaceSpec) -> dict[str, Any]:
        self.properties = self._properties(spec)
        return self._run({"RequestType": "Create", "ResourceProperties": self.properties})

    def update(self, spec: WorkspaceSpec) -> dict[str, Any]:
        """Update the resource; if its physical id changes, delete the old resource afterward."""
        old, old_id = self.properties, self.physical_id
        self.properties = self._properties(spec)
        event = {"ResourceProperties": self.properties, "OldResourceProperties": old, "PhysicalResourceId": old_id}
        data = self._run({"RequestType": "Update", **event})
        if self.physical_id != old_id:
            new_id = self.physical_id
            self.delete(properties=old, physical_id=old_id)
            self.physical_id = new_id
        return data

    def delete(self, *, properties: dict[str, Any] | None = None, physical_id: str | None = None) -> None:
        self._run({
            "RequestType": "Delete",
            "ResourceProperties": properties or self.properties,
            "PhysicalResourceId": physical_id or self.physical_id,
        })  # fmt: skip

    def _properties(self, spec: WorkspaceSpec) -> dict[str, Any]:
        return {"Spec": spec.to_json(), "SecretArn": self.secret, "Wheel": "vpc_flow_logs-0.1.0-aaaa"}

    def _run(self, event: dict[str, Any]) -> dict[str, Any]:
        # Lambda passes events and results as JSON.
        answer = json.loads(json.dumps(handler.on_event(event, Context())))
        self.physical_id = answer["PhysicalResourceId"]
        merged = {**event, **answer}
        for _ in range(self.patience):
            result = json.loads(json.dumps(handler.is_complete(merged, Context())))
            if result["IsComplete"]:
                return dict(result["Data"])
            assert "Data" not in result, "the framework rejects Data before completion"
            self.waits += 1
        raise AssertionError("the event never ends")


@pytest.fixture
def stack(stage: Stage, amazon: Emulator, root: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    for name, value in {
        "AWS_ENDPOINT_URL": amazon.url,
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": REGION,
        "LAMBDA_TASK_ROOT": str(root),
    }.items():
        monkeypatch.setenv(name, value)
    manager = amazon.client("secretsmanager")
    text = json.dumps({"client_id": stage.deployer.client_id, "client_secret": stage.deployer.client_secret})
    return Stack(manager.create_secret(Name=f"databricks/{stage.server.host}", SecretString=text)["ARN"])


def _runner(stage: Stage) -> RecordingRunner:
    runner = stage.server.workspace.runner
    assert isinstance(runner, RecordingRunner)
    return runner


def test_create_uses_the_profile_as_physical_id_and_returns_jobs_and_table(stage: Stage, stack: Stack) -> None:
    data = stack.create(stage.spec(GROUP))
    job_id, maintenance_id = streaming_job(stage.server.state).job_id, maintenance_job(stage.server.state).job_id
    assert stack.physical_id == PROFILE
    assert data == {
        "JobId": str(job_id),
        "JobUrl": f"{stage.server.host}/jobs/{job_id}",
        "MaintenanceJobId": str(maintenance_id),
        "MaintenanceJobUrl": f"{stage.server.host}/jobs/{maintenance_id}",
        "Table": "network.flow_logs.test",
    }


def test_an_update_that_disables_maintenance_deletes_its_job_and_returns_the_streaming_job(
    stage: Stage, stack: Stack
) -> None:
    created = stack.create(stage.spec(GROUP))
    updated = stack.update(stage.spec(GROUP, NO_MAINTENANCE))
    assert updated == {name: created[name] for name in ("JobId", "JobUrl", "Table")}
    assert list(stage.server.state.jobs) == [int(created["JobId"])]


def test_a_verify_run_can_outlast_calls_and_is_started_once(stage: Stage, stack: Stack) -> None:
    _runner(stage).next.append(Script(seconds=0.5))
    stack.create(stage.spec(GROUP))
    assert stack.waits > 1
    assert [request.entry_point for request in _runner(stage).requests] == ["verify", "ingest"]


def test_a_failed_verify_run_fails_the_event_with_its_reason_and_the_rollback_leaves_nothing(
    stage: Stage, stack: Stack
) -> None:
    before = snapshot(stage.server.state)
    _runner(stage).next.append(Script(Outcome("FAILED", "AccessDenied: s3:ListBucket")))
    with pytest.raises(handler.Failed, match=r"AccessDenied: s3:ListBucket.*The run: http") as failure:
        stack.create(stage.spec(GROUP))
    assert len(str(failure.value)) <= 900
    assert failure.value.__cause__ is None
    stack.delete()
    assert {**snapshot(stage.server.state), "schemas": [], "volumes": []} == before


def test_a_delete_ends_the_running_verify_run_of_a_create(stage: Stage, stack: Stack) -> None:
    _runner(stage).next.append(Script(seconds=None))
    stack.patience = 5
    with pytest.raises(AssertionError, match="never ends"):
        stack.create(stage.spec(GROUP))
    stack.patience = 300
    stack.delete()
    assert all(run.ended for run in stage.server.state.runs.values())
    assert stage.server.state.instance_profiles == {}


def test_another_profile_replaces_the_resource_and_the_late_delete_keeps_the_job(stage: Stage, stack: Stack) -> None:
    stack.create(stage.spec(GROUP))
    data = stack.update(stage.spec(GROUP, OTHER_ROLE))
    assert stack.physical_id == f"{PROFILE}-2"
    assert list(stage.server.state.instance_profiles) == [f"{PROFILE}-2"]
    assert list(stage.server.state.jobs) == [int(data["JobId"]), int(data["MaintenanceJobId"])]
    assert snapshot(stage.server.state)["running"] == ["vpc-flow-logs-test"]


def test_a_failed_replacement_is_rolled_back(stage: Stage, stack: Stack) -> None:
    stack.create(stage.spec(GROUP))
    _runner(stage).next.append(Script(Outcome("FAILED", "AccessDenied")))
    with pytest.raises(handler.Failed):
        stack.update(stage.spec(GROUP, OTHER_ROLE))
    assert stack.physical_id == f"{PROFILE}-2"
    stack.update(stage.spec(GROUP))
    assert stack.physical_id == PROFILE
    assert list(stage.server.state.instance_profiles) == [PROFILE]
    assert snapshot(stage.server.state)["running"] == ["vpc-flow-logs-test"]


def test_a_rollback_to_a_verified_configuration_starts_no_cluster(stage: Stage, stack: Stack) -> None:
    """Otherwise a lack of capacity that fails the update would fail the rollback too."""
    stack.create(stage.spec(GROUP))
    _runner(stage).next.append(Script(Outcome("FAILED", "AWS_INSUFFICIENT_INSTANCE_CAPACITY_FAILURE")))
    with pytest.raises(handler.Failed):
        stack.update(stage.spec(GROUP, OTHER_ROLE))
    stack.update(stage.spec(GROUP))
    assert [request.entry_point for request in _runner(stage).requests] == ["verify", "ingest", "verify"]


def test_delete_removes_everything_and_can_run_twice(stage: Stage, stack: Stack) -> None:
    before = snapshot(stage.server.state)
    stack.create(stage.spec(GROUP))
    stack.delete()
    stack.delete()
    assert {**snapshot(stage.server.state), "schemas": [], "volumes": []} == before


def test_a_call_with_little_time_left_returns_before_it_times_out(stage: Stage, stack: Stack) -> None:
    event = {
        "RequestType": "Create",
        "PhysicalResourceId": PROFILE,
        "ResourceProperties": stack._properties(stage.spec(GROUP)),
    }
    assert handler.is_complete(event, Context(seconds=100)) == {"IsComplete": False}
    assert stage.server.requests == [], "the sign-in, which may take a minute, started with too little time"
    assert handler.is_complete(event, Context())["IsComplete"]


def test_unreadable_settings_fail_before_anything_is_created(stage: Stage, stack: Stack) -> None:
    for spec in ("{}", "no json"):
        event = {"RequestType": "Create", "ResourceProperties": {"Spec": spec, "SecretArn": stack.secret}}
        with pytest.raises(handler.Failed, match="settings of the workspace cannot be read"):
            handler.on_event(event, Context())
    assert stage.server.requests == []


def test_a_missing_secret_is_reported_with_its_arn(stage: Stage, stack: Stack) -> None:
    stack.secret += "x"
    with pytest.raises(handler.Failed, match=r"Reading the secret arn:aws:secretsmanager"):
        stack.create(stage.spec())


def test_no_output_contains_the_secret(stage: Stage, stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    secret = stage.deployer.client_secret
    _runner(stage).next.append(Script(Outcome("FAILED", f"printed {secret}")))
    with pytest.raises(handler.Failed) as failure:
        stack.create(stage.spec(GROUP))
    stack.create(stage.spec(GROUP))
    stack.delete()
    captured = capsys.readouterr()
    assert secret not in str(failure.value) + captured.out + captured.err
    assert "job: created" in captured.out


def test_a_client_secret_that_is_not_yet_known_is_retried_in_the_same_call(
    stage: Stage, stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.server.faults.on("POST", "/oidc/v1/token", Fault.UNKNOWN_CLIENT)
    stack.create(stage.spec(GROUP))
    captured = capsys.readouterr()
    assert captured.out.count("rejects the client ID and secret") == 1
    assert stage.deployer.client_secret not in captured.out + captured.err


def test_an_internal_error_is_reported_too(stage: Stage, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LAMBDA_TASK_ROOT")
    with pytest.raises(handler.Failed, match="Internal error of the deployment"):
        stack.create(stage.spec())


def test_a_failed_delete_explains_how_to_abandon_a_workspace_that_no_longer_exists(stage: Stage, stack: Stack) -> None:
    stack.create(stage.spec(GROUP))
    stack.properties = stack._properties(replace(stage.spec(GROUP), host="http://127.0.0.1:1"))
    with pytest.raises(handler.Failed, match="retain-resources"):
        stack.delete()
