"""The deploy job of deploy-staging.yml, step by step as its YAML has it, on the stage; and what its last step tells.

The job signs in as in GitHub: with a token whose subject is that of the environment, to the role of `make ci-access`.
Only the sign-in to the workspace is another one, for the stage's workspace trusts no tokens of GitHub.
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
from local.runs.processes import end_session
from local.stage import cdk
from local.stage.composed import EmbeddedStage, embedded

ROOT = Path(__file__).resolve().parents[2]


def _made_here() -> bool:
    """Whether `make setup` made .venv for this folder: else the steps, which are make's, would make it anew."""
    made = ROOT / ".venv" / "made"
    return made.is_file() and made.read_text().strip() == str(ROOT)


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not _made_here(), reason="set-up was not made for this folder: make setup"),
]

WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/deploy-staging.yml").read_text(encoding="utf-8"))
STEPS = WORKFLOW["jobs"]["deploy"]["steps"]
REPOSITORY = "octo-org@1/flow-logs@2"
SECONDS = 600


@dataclass(frozen=True)
class Runner:
    """What GitHub's runner is to a job: it runs steps in a shell, with the job's environment."""

    stage: EmbeddedStage
    summary: Path

    def run(self, command: str, credentials: Credentials | None = None) -> tuple[int, str]:
        """Run a step's command for the stage's environment file; its exit status and all that it said."""
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
            said, _ = process.communicate(timeout=SECONDS)
        finally:
            end_session(process.pid)
        return process.returncode, said

    def _environment(self, credentials: Credentials | None) -> dict[str, str]:
        who = self.stage.workspace.credentials
        inherited = cdk.environment(self.stage.aws.environment(credentials), folder=self.stage.folder)
        return {
            # The runner is no recipe of make's, though `make test` is: make would speak of folders.
            **{name: value for name, value in inherited.items() if name not in {"MAKEFLAGS", "MAKELEVEL", "MFLAGS"}},
            **WORKFLOW["env"],
            "CDK_OUTPUT": str(self.stage.folder / "cdk.out"),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "DATABRICKS_CLIENT_ID": who.client_id,
            "DATABRICKS_CLIENT_SECRET": who.client_secret,
            "DATABRICKS_CONFIG_FILE": os.devnull,
        }


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    folder = tmp_path_factory.mktemp("workflow")
    with embedded(folder / "stage") as stage:
        stage.bootstrap()
        found = Runner(stage, folder / "summary.md")
        # The stage's CloudFormation knows no providers; the role's trust is enforced all the same.
        access = f"make ci-access ENV=staging REPOSITORY={REPOSITORY} PROVIDER=existing ARGS=--require-approval=never"
        status, said = found.run(access)
        assert status == 0, said
        yield found


def signed_in(stage: EmbeddedStage, subject: str) -> Credentials:
    """What aws-actions/configure-aws-credentials does with the job's token."""
    claims = {"iss": "https://token.actions.githubusercontent.com", "aud": "sts.amazonaws.com", "sub": subject}
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in ({}, claims)]
    role = CiAccess(environment=stage.environment, repository=REPOSITORY).role_name
    answer = stage.aws.client("sts").assume_role_with_web_identity(
        RoleArn=f"arn:aws:iam::{stage.aws.account}:role/{role}",
        RoleSessionName="deploy-staging-1",
        WebIdentityToken=".".join([*parts, "signed"]),
    )
    given = answer["Credentials"]
    return Credentials(key=given["AccessKeyId"], secret=given["SecretAccessKey"], token=given["SessionToken"])


@pytest.fixture(scope="module")
def deployed(runner: Runner) -> list[tuple[str, int, str]]:
    """Each step that runs something, with its exit status and output."""
    credentials = None
    ran: list[tuple[str, int, str]] = []
    for step in STEPS:
        if "configure-aws-credentials" in step.get("uses", ""):
            credentials = signed_in(runner.stage, f"repo:{REPOSITORY}:environment:local")
        if "run" in step:
            ran.append((step["run"], *runner.run(step["run"], credentials)))
            if ran[-1][1] != 0:
                break
    return ran


def smoke(runner: Runner, *, patience: int = 0) -> tuple[int, str]:
    return runner.run(f"make smoke ENV=staging ARGS=--patience={patience}")


def eventually(found: Callable[[], Any], *, seconds: float = 300) -> Any:
    end = time.monotonic() + seconds
    while not (last := found()):
        assert time.monotonic() < end, f"not in {seconds} s"
        time.sleep(1)
    return last


