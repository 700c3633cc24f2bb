"""The commands of `python -m infra.workspace`: their output and exit status.

The commands run in this process, because most of their time goes into the start of Python and its imports. Some run as
typed.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import pytest

from infra import by_hand
from infra.assets.wheel import build_wheel
from local.workspace import Fault, Outcome, RecordingRunner, Script
from tests.support.deploying import GROUP, Stage, maintenance_job, staged, streaming_job
from tests.support.environment_files import NO_WORKSPACE, SIMPLE, changed
from tests.support.ministack import ACCOUNT, Emulator, running

ROOT = Path(__file__).resolve().parent.parent.parent
# Replacements for the examples' values, which a deploy rejects.
REAL_VALUES = {"111122223333": "210987654321", "vpc-0123456789abcdef0": "vpc-09f8e7d6c5b4a3921", "-AbCdEf": "-x7Kq2P"}
PROFILE = "arn:aws:iam::210987654321:instance-profile/flow-log-reader"


@dataclass(frozen=True)
class Ended:
    """A command that has ended: its exit status and output."""

    status: int
    out: str
    err: str


@dataclass
class Terminal:
    """A terminal with the environment variables and the environment file of the commands."""

    stage: Stage
    file: Path
    environment: dict[str, str]
    wheel: Path

    def type(self, command: str, *more: str, **variables: str) -> Ended:
        """Run a command as typed."""
        done = subprocess.run(
            [sys.executable, "-m", "infra.workspace", command, "--env", str(self.file), *more],
            env={**self.environment, **variables},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def run(self, command: str, *more: str, **variables: str) -> Ended:
        """Run a command in this process."""
        out, err = io.StringIO(), io.StringIO()
        with (
            mock.patch.dict(os.environ, {**self.environment, **variables}, clear=True),
            mock.patch("boto3.DEFAULT_SESSION", None),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            try:
                status = by_hand.main([command, "--env", str(self.file), *more])
            except SystemExit as ended:  # argparse
                status = int(ended.code or 0)
        return Ended(status, out.getvalue(), err.getvalue())

    def deploy(self, **variables: str) -> Ended:
        """Deploy the module's wheel in this process."""
        return self.run("deploy", "--wheel", str(self.wheel), **variables)

    def write(self, *changes: tuple[str, str]) -> None:
        host = ("https://example.cloud.databricks.com", self.stage.server.host)
        text = changed(host, *changes, text=SIMPLE)
        for example, value in REAL_VALUES.items():
            text = text.replace(example, value)
        self.file.write_text(text)


@pytest.fixture(scope="module")
def amazon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with running(tmp_path_factory.mktemp("ministack"), tls=False) as emulator:
        emulator.client("s3").create_bucket(Bucket="flow-logs-bucket")
        yield emulator


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("dist"))


@pytest.fixture
def terminal(tmp_path: Path, amazon: Emulator, wheel: Path) -> Iterator[Terminal]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "DATABRICKS_"))}
    with staged(tmp_path) as stage:
        environment = {
            **inherited,
            "HOME": str(tmp_path),  # no AWS profile of the developer
            "PYTHONPATH": os.pathsep.join([str(ROOT / "job"), str(ROOT)]),
            "DATABRICKS_CLIENT_ID": stage.deployer.client_id,
            "DATABRICKS_CLIENT_SECRET": stage.deployer.client_secret,
            "AWS_ENDPOINT_URL": amazon.url,
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": "secret",
        }
        terminal_ = Terminal(stage, tmp_path / "shop.toml", environment, wheel)
        terminal_.write(GROUP)
        yield terminal_


def test_deploy_status_and_destroy_print_their_steps_and_results(terminal: Terminal) -> None:
    stage, host = terminal.stage, terminal.stage.server.host
    stage.server.state.principal("auditors").roles.append(PROFILE)

    first = terminal.type("deploy")
    assert (first.status, first.err) == (0, "")
    lines = first.out.splitlines()
    assert lines[0] == f"Deploying shop to {host}"
    assert lines[1].split() == ["created", "instance", "profile", PROFILE]
    job_id, maintenance_id = streaming_job(stage.server.state).job_id, maintenance_job(stage.server.state).job_id
    assert f"8 of 10 steps changed something. Job: {host}/jobs/{job_id}" in lines
    assert f"Maintenance job: {host}/jobs/{maintenance_id}" in lines
    assert lines[-2:] == [
        "Table: network.flow_logs.test",
        f"Runs: .venv/bin/python -m infra.workspace status --env {terminal.file}",
    ]

    status = terminal.run("status")
    assert (status.status, status.err) == (0, "")
    lines = status.out.splitlines()
    assert lines[:2] == [f"shop in {host}", f"profile   {PROFILE}"]
    assert "grant     group network-engineers" in lines
    assert "grant     group auditors  (not granted by this deployment)" in lines
    assert f"job       {host}/jobs/{job_id}  (continuous)" in lines
    assert any(line.startswith("run       20") and "UTC  RUNNING  http" in line for line in lines)
    assert lines[-2:] == [
        f"maintain  {host}/jobs/{maintenance_id}  (scheduled 0 0 3 * * ? UTC)",
        "last run  none yet",
    ]
    stage.server.fire_schedule(maintenance_id)
    last = terminal.run("status").out.splitlines()[-1]
    assert last.startswith("last run  20")
    assert f"UTC  TERMINATED SUCCESS  {host}/jobs/{maintenance_id}/runs/" in last

    stage.server.clear_log()
    second = terminal.run("deploy")
    assert second.status == 0
    assert "No changes were needed" in second.out
    assert stage.writing() == []

    destroyed = terminal.run("destroy")
    assert (destroyed.status, destroyed.err) == (0, "")
    assert "removed    job" in destroyed.out
    assert "removed    maintenance job" in destroyed.out
    assert "The data is kept: the table network.flow_logs.test" in destroyed.out
    assert stage.server.state.jobs == {}

    repeated = terminal.run("destroy")
    assert repeated.status == 0
    assert "Nothing to remove" in repeated.out
    assert "job       none yet" in terminal.run("status").out


