"""The runner interface of the local workspace works with real processes: arguments, wheels, output, cancel, kill."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.service import jobs

from local.workspace import Outcome, RunHandle, RunRequest, WorkspaceServer
from tests.support.workspaces import job, one_time, prepared, put_wheel, until

MODULE = """
import sys, time
print("arguments:", *sys.argv[1:], flush=True)
print("a warning", file=sys.stderr, flush=True)
if "--fail=yes" in sys.argv:
    raise RuntimeError("no access to the bucket")
while "--endless=yes" in sys.argv:
    time.sleep(0.05)
"""


@dataclass
class Running:
    """A run as a process that writes its output to files."""

    process: subprocess.Popen[bytes]
    folder: Path
    cancelled: bool = False

    def poll(self) -> Outcome | None:
        status = self.process.poll()
        if status is None:
            return None
        if self.cancelled:
            return Outcome("CANCELED")
        trace = (self.folder / "err").read_text()
        return Outcome() if status == 0 else Outcome("FAILED", trace.strip().rpartition("\n")[2], trace)

    def cancel(self) -> None:
        self.cancelled = True
        self.process.terminate()

    def output(self) -> str:
        return (self.folder / "out").read_text()

    def log(self) -> str:
        return self.output() + (self.folder / "err").read_text()


@dataclass
class ProcessRunner:
    """A runner that starts the module in the task's wheel as a process."""

    folder: Path

    def start(self, request: RunRequest) -> RunHandle:
        folder = self.folder / str(request.run_id)
        folder.mkdir()
        (library,) = request.libraries
        (folder / "p.whl").write_bytes(library.content)
        command = [sys.executable, "-m", request.package_name, *request.arguments]
        environment = {"PYTHONPATH": str(folder / "p.whl")}
        with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
            return Running(subprocess.Popen(command, stdout=out, stderr=err, env=environment), folder)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[WorkspaceServer]:
    with WorkspaceServer(runner=ProcessRunner(tmp_path)) as running:
        yield running


@pytest.fixture
def client(server: WorkspaceServer) -> WorkspaceClient:
    client = prepared(server)
    wheel = io.BytesIO()
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("work.py", MODULE)
    put_wheel(client, wheel.getvalue())
    return client


def submit(client: WorkspaceClient, **parameters: str) -> int:
    task = one_time(python_wheel_task=jobs.PythonWheelTask("work", "main", named_parameters=parameters))
    run_id = client.jobs.submit(tasks=[task]).response.run_id
    assert run_id is not None
    return run_id


def wait_for_end(client: WorkspaceClient, run_id: int) -> jobs.Run:
    run: jobs.Run = until(lambda: (run := client.jobs.get_run(run_id)).end_time and run)
    return run


def output(client: WorkspaceClient, run: jobs.Run) -> jobs.RunOutput:
    (task,) = run.tasks or []
    assert task.run_id is not None
    return client.jobs.get_run_output(task.run_id)


def result(run: jobs.Run) -> str | None:
    return run.state.result_state.value if run.state and run.state.result_state else None


def test_the_uploaded_wheel_runs_with_the_named_parameters(client: WorkspaceClient) -> None:
    run = wait_for_end(client, submit(client, table="t"))
    assert result(run) == "SUCCESS"
    assert output(client, run).logs == "arguments: --table=t\n"


def test_the_output_has_the_error_of_a_failed_process(client: WorkspaceClient) -> None:
    run = wait_for_end(client, submit(client, fail="yes"))
    assert result(run) == "FAILED"
    run_output = output(client, run)
    assert run_output.error == "RuntimeError: no access to the bucket"
    assert (run_output.error_trace or "").startswith("a warning\nTraceback")


def test_the_output_is_available_during_the_run_and_cancel_ends_the_process(client: WorkspaceClient) -> None:
    run_id = submit(client, endless="yes")
    until(lambda: output(client, client.jobs.get_run(run_id)).logs == "arguments: --endless=yes\n")
    client.jobs.cancel_run(run_id)
    assert result(wait_for_end(client, run_id)) == "CANCELED"


def test_a_continuous_job_restarts_after_its_process_is_killed(
    server: WorkspaceServer, client: WorkspaceClient
) -> None:
    wheel = jobs.PythonWheelTask("work", "main", named_parameters={"endless": "yes"})
    settings = job(continuous=jobs.Continuous())
    settings["tasks"][0].python_wheel_task = wheel
    client.jobs.create(**settings)

    def process() -> subprocess.Popen[bytes] | None:
        handles = [handle for handle in server.workspace.handles.values() if isinstance(handle, Running)]
        return handles[0].process if handles else None

    first = until(process)
    first.send_signal(signal.SIGKILL)
    second = until(lambda: process() not in (None, first) and process())
    server.stop()
    assert second.poll() is not None
