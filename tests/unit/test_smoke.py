"""The smoke test reports over HTTP whether an environment is healthy, and the next step if it is not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import NoCredentialsError

from infra.config import load
from infra.iam import policies
from infra.smoke import __main__ as command
from infra.smoke import aws, page
from infra.smoke.batches import batches
from infra.smoke.job import ObservedJob, ObservedRun, observe
from infra.smoke.judgement import Expected, Finding, judge
from infra.smoke.queue import ObservedQueue
from infra.workspace.job.job_kind import STREAMING
from infra.workspace.spec import WorkspaceSpec
from local.workspace import Outcome, RecordingRunner, Script
from tests.support.deploying import NO_VERIFY, PAUSED, SCHEDULED, Stage, staged
from tests.support.environment_files import changed
from tests.support.workspaces import until
from vpc_flow_logs.counts import Counts
from vpc_flow_logs.progress import batch_json, batch_line, known_batch_line


def printed(number: int, counts: Counts, *, seconds: float, now: float) -> list[str]:
    """Return the lines that the job prints for a batch."""
    return [line(number, counts, seconds=seconds, now=now) for line in (batch_line, batch_json)]


LOADED = "\n".join(
    [
        "loading s3://flow-logs-bucket/AWSLogs/* into network.flow_logs.test (continuous)",
        *printed(0, Counts(files=40, bytes=9_000_000, records=1_000, lines=9, oldest=100.0), seconds=9, now=7_300),
        known_batch_line(1, 0),
        *printed(2, Counts(files=2, bytes=90_000, records=990, lines=1, oldest=100.0), seconds=1.5, now=160),
    ]
)
DENIED = """The run failed: VPC Logs Path 's3://flow-logs-bucket/AWSLogs/' cannot be used: AccessDenied: User is not \
authorized to perform: s3:GetObject
Data loaded so far is kept. Fix the cause and run the job again; it resumes where it stopped."""
DRAINED = [ObservedQueue("databricks-auto-ingest-1", waiting=0)]
FULL = [ObservedQueue("databricks-auto-ingest-1", waiting=40)]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path) as stage:
        yield stage


def _deploy(stage: Stage, *changes: tuple[str, str], script: Script | None = None) -> tuple[WorkspaceSpec, ObservedJob]:
    if script:
        _runner(stage).by_entry_point["ingest"] = script
    spec = stage.spec(NO_VERIFY, *changes)
    stage.deploy(spec)
    return spec, _job(stage, spec)


def _runner(stage: Stage) -> RecordingRunner:
    runner = stage.server.workspace.runner
    assert isinstance(runner, RecordingRunner)
    return runner


def _job(stage: Stage, spec: WorkspaceSpec) -> ObservedJob:
    job = observe(stage.client(), spec, STREAMING)
    assert job is not None
    return job


def _job_with_an_ended_run(stage: Stage, spec: WorkspaceSpec) -> ObservedJob:
    return until(lambda: (job := _job(stage, spec)) and any(not run.active for run in job.runs) and job)


def _finding(findings: list[Finding], check: str) -> Finding:
    (finding,) = (each for each in findings if each.check == check)
    return finding


def _states(findings: list[Finding]) -> dict[str, str]:
    return {finding.check: finding.state for finding in findings}


EXPECTED = Expected(environment="test")


def test_a_running_job_with_a_drained_queue_is_healthy(stage: Stage) -> None:
    spec, _ = _deploy(stage, script=Script(seconds=None, log=LOADED))
    job = until(lambda: (latest := _job(stage, spec)).runs and latest.runs[0].running and latest)
    findings = judge(job, DRAINED, DRAINED, EXPECTED)
    assert set(_states(findings).values()) == {"ok"}
    assert page.verdict(findings) == "Healthy"
    assert _finding(findings, "last batch").text == "2 files, 990 records, 1 min behind when it was loaded"
    assert _finding(findings, "quarantine").text == "10 of 2,000 lines, 0.50%"


def test_a_missing_job_is_reported_with_the_command_that_creates_it(stage: Stage) -> None:
    findings = judge(observe(stage.client(), stage.spec(), STREAMING), [], [], EXPECTED)
    assert _finding(findings, "job").next_step == "make deploy ENV=test"
    assert page.verdict(findings) == "Not healthy: job"


def test_a_job_paused_by_hand_is_reported_with_the_command_that_starts_it(stage: Stage) -> None:
    spec, _ = _deploy(stage, PAUSED)
    findings = judge(_job(stage, spec), DRAINED, DRAINED, EXPECTED)
    assert _finding(findings, "job").state == "wrong"
    assert "paused" in _finding(findings, "job").text
    assert ".venv/bin/python -m infra.workspace deploy --env test to start it" in _finding(findings, "job").next_step
    assert page.verdict(findings) == "Not healthy: job"


def test_a_job_that_the_file_pauses_is_healthy(stage: Stage) -> None:
    spec, _ = _deploy(stage, PAUSED)
    findings = judge(_job(stage, spec), FULL, FULL, replace(EXPECTED, paused=True))
    assert page.verdict(findings) == "Healthy"
    assert "14 days" in _finding(findings, "queue").text


def test_a_queue_that_does_not_drain_is_reported(stage: Stage) -> None:
    spec, _ = _deploy(stage, script=Script(seconds=None, log=LOADED))
    job = until(lambda: (latest := _job(stage, spec)).runs and latest.runs[0].running and latest)
    findings = judge(job, FULL, FULL, EXPECTED)
    assert page.verdict(findings) == "Not healthy: queue"
    finding = _finding(findings, "queue")
    assert (
        finding.text == "not drained: databricks-auto-ingest-1: 40 messages waiting, not fewer than at the first check"
    )
    assert finding.may_pass
    assert finding.next_step


def test_a_missing_queue_is_wrong_if_the_stack_creates_it_and_a_note_if_auto_loader_does(stage: Stage) -> None:
    _, job = _deploy(stage, SCHEDULED)
    assert _finding(judge(job, [], [], EXPECTED), "queue").state == "note"
    finding = _finding(judge(job, [], [], replace(EXPECTED, queue_of_stack=True)), "queue")
    assert finding.state == "wrong"
    assert "make deploy ENV=test" in finding.next_step


def test_a_queue_that_drains_is_healthy(stage: Stage) -> None:
    spec, _ = _deploy(stage, script=Script(seconds=None, log=LOADED))
    job = until(lambda: (latest := _job(stage, spec)).runs and latest.runs[0].running and latest)
    assert page.verdict(judge(job, FULL, [replace(FULL[0], waiting=90)], EXPECTED)) == "Healthy"


def test_dead_letters_are_reported_even_if_everything_else_is_healthy(stage: Stage) -> None:
    spec, _ = _deploy(stage, script=Script(seconds=None, log=LOADED))
    job = until(lambda: (latest := _job(stage, spec)).runs and latest.runs[0].running and latest)
    dead = [ObservedQueue("q", waiting=0, dead_letters=3)]
    findings = judge(job, dead, dead, EXPECTED)
    assert page.verdict(findings) == "Not healthy: dead letters"
    assert "redrive" in _finding(findings, "dead letters").next_step


def test_denied_access_is_reported_with_its_error(stage: Stage) -> None:
    script = Script(seconds=0, outcome=Outcome("FAILED", message="SystemExit: 1"), log=DENIED)
    spec, _ = _deploy(stage, script=script)
    findings = judge(_job_with_an_ended_run(stage, spec), DRAINED, DRAINED, EXPECTED)
    finding = _finding(findings, "access")
    assert finding.state == "wrong"
    assert "s3:GetObject" in finding.text
    assert ".venv/bin/python -m infra.workspace verify --env test" in finding.next_step
    assert "access" in page.verdict(findings)


def test_a_failure_may_pass_while_a_later_run_is_active(stage: Stage) -> None:
    """After a deploy that fixes a job, the smoke test runs before the first batch is loaded."""
    failed = ObservedRun("TERMINATED FAILED", None, "u", active=False, running=False, failed=True, error="boom")
    running = ObservedRun("RUNNING", None, "u", active=True, running=True, failed=False)
    job = ObservedJob("j", continuous=True, paused=False, runs=(running, failed))
    assert _finding(judge(job, DRAINED, DRAINED, EXPECTED), "run").may_pass
    idle = replace(job, runs=(failed,))
    assert not _finding(judge(idle, DRAINED, DRAINED, EXPECTED), "run").may_pass


def test_another_failure_is_reported_as_a_failed_run(stage: Stage) -> None:
    script = Script(seconds=0, outcome=Outcome("FAILED", message="No space left on device"))
    spec, _ = _deploy(stage, script=script)
    findings = judge(_job_with_an_ended_run(stage, spec), DRAINED, DRAINED, EXPECTED)
    assert "No space left on device" in _finding(findings, "run").text
    assert "/run/" in _finding(findings, "run").next_step or "jobs/" in _finding(findings, "run").next_step
    assert "access" not in _states(findings)


def test_a_failed_run_without_output_is_explained_by_the_end_of_its_traceback(stage: Stage) -> None:
    trace = f"""Traceback (most recent call last):
  File "main.py", line 1, in ingest
    raise RunFailed(text)
