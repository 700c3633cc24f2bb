"""The deploy job of deploy-staging.yml, with the steps of its YAML, on the stage; and the output of its last step.

As in GitHub, the job assumes the role of `make ci-access` with a token that has the environment as its subject. Only
the sign-in to the workspace differs, because the stage's workspace does not trust GitHub's tokens.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from botocore.exceptions import ClientError
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.jobs import Continuous, JobSettings, PauseStatus

from infra.iam.ci_policies import CiAccess
from local.aws import Credentials
from local.delivery import delivering
from local.processes import end_session
from local.stage import cdk
from local.stage.composed import EmbeddedStage, embedded

ROOT = Path(__file__).resolve().parents[2]


def _is_set_up() -> bool:
    """Return whether `make setup` created .venv for this folder; otherwise the steps would create it again."""
    marker = ROOT / ".venv" / "made"
    return marker.is_file() and marker.read_text().strip() == str(ROOT)


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not _is_set_up(), reason="this folder is not set up: make setup"),
]

WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/deploy-staging.yml").read_text(encoding="utf-8"))
STEPS = WORKFLOW["jobs"]["deploy"]["steps"]
REPOSITORY = "octo-org@1/flow-logs@2"
SECONDS = 600


@dataclass(frozen=True)
class Runner:
    """A stand-in for GitHub's runner: it runs steps in a shell with the job's environment."""

    stage: EmbeddedStage
    summary: Path

    def run(self, command: str, credentials: Credentials | None = None) -> tuple[int, str]:
        """Run a step's command for the stage's environment file; return its exit status and output."""
        process = subprocess.Popen(
            ["bash", "-e", "-c", command.replace("ENV=staging", f"ENV={self.stage.environment_file}")],
            cwd=ROOT,
            env=self._environment(credentials),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            output, _ = process.communicate(timeout=SECONDS)
        finally:
            end_session(process.pid)
        return process.returncode, output

    def _environment(self, credentials: Credentials | None) -> dict[str, str]:
        principal = self.stage.workspace.credentials
        inherited = cdk.environment(self.stage.aws.environment(credentials), folder=self.stage.folder)
        return {
            # The runner does not run inside make, unlike `make test`; make would print the folders it enters.
            **{name: value for name, value in inherited.items() if name not in {"MAKEFLAGS", "MAKELEVEL", "MFLAGS"}},
            **WORKFLOW["env"],
            "CDK_OUTPUT": str(self.stage.folder / "cdk.out"),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "DATABRICKS_CLIENT_ID": principal.client_id,
            "DATABRICKS_CLIENT_SECRET": principal.client_secret,
            "DATABRICKS_CONFIG_FILE": os.devnull,
        }


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    folder = tmp_path_factory.mktemp("workflow")
    with embedded(folder / "stage") as stage:
        stage.bootstrap()
        runner_ = Runner(stage, folder / "summary.md")
        # The stage's CloudFormation has no OIDC providers, but the role's trust policy is enforced.
        access = f"make ci-access ENV=staging REPOSITORY={REPOSITORY} PROVIDER=existing ARGS=--require-approval=never"
        status, output = runner_.run(access)
        assert status == 0, output
        yield runner_


def signed_in(stage: EmbeddedStage, subject: str) -> Credentials:
    """Sign in with the job's token, as aws-actions/configure-aws-credentials does."""
    claims = {"iss": "https://token.actions.githubusercontent.com", "aud": "sts.amazonaws.com", "sub": subject}
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in ({}, claims)]
    role = CiAccess(environment=stage.environment, repository=REPOSITORY).role_name
    answer = stage.aws.client("sts").assume_role_with_web_identity(
        RoleArn=f"arn:aws:iam::{stage.aws.account}:role/{role}",
        RoleSessionName="deploy-staging-1",
        WebIdentityToken=".".join([*parts, "signed"]),
    )
    credentials = answer["Credentials"]
    return Credentials(
        key=credentials["AccessKeyId"], secret=credentials["SecretAccessKey"], token=credentials["SessionToken"]
    )


@pytest.fixture(scope="module")
def deployed(runner: Runner) -> list[tuple[str, int, str]]:
    """Run the steps of the deploy job; return each command with its exit status and output."""
    credentials = None
    results: list[tuple[str, int, str]] = []
    for step in STEPS:
        if "configure-aws-credentials" in step.get("uses", ""):
            credentials = signed_in(runner.stage, f"repo:{REPOSITORY}:environment:local")
        if "run" in step:
            results.append((step["run"], *runner.run(step["run"], credentials)))
            if results[-1][1] != 0:
                break
    return results


def smoke(runner: Runner, *, patience: int = 0) -> tuple[int, str]:
    return runner.run(f"make smoke ENV=staging ARGS=--patience={patience}")


def eventually(condition: Callable[[], Any], *, seconds: float = 300) -> Any:
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, f"not in {seconds} s"
        time.sleep(1)
    return value