@pytest.mark.parametrize(
    "subject",
    ["repo:octo-org/flow-logs:environment:local", f"repo:{REPOSITORY}:environment:staging", f"repo:{REPOSITORY}:ref:x"],
)
def test_no_other_token_is_let_in(runner: Runner, subject: str) -> None:
    with pytest.raises(ClientError, match="Not authorized to perform sts:AssumeRoleWithWebIdentity"):
        signed_in(runner.stage, subject)


def test_every_step_of_the_deploy_job_passes(deployed: list[tuple[str, int, str]]) -> None:
    command, status, said = deployed[-1]
    assert status == 0, f"{command}\n{said}"
    assert [command.split()[1] for command, _, _ in deployed] == ["setup", "diff", "deploy", "smoke"]


def test_the_deploy_role_itself_reads_nothing(runner: Runner, deployed: list[tuple[str, int, str]]) -> None:
    credentials = signed_in(runner.stage, f"repo:{REPOSITORY}:environment:local")
    with pytest.raises(ClientError, match="AccessDenied"):
        runner.stage.aws.client("s3", credentials).list_objects_v2(Bucket="flow-logs-local")


def test_the_summary_says_how_it_stands(runner: Runner, deployed: list[tuple[str, int, str]]) -> None:
    written = runner.summary.read_text()
    assert written.startswith("### local: healthy")
    assert "| ok | job | continuous: http://127.0.0.1:" in written
    assert "| ok | bucket policy | flow-logs-local has our " in written


def test_a_second_deploy_changes_nothing(runner: Runner, deployed: list[tuple[str, int, str]]) -> None:
    credentials = signed_in(runner.stage, f"repo:{REPOSITORY}:environment:local")
    (deploy,) = (command for command, _, _ in deployed if "make deploy" in command)
    status, said = runner.run(deploy, credentials)
    assert status == 0, said
    assert "no changes" in said


def test_what_is_delivered_is_seen_by_the_smoke_test(runner: Runner, deployed: list[tuple[str, int, str]]) -> None:
    with delivering(runner.stage.aws, seed=1, every=3, records=100):
        eventually(lambda: "records" in smoke(runner)[1])
        # Files go on coming: at some moment the queue is empty, or emptier than before.
        status, said = smoke(runner, patience=240)
    assert status == 0, said
    assert "ok     quarantine" in said
    assert said.rstrip().endswith("Healthy")


def test_access_denied_is_told_with_the_next_step(runner: Runner, deployed: list[tuple[str, int, str]]) -> None:
    iam = runner.stage.aws.client("iam")
    role = runner.stage.environment.reader.role_name
    denial = {"Effect": "Deny", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::flow-logs-local/AWSLogs/*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [denial]})
    iam.put_role_policy(RoleName=role, PolicyName="mistake", PolicyDocument=document)
    with delivering(runner.stage.aws, seed=2, every=3, records=20):
        status, said = eventually(lambda: (ran := smoke(runner)) and "WRONG  access" in ran[1] and ran)
    assert status != 0
    assert "denied: " in said
    assert "python -m infra.workspace verify --env" in said
    iam.delete_role_policy(RoleName=role, PolicyName="mistake")
    eventually(lambda: smoke(runner)[0] == 0, seconds=300)


def test_a_paused_job_and_a_queue_that_is_not_drained_are_told_with_the_next_step(
    runner: Runner, deployed: list[tuple[str, int, str]]
) -> None:
    who = runner.stage.workspace.credentials
    client = WorkspaceClient(host=runner.stage.workspace.host, token=who.token)
    (job,) = client.jobs.list()
    assert job.job_id is not None
    client.jobs.update(job.job_id, new_settings=JobSettings(continuous=Continuous(pause_status=PauseStatus.PAUSED)))
    client.jobs.cancel_all_runs(job_id=job.job_id)
    eventually(lambda: not list(client.jobs.list_runs(job_id=job.job_id, active_only=True)))
    with delivering(runner.stage.aws, seed=3, every=1, records=20) as delivery:
        eventually(lambda: len(delivery.delivered) > 1)
    status, said = smoke(runner)
    assert status != 0
    assert "WRONG  job" in said
    assert "to start it again" in said
    assert "WRONG  queue         not drained: databricks-auto-ingest-" in said
    assert "Not healthy: job, queue" in said

    status, said = runner.run("python -m infra.workspace deploy --env $ENVIRONMENT_FILE".replace(
        "$ENVIRONMENT_FILE", str(runner.stage.environment_file)))  # fmt: skip
    assert status == 0, said
    eventually(lambda: smoke(runner)[0] == 0, seconds=300)
