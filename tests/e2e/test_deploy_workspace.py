"""The real app on both clouds: CloudFormation calls the real function, which registers the reader and creates a job."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.assets.function_zip import function_code
from infra.resources.registration import TYPE
from local.aws import Emulator, running
from local.workspace import RecordingRunner, Script, WorkspaceServer
from local.workspace.state import Job
from tests.support.deploying import maintenance_job, streaming_job
from tests.support.environment_files import STACK, changed
from tests.support.stages import bootstrap, cdk, destroy, make_cross_account_role

pytestmark = pytest.mark.slow

_SECRET = "arn:aws:secretsmanager:us-east-1:111122223333:secret:databricks/test-AbCdEf"
_PROFILES = "arn:aws:iam::111122223333:instance-profile"
_STACK = "vpc-flow-logs-test"
_WORKER = ("workers = 0", "workers = 1")
_OTHER_ROLE = ('"flow-log-reader"', '"flow-log-reader-2"')
_UNKNOWN_GROUP = ("[workspace.cluster]", 'groups = ["nobody-knows"]\n\n[workspace.cluster]')


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with running(tmp_path_factory.mktemp("aws"), account="111122223333") as emulator:
        yield emulator


@pytest.fixture(scope="module")
def workspace() -> Iterator[WorkspaceServer]:
    # The verify run takes longer than the first call; the framework calls the check function until it has ended.
    runner = RecordingRunner(by_entry_point={"verify": Script(seconds=20)})
    with WorkspaceServer(runner=runner) as server:
        server.state.catalogs["network"] = "admins"
        server.state.node_types["m6gd.large"] = {**server.state.node_types["m5d.large"], "node_type_id": "m6gd.large"}
        yield server


def _task(job: Job) -> dict[str, Any]:
    tasks: list[dict[str, Any]] = job.settings["tasks"]
    (task,) = tasks
    return task


def test_cloudformation_creates_updates_rolls_back_replaces_and_deletes_the_registration(
    stage: Emulator, workspace: WorkspaceServer, tmp_path: Path
) -> None:
    principal, state, runner = workspace.credentials, workspace.state, workspace.workspace.runner
    assert isinstance(runner, RecordingRunner)
    text = json.dumps({"client_id": principal.client_id, "client_secret": principal.client_secret})
    secret = stage.client("secretsmanager").create_secret(Name="databricks/test", SecretString=text)
    file = tmp_path / "test.toml"
    edits = [("https://example.cloud.databricks.com", workspace.host), (_SECRET, secret["ARN"]), STACK]

    def run(*arguments: str, changes: Sequence[tuple[str, str]] = ()) -> str:
        file.write_text(changed(*edits, *changes))
        return cdk(stage, *arguments, "-c", f"env={file}", folder=tmp_path)

    def outputs() -> dict[str, str]:
        (stack,) = stage.client("cloudformation").describe_stacks(StackName=_STACK)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    def resource() -> str:
        resources = stage.client("cloudformation").describe_stack_resources(StackName=_STACK)["StackResources"]
        return next(str(entry["PhysicalResourceId"]) for entry in resources if entry["ResourceType"] == TYPE)

    def profiles() -> list[str]:
        return [profile.arn for profile in state.instance_profiles.values()]

    make_cross_account_role(stage, "databricks-cross-account")
    bootstrap(stage, folder=tmp_path)
    run("deploy", "--require-approval=never")
    first_outputs = outputs()
    job, maintenance = streaming_job(state), maintenance_job(state)
    both = [job.job_id, maintenance.job_id]
    assert first_outputs["JobId"] == str(job.job_id)
    assert first_outputs["JobUrl"].startswith(workspace.host)
    assert first_outputs["MaintenanceJobId"] == str(maintenance.job_id)
    assert first_outputs["MaintenanceJobUrl"] == f"{workspace.host}/jobs/{maintenance.job_id}"
    assert first_outputs["Table"] == "network.flow_logs.test"
    assert profiles() == [f"{_PROFILES}/flow-log-reader"] == [resource()]
    # A value that only CloudFormation knows has reached the job.
    assert _task(job)["python_wheel_task"]["named_parameters"]["queue-url"] == first_outputs["QueueUrl"]
    # The verify run came before the job's first run and used the wheel from the zip.
    assert [request.entry_point for request in runner.requests] == ["verify", "ingest"]
    (library,) = runner.requests[0].libraries
    assert function_code().wheel in library.path

    run("deploy", "--require-approval=never", changes=[_WORKER])
    assert list(state.jobs) == both
    assert "'num_workers': 1" in str(state.jobs[job.job_id].settings)
    assert outputs() == first_outputs

    with pytest.raises(AssertionError, match="nobody-knows"):
        run("deploy", "--require-approval=never", changes=[_WORKER, _UNKNOWN_GROUP])
    assert outputs() == first_outputs

    run("deploy", "--require-approval=never", changes=[_WORKER, _OTHER_ROLE])
    assert profiles() == [f"{_PROFILES}/flow-log-reader-2"] == [resource()]
    # The old profile's resource is deleted last; its delete keeps the job.
    assert list(state.jobs) == both
    assert outputs()["JobId"] == first_outputs["JobId"]

    destroy(stage, folder=tmp_path)
    assert (state.jobs, profiles()) == ({}, [])
    assert stage.client("lambda").list_functions()["Functions"] == []
    for name in ("registration", "provider", "provider-check", "waiter"):
        with pytest.raises(ClientError, match="NoSuchEntity"):
            stage.client("iam").get_role(RoleName=f"{_STACK}-{name}")
    log = stage.log.read_text()
    assert principal.client_secret not in log
    assert principal.token not in log