@pytest.mark.parametrize(
    "subject",
    ["repo:octo-org/flow-logs:environment:local", f"repo:{REPOSITORY}:environment:staging", f"repo:{REPOSITORY}:ref:x"],
)
def test_a_token_with_another_subject_is_rejected(runner: Runner, subject: str) -> None:
    with pytest.raises(ClientError, match="Not authorized to perform sts:AssumeRoleWithWebIdentity"):
        signed_in(runner.stage, subject)


def test_every_step_of_the_deploy_job_passes(deployed: list[tuple[str, int, str]]) -> None:
    command, status, output = deployed[-1]
    assert status == 0, f"{command}\n{output}"
    assert [command.split()[1] for command, _, _ in deployed] == ["setup", "diff", "deploy", "smoke"]


def test_the_deploy_role_itself_cannot_read_the_bucket(runner: Runner, deployed: list[tuple[str, int, str]]) -> None:
    credentials = signed_in(runner.stage, f"repo:{REPOSITORY}:environment:local")
    with pytest.raises(ClientError, match="AccessDenied"):
        runner.stage.aws.client("s3", credentials).list_objects_v2(Bucket="flow-logs-local")


def test_the_summary_reports_the_health_of_the_environment(
    runner: Runner, deployed: list[tuple[str, int, str]]
) -> None:
    summary = runner.summary.read_text()
    assert summary.startswith("### local: healthy")
    assert "| ok | job | continuous: http://127.0.0.1:" in summary
    assert "| - | maintenance | no run yet: waiting for the schedule: http://127.0.0.1:" in summary
    assert "| ok | bucket policy | flow-logs-local has all " in summary


def test_a_second_deploy_changes_nothing(runner: Runner, deployed: list[tuple[str, int, str]]) -> None:
    credentials = signed_in(runner.stage, f"repo:{REPOSITORY}:environment:local")
    (deploy,) = (command for command, _, _ in deployed if "make deploy" in command)
    status, output = runner.run(deploy, credentials)
    assert status == 0, output
    assert "no changes" in output


def test_the_smoke_test_sees_delivered_files(runner: Runner, deployed: list[tuple[str, int, str]]) -> None:
    with delivering(runner.stage.aws, seed=1, every=3, records=100):
        eventually(lambda: "records" in smoke(runner)[1])
        # Delivery continues; at some point the queue is empty or shorter than before.
        status, output = smoke(runner, patience=240)
    assert status == 0, output
    assert "ok     quarantine" in output
    assert output.rstrip().endswith("Healthy")


def test_the_smoke_test_reports_denied_access_with_the_next_step(
    runner: Runner, deployed: list[tuple[str, int, str]]
) -> None:
    iam = runner.stage.aws.client("iam")
    role = runner.stage.environment.reader.role_name
    denial = {"Effect": "Deny", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::flow-logs-local/AWSLogs/*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [denial]})
    iam.put_role_policy(RoleName=role, PolicyName="mistake", PolicyDocument=document)
    with delivering(runner.stage.aws, seed=2, every=3, records=20):
        status, output = eventually(lambda: (result := smoke(runner)) and "WRONG  access" in result[1] and result)
    assert status != 0
    assert "denied: " in output
    assert "python -m infra.workspace verify --env" in output
    iam.delete_role_policy(RoleName=role, PolicyName="mistake")
    eventually(lambda: smoke(runner)[0] == 0, seconds=300)


def test_the_smoke_test_reports_a_paused_job_and_a_full_queue_with_the_next_step(
    runner: Runner, deployed: list[tuple[str, int, str]]
) -> None:
    principal = runner.stage.workspace.credentials
    client = WorkspaceClient(host=runner.stage.workspace.host, token=principal.token)
    (job,) = client.jobs.list(name="vpc-flow-logs-local")
    assert job.job_id is not None
    client.jobs.update(job.job_id, new_settings=JobSettings(continuous=Continuous(pause_status=PauseStatus.PAUSED)))
    client.jobs.cancel_all_runs(job_id=job.job_id)
    eventually(lambda: not list(client.jobs.list_runs(job_id=job.job_id, active_only=True)))
    with delivering(runner.stage.aws, seed=3, every=1, records=20) as delivery:
        eventually(lambda: len(delivery.delivered) > 1)
    status, output = smoke(runner)
    assert status != 0
    assert "WRONG  job" in output
    assert "to start it again" in output
    assert "WRONG  queue         not drained: databricks-auto-ingest-" in output
    assert "Not healthy: job, queue" in output

    status, output = runner.run("python -m infra.workspace deploy --env $ENVIRONMENT_FILE".replace(
        "$ENVIRONMENT_FILE", str(runner.stage.environment_file)))  # fmt: skip
    assert status == 0, output
    eventually(lambda: smoke(runner)[0] == 0, seconds=300)