def test_verify_prints_its_progress_and_the_output_of_the_run(terminal: Terminal) -> None:
    runner = terminal.stage.server.workspace.runner
    assert isinstance(runner, RecordingRunner)
    terminal.deploy()
    runner.next.append(Script(seconds=3, log="checking s3://b\nreadable: 12 files, 3 MB\n"))
    result = terminal.run("verify")
    assert result.status == 0, result.err
    assert "… waiting for the verify run (RUNNING): http" in result.out
    assert "readable: 12 files, 3 MB" in result.out
    assert f"A cluster with {PROFILE} can read s3://flow-logs-bucket/" in result.out


def test_a_failed_verify_run_ends_with_status_1_and_the_next_deploy_resumes(terminal: Terminal) -> None:
    runner = terminal.stage.server.workspace.runner
    assert isinstance(runner, RecordingRunner)
    runner.next.append(Script(Outcome("FAILED", "AccessDenied")))
    failed = terminal.deploy()
    assert failed.status == 1
    assert "The verify run failed: AccessDenied" in failed.err
    assert "Traceback" not in failed.err
    second = terminal.deploy()
    assert second.status == 0
    assert "unchanged  instance profile" in second.out


def test_a_given_wheel_is_used(terminal: Terminal, tmp_path: Path) -> None:
    assert terminal.deploy().status == 0
    for job in terminal.stage.server.state.jobs.values():
        assert terminal.wheel.name in str(job.settings["tasks"][0]["libraries"])
    missing = terminal.run("deploy", "--wheel", str(tmp_path / "no-1-py3-none-any.whl"))
    assert missing.status == 1
    assert "wheel is missing" in missing.err


@pytest.mark.parametrize("command", ["deploy", "verify", "status", "destroy"])
def test_invalid_credentials_end_with_status_1_and_one_sentence_without_them(terminal: Terminal, command: str) -> None:
    # A wrong token fails immediately; a client secret may not be known yet and is retried for a minute.
    secret = f"dapi{'f' * 32}"
    for name in ("DATABRICKS_CLIENT_ID", "DATABRICKS_CLIENT_SECRET"):
        del terminal.environment[name]
    result = terminal.run(command, DATABRICKS_TOKEN=secret)
    assert result.status == 1
    assert "rejected the credentials" in result.err
    assert len(result.err.strip().splitlines()) == 1
    assert secret not in result.out + result.err


def test_missing_credentials_end_with_status_1_and_name_the_variables(terminal: Terminal) -> None:
    for name in ("DATABRICKS_CLIENT_ID", "DATABRICKS_CLIENT_SECRET"):
        del terminal.environment[name]
    result = terminal.type("deploy")
    assert result.status == 1
    assert "DATABRICKS_CLIENT_ID" in result.err
    assert "Traceback" not in result.err


@pytest.mark.parametrize("command", ["deploy", "destroy"])
def test_a_missing_aws_profile_ends_with_status_1_and_its_name(terminal: Terminal, command: str) -> None:
    result = terminal.run(command, AWS_PROFILE="nobody")
    assert result.status == 1
    assert result.err.strip().startswith("Signing in to AWS: ")
    assert "nobody" in result.err
    assert "Traceback" not in result.err


def test_an_invalid_environment_file_ends_with_status_2(terminal: Terminal) -> None:
    terminal.file.write_text(changed(('region = "us-east-1"', 'region = "moon"'), text=SIMPLE))
    invalid = terminal.type("deploy")
    assert invalid.status == 2
    assert "aws.region" in invalid.err
    terminal.file.write_text(changed(NO_WORKSPACE, text=SIMPLE))
    no_workspace = terminal.deploy()
    assert no_workspace.status == 2
    assert "has no [workspace]" in no_workspace.err
    assert terminal.run("fly").status == 2


def test_an_unknown_group_ends_with_status_1_and_changes_nothing(terminal: Terminal) -> None:
    terminal.write(("[workspace.cluster]", 'groups = ["nobody"]\n\n[workspace.cluster]'))
    result = terminal.deploy()
    assert result.status == 1
    assert "there is no group 'nobody'" in result.err
    assert terminal.stage.writing() == []


def test_the_next_deploy_completes_an_interrupted_one(terminal: Terminal) -> None:
    terminal.stage.server.faults.on("POST", "/api/2.2/jobs/reset", Fault.DENIED)
    assert terminal.deploy().status == 1
    assert terminal.deploy().status == 0
    assert len(terminal.stage.server.state.jobs) == 2


def test_the_job_reads_the_stacks_queue_if_the_environment_has_one(terminal: Terminal, amazon: Emulator) -> None:
    terminal.write(GROUP, ('"auto-loader"', '"stack"'))
    missing = terminal.deploy()
    assert missing.status == 1
    assert "Looking for the queue vpc-flow-logs-shop, which make deploy creates" in missing.err
    url = amazon.client("sqs").create_queue(QueueName="vpc-flow-logs-shop")["QueueUrl"]
    assert terminal.deploy().status == 0
    parameters = streaming_job(terminal.stage.server.state).settings["tasks"][0]["python_wheel_task"][
        "named_parameters"
    ]
    assert (parameters["notifications"], parameters["queue-url"]) == ("queue", url)
