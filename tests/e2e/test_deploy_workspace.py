"""The real app on both stages: CloudFormation has the real function register the reader and make the job."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from local.aws import Stage, running
from local.workspace import RecordingRunner, Script, WorkspaceServer
from tests.e2e.stages import cdk, make_cross_account_role
from tests.infra.environment_files import STACK, changed

pytestmark = pytest.mark.slow

_SECRET = "arn:aws:secretsmanager:us-east-1:111122223333:secret:databricks/test-AbCdEf"
_PROFILE = "arn:aws:iam::111122223333:instance-profile/flow-log-reader"
_WORKER = ("workers = 0", "workers = 1")
_OTHER_GROUP = ("[workspace.cluster]", 'groups = ["nobody-knows"]\n\n[workspace.cluster]')


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with running(tmp_path_factory.mktemp("aws"), account="111122223333") as found:
        yield found


@pytest.fixture(scope="module")
def workspace() -> Iterator[WorkspaceServer]:
    # A run that proves access outlasts the first call: the check function is asked until it has ended.
    runner = RecordingRunner(by_entry_point={"verify": Script(seconds=20)})
    with WorkspaceServer(runner=runner) as server:
        server.state.catalogs["network"] = "admins"
        server.state.node_types["m6gd.large"] = {**server.state.node_types["m5d.large"], "node_type_id": "m6gd.large"}
        yield server


def test_one_deploy_fills_the_workspace_and_one_destroy_empties_it(
    stage: Stage, workspace: WorkspaceServer, tmp_path: Path
) -> None:
    who = workspace.credentials
    secret = stage.client("secretsmanager").create_secret(
        Name="databricks/test",
        SecretString=f'{{"client_id": "{who.client_id}", "client_secret": "{who.client_secret}"}}',
    )
    file = tmp_path / "test.toml"
    here = ("https://example.cloud.databricks.com", workspace.host)

    def run(*arguments: str, changes: tuple[tuple[str, str], ...] = ()) -> str:
        file.write_text(changed(STACK, here, (_SECRET, secret["ARN"]), *changes))
        return cdk(stage, *arguments, "-c", f"env={file}", folder=tmp_path)

    def outputs() -> dict[str, str]:
        (stack,) = stage.client("cloudformation").describe_stacks(StackName="vpc-flow-logs-test")["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    make_cross_account_role(stage, "databricks-cross-account")
    run("bootstrap")
    run("deploy", "--require-approval=never")
    told = outputs()
    (job,) = workspace.state.jobs.values()
    assert told["JobId"] == str(job.job_id)
    assert told["JobUrl"].startswith(workspace.host)
    assert told["Table"] == "network.flow_logs.test"
    assert [profile.arn for profile in workspace.state.instance_profiles.values()] == [_PROFILE]
    assert "--queue-url" in str(job.settings) or told["QueueUrl"] in str(job.settings)
    assert isinstance(workspace.workspace.runner, RecordingRunner)
    assert [request.entry_point for request in workspace.workspace.runner.requests][:1] == ["verify"]

    run("deploy", "--require-approval=never", changes=(_WORKER,))
    (again,) = workspace.state.jobs.values()
    assert again.job_id == job.job_id
    assert outputs()["JobId"] == told["JobId"]
    assert '"num_workers": 1' in str(again.settings).replace("'", '"')

    with pytest.raises(AssertionError, match="nobody-knows"):
        run("deploy", "--require-approval=never", changes=(_WORKER, _OTHER_GROUP))
    assert list(workspace.state.jobs) == [job.job_id]

    run("destroy", "--force")
    assert (workspace.state.jobs, workspace.state.instance_profiles) == ({}, {})
    with pytest.raises(ClientError, match="NoSuchEntity"):
        stage.client("iam").get_role(RoleName="vpc-flow-logs-test-registration")
    said = stage.log.read_text()
    assert who.client_secret not in said
    assert who.token not in said
