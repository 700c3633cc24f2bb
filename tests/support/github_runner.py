"""A stand-in for GitHub's runner: it runs the deploy job of deploy-staging.yml, with the steps of its YAML, on a stage.

As in GitHub, the job assumes the role of `make ci-access` with a token that has the environment as its subject. Only
the sign-in to the workspace differs, because the stage's workspace does not trust GitHub's tokens.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from infra.iam.ci_policies import CiAccess
from local.aws import Credentials
from local.processes import end_session
from local.stage import cdk
from local.stage.composed import EmbeddedStage

ROOT = Path(__file__).resolve().parents[2]
WORKFLOW: dict[str, Any] = yaml.safe_load((ROOT / ".github/workflows/deploy-staging.yml").read_text(encoding="utf-8"))
REPOSITORY = "octo-org@1/flow-logs@2"
SUBJECT = f"repo:{REPOSITORY}:environment:local"
SECONDS = 600


def is_set_up() -> bool:
    """Return whether `make setup` created .venv for this folder. Otherwise, the steps would create it again."""
    marker = ROOT / ".venv" / "made"
    return marker.is_file() and marker.read_text().strip() == str(ROOT)


@dataclass(frozen=True)
class Step:
    """A step that has run: its command, exit status and output."""

    command: str
    status: int
    output: str


@dataclass(frozen=True)
class Runner:
    """Runs steps in a shell, with the environment of the deploy job.

    Attributes:
        stage: the stage.
        summary: the file for the job's summary.
    """

    stage: EmbeddedStage
    summary: Path

    def deploy_job(self) -> list[Step]:
        """Run the steps of the deploy job until one fails."""
        credentials = None
        steps: list[Step] = []
        for step in WORKFLOW["jobs"]["deploy"]["steps"]:
            if "configure-aws-credentials" in step.get("uses", ""):
                credentials = self.sign_in(SUBJECT)
            if "run" in step:
                steps.append(Step(step["run"], *self.run(step["run"], credentials)))
                if steps[-1].status != 0:
                    break
        return steps

    def make_access(self) -> None:
        """Create the deploy role. The stage has no OIDC providers, but it enforces the trust policy of the role."""
        arguments = f"REPOSITORY={REPOSITORY} PROVIDER=existing ARGS=--require-approval=never"
        status, output = self.run(f"make ci-access ENV=staging {arguments}")
        assert status == 0, output

    def sign_in(self, subject: str) -> Credentials:
        """Sign in with a job's token, as aws-actions/configure-aws-credentials does."""
        claims = {"iss": "https://token.actions.githubusercontent.com", "aud": "sts.amazonaws.com", "sub": subject}
        parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in ({}, claims)]
        role = CiAccess(environment=self.stage.environment, repository=REPOSITORY).role_name
        answer = self.stage.aws.client("sts").assume_role_with_web_identity(
            RoleArn=f"arn:aws:iam::{self.stage.aws.account}:role/{role}",
            RoleSessionName="deploy-staging-1",
            WebIdentityToken=".".join([*parts, "signed"]),
        )
        given = answer["Credentials"]
        return Credentials(key=given["AccessKeyId"], secret=given["SecretAccessKey"], token=given["SessionToken"])

    def smoke(self, *, patience: int = 0) -> tuple[int, str]:
        """Run the smoke test; return its exit status and output."""
        return self.run(f"make smoke ENV=staging ARGS=--patience={patience}")

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
            # Unlike `make test`, the runner is not part of a make run, where make prints the folders it enters.
            **{name: value for name, value in inherited.items() if name not in {"MAKEFLAGS", "MAKELEVEL", "MFLAGS"}},
            **WORKFLOW["env"],
            "CDK_OUTPUT": str(self.stage.folder / "cdk.out"),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "DATABRICKS_CLIENT_ID": principal.client_id,
            "DATABRICKS_CLIENT_SECRET": principal.client_secret,
            "DATABRICKS_CONFIG_FILE": os.devnull,
        }
