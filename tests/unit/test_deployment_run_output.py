"""The reason of a failed verify run: complete, from any field of the run output, and with little other output."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from databricks.sdk.service.jobs import RunOutput

from infra.workspace.errors import DeploymentError
from infra.workspace.job.run_output import reason
from local.workspace import Outcome, RecordingRunner, Script
from tests.support.deploying import Stage, staged

MESSAGE = """\
The run failed: VPC Logs Path 's3://b/AWSLogs' cannot be used: AccessDenied: s3:ListBucket
Nothing was created. Fix the cause and run the check again."""
PYTHON = f"""\
Traceback (most recent call last):
  File "/databricks/python/lib/py4j/protocol.py", line 326, in get_return_value
    raise Py4JJavaError(
py4j.protocol.Py4JJavaError: An error occurred while calling o1.load.
: java.nio.file.AccessDeniedException: s3://b
\tat org.apache.hadoop.fs.s3a.S3AUtils.translateException(S3AUtils.java:249)

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/local_disk0/vpc_flow_logs/start.py", line 42, in run
    raise RunFailed(explained(error, parameters)) from error
vpc_flow_logs.failures.RunFailed: {MESSAGE}"""
IPYTHON = f"""\
\x1b[0;31m---------------------------------------------------------------------------\x1b[0m
\x1b[0;31mRunFailed\x1b[0m                                 Traceback (most recent call last)
File \x1b[0;32m~/.ipykernel/1/command--1-1:18\x1b[0m
\x1b[1;32m     15\x1b[0m entry = load()
\x1b[0;32m---> 18\x1b[0m entry()

\x1b[0;31mRunFailed\x1b[0m: {MESSAGE}"""
LAST = MESSAGE.splitlines()[-1]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path) as stage:
        yield stage


@pytest.mark.parametrize("trace", [PYTHON, IPYTHON], ids=["python", "ipython"])
@pytest.mark.parametrize("error", ["", LAST, f"RunFailed: {MESSAGE}", "SystemExit: 1"])
@pytest.mark.parametrize(
    "logs",
    [None, f"looking\n{MESSAGE}\n", f"{MESSAGE}\n{PYTHON}\n"],
    ids=["no logs", "message", "message and traceback"],
)
def test_the_reason_is_exactly_the_complete_message_of_the_job(trace: str, error: str, logs: str | None) -> None:
    assert reason(RunOutput(error=error, error_trace=trace, logs=logs)) == MESSAGE.splitlines()


def test_the_message_of_the_exception_comes_before_other_output() -> None:
    noise = "\n".join(f"26/11/27 10:00:00 WARN Thing: {number}" for number in range(20))
    assert reason(RunOutput(error=LAST, error_trace=PYTHON, logs=noise))[:2] == MESSAGE.splitlines()


def test_without_logs_the_reason_is_the_error_and_the_last_lines_of_the_trace() -> None:
    trace = "\n".join(f"line {number}" for number in range(20))
    assert reason(RunOutput(error="it failed", error_trace=trace)) == [
        "it failed",
        *(f"line {number}" for number in range(12, 20)),
    ]


def test_the_reason_of_another_error_is_the_last_exception_with_its_class() -> None:
    trace = 'Traceback (most recent call last):\n  File "x.py", line 1, in <module>\n    boom()\nValueError: no\nidea'
    assert reason(RunOutput(error="ValueError: no", error_trace=trace, logs="")) == ["ValueError: no", "idea"]


def test_a_message_of_many_lines_is_not_shortened() -> None:
    message = "\n".join(["12 parameter problems; nothing was created:", *(f"  - problem {n}" for n in range(12))])
    assert len(reason(RunOutput(error="SystemExit: 2", logs=f"start\n{message}\n"))) == 13


def test_an_exit_status_is_the_reason_if_the_run_reports_nothing_else() -> None:
    assert reason(RunOutput(error="SystemExit: 2")) == ["SystemExit: 2"]


def test_a_failed_verify_run_without_logs_is_reported_with_the_complete_reason(stage: Stage) -> None:
    stage.server.behavior.logs_of_failures = False
    runner = stage.server.workspace.runner
    assert isinstance(runner, RecordingRunner)
    runner.next.append(Script(Outcome("FAILED", f"RunFailed: {MESSAGE}", PYTHON), log=MESSAGE))
    with pytest.raises(DeploymentError) as failure:
        stage.deploy(stage.spec())
    text = str(failure.value)
    assert " ".join(MESSAGE.split()) in text
    assert "Traceback" not in text
    assert f"{stage.server.host}/jobs/" in text