vpc_flow_logs.failures.RunFailed: {DENIED.removeprefix("The run failed: ")}
"""
    script = Script(seconds=0, outcome=Outcome("FAILED", message="RunFailed", trace=trace))
    spec, _ = _deploy(stage, script=script)
    finding = _finding(judge(_job_with_an_ended_run(stage, spec), DRAINED, DRAINED, EXPECTED), "access")
    assert finding.text.startswith("denied: vpc_flow_logs.failures.RunFailed: VPC Logs Path")
    assert "s3:GetObject" in finding.text


def test_a_failure_before_a_running_run_is_not_reported(stage: Stage) -> None:
    runner = _runner(stage)
    runner.next.append(Script(seconds=0, outcome=Outcome("FAILED", message="AccessDenied")))
    spec, _ = _deploy(stage, script=Script(seconds=None, log=LOADED))
    stage.server.workspace.behavior.restart_seconds = 0
    job = until(
        lambda: (latest := _job(stage, spec)) and len(latest.runs) > 1 and latest.runs[0].running and latest, seconds=20
    )
    assert job.runs[1].failed
    assert page.verdict(judge(job, DRAINED, DRAINED, EXPECTED)) == "Healthy"


def test_a_scheduled_job_without_a_run_is_healthy_even_if_messages_wait(stage: Stage) -> None:
    _, job = _deploy(stage, SCHEDULED)
    findings = judge(job, FULL, FULL, EXPECTED)
    assert page.verdict(findings) == "Healthy"
    assert _states(findings) == {"job": "ok", "run": "note", "queue": "note"}


def test_a_large_share_of_quarantined_lines_is_reported(stage: Stage) -> None:
    spec, _ = _deploy(stage, script=Script(seconds=None, log=LOADED))
    job = until(lambda: (latest := _job(stage, spec)).runs and latest.runs[0].running and latest)
    findings = judge(job, DRAINED, DRAINED, replace(EXPECTED, most_quarantined=0.001))
    assert page.verdict(findings) == "Not healthy: quarantine"


@pytest.mark.parametrize("output", ["", "loading …", known_batch_line(3, 0)])
def test_an_output_without_a_loaded_batch_gives_no_counts(output: str) -> None:
    assert batches(output) is None


def test_a_batch_of_one_file_and_one_record_is_counted() -> None:
    lines = printed(7, Counts(files=1, bytes=10, records=1, lines=1), seconds=0.0, now=1)
    assert (batch := batches("\n".join(lines))) is not None
    assert (batch.records, batch.quarantined, batch.share) == (1, 1, 0.5)
    assert batch.last == "1 file, 1 record"


def test_a_truncated_line_at_the_end_of_the_output_is_skipped() -> None:
    complete, cut = (batch_json(number, Counts(files=1, records=5), seconds=1, now=1) for number in (0, 1))
    assert (batch := batches(f"{complete}\n{cut[:30]}")) is not None
    assert batch.records == 5


# The command, from the file to the exit status


@dataclass
class Services:
    """The AWS clients of the command: each queue with its two message counts, and the policy of the bucket."""

    queues: dict[str, tuple[int, int]]
    policy: dict[str, Any]

    def get_bucket_policy(self, *, Bucket: str) -> dict[str, str]:
        return {"Policy": json.dumps(self.policy)}

    def get_queue_url(self, *, QueueName: str, QueueOwnerAWSAccountId: str) -> dict[str, str]:
        return {"QueueUrl": QueueName}

    def get_queue_attributes(self, *, QueueUrl: str, AttributeNames: list[str]) -> dict[str, Any]:
        return {"Attributes": dict(zip(AttributeNames, map(str, self.queues[QueueUrl]), strict=True))}

    def get_paginator(self, _operation: str) -> Services:
        return self

    def paginate(self, *, TopicArn: str) -> list[dict[str, Any]]:
        return [{"Subscriptions": [{"Protocol": "sqs", "Endpoint": TopicArn.replace(":sns:", ":sqs:")}]}]

    def get_bucket_notification_configuration(self, *, Bucket: str) -> dict[str, Any]:
        return {
            "TopicConfigurations": [{"TopicArn": f"arn:aws:sns:us-east-1:111122223333:{name}"} for name in self.queues]
        }


@pytest.fixture
def services() -> Services:
    return Services({"databricks-auto-ingest-1": (0, 0)}, {})


@pytest.fixture
def smoke(stage: Stage, services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    # Next to the environment files of the deployments in these tests.
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("DATABRICKS_TOKEN", stage.deployer.token)
    host = ("https://example.cloud.databricks.com", stage.server.host)
    (tmp_path / "here" / "test.toml").write_text(changed(NO_VERIFY, host))
    services.policy = policies.bucket_policy(load("test.toml")).document
    monkeypatch.setattr(aws, "_own", lambda _: lambda _service: services)
    return lambda *more: command.main(["--env", "test.toml", *more])


def test_the_command_waits_until_it_is_healthy(smoke: Any, stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    _deploy(stage, script=Script(seconds=None, log=LOADED))
    assert smoke("--patience", "60") == 0
    assert capsys.readouterr().out.endswith("Healthy\n")


def test_the_command_prints_problems_and_writes_them_to_the_summary(
    smoke: Any, stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    _deploy(stage, PAUSED)
    Path("summary.md").write_text("# before\n")
    assert smoke("--summary", "summary.md") == 1
    output = capsys.readouterr().out
    assert "WRONG  job" in output
    assert "next: " in output
    summary = Path("summary.md").read_text()
    assert summary.startswith("# before\n### test: not healthy: job")
    assert "| WRONG | job | " in summary


def test_the_command_reports_a_missing_statement_of_the_bucket_policy(
    smoke: Any, services: Services, stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    _deploy(stage, script=Script(seconds=None, log=LOADED))
    statements = services.policy["Statement"]
    services.policy = {"Statement": [each for each in statements if each["Sid"] != "DenyPlainHttp"]}
    assert smoke("--patience", "60", "--summary", "summary.md") == 1
    output = capsys.readouterr().out
    assert "WRONG  bucket policy DenyPlainHttp is missing\n" in output
    assert "next: run make review ENV=test.toml, which writes review/test/log-bucket-policy.json" in output
    assert "| WRONG | bucket policy | DenyPlainHttp is missing |" in Path("summary.md").read_text()


def test_rejected_credentials_are_reported_without_a_traceback(
    smoke: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABRICKS_TOKEN", "made-up")
    assert smoke("--patience", "0") == 1
    assert "rejected the credentials" in capsys.readouterr().out


def test_without_aws_credentials_the_checks_that_need_none_are_reported(
    smoke: Any, stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _deploy(stage, script=Script(seconds=None, log=LOADED))

    def no_credentials(_: Any) -> Any:
        raise NoCredentialsError

    monkeypatch.setattr(aws, "_own", no_credentials)
    assert smoke("--patience", "0") == 1
    output = capsys.readouterr().out
    assert "ok     job" in output
    assert "ok     last batch" in output
    assert "WRONG  queue" in output
    assert "no AWS credentials are set" in output
    assert "WRONG  bucket policy Reading the policy of the log bucket: no AWS credentials are set" in output
    assert output.endswith("Not healthy: queue, bucket policy\n")


def test_an_invalid_environment_file_exits_with_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--env", str(tmp_path / "none.toml")]) == 2
    assert "1 problem" in capsys.readouterr().err
