"""Continuous jobs of the local workspace: exactly one run, pauses, changes and failures."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.service import jobs

from local.workspace import Outcome, RecordingRunner, Script, WorkspaceServer
from tests.support.workspaces import job, prepared, task, until

RUNNING, PAUSED = jobs.PauseStatus.UNPAUSED, jobs.PauseStatus.PAUSED


@pytest.fixture
def runner() -> RecordingRunner:
    return RecordingRunner()


@pytest.fixture
def server(runner: RecordingRunner) -> Iterator[WorkspaceServer]:
    with WorkspaceServer(runner=runner) as running:
        running.behavior.restart_seconds = 0.05
        yield running


@pytest.fixture
def client(server: WorkspaceServer) -> WorkspaceClient:
    return prepared(server)


def create_job(client: WorkspaceClient, status: jobs.PauseStatus = RUNNING) -> int:
    job_id = client.jobs.create(**job(continuous=jobs.Continuous(pause_status=status))).job_id
    assert job_id is not None
    return job_id


def reset(client: WorkspaceClient, job_id: int, status: jobs.PauseStatus, task_key: str = "ingest") -> None:
    changed = job(continuous=jobs.Continuous(pause_status=status), tasks=[task(task_key=task_key)])
    client.jobs.reset(job_id, jobs.JobSettings(**changed))


def active_runs(client: WorkspaceClient, job_id: int) -> list[int | None]:
    return [run.run_id for run in client.jobs.list_runs(job_id=job_id, active_only=True)]


def test_a_run_starts_automatically_and_is_the_only_one(client: WorkspaceClient, runner: RecordingRunner) -> None:
    (run_id,) = active_runs(client, create_job(client))
    assert run_id is not None
    assert client.jobs.get_run(run_id).trigger is jobs.TriggerType.CONTINUOUS
    assert len(runner.requests) == 1


def test_a_canceled_run_is_started_again(client: WorkspaceClient) -> None:
    job_id = create_job(client)
    (first,) = active_runs(client, job_id)
    assert first is not None
    client.jobs.cancel_run(first)
    until(lambda: active_runs(client, job_id) not in ([first], []))


def test_a_paused_job_starts_no_run_and_pausing_stops_no_run(server: WorkspaceServer, client: WorkspaceClient) -> None:
    assert active_runs(client, create_job(client, PAUSED)) == []
    job_id = create_job(client)
    (run_id,) = active_runs(client, job_id)
    assert run_id is not None
    reset(client, job_id, PAUSED)
    assert active_runs(client, job_id) == [run_id]
    client.jobs.cancel_run(run_id)
    until(lambda: active_runs(client, job_id) == [])
    assert server.state.jobs[job_id].next_start is None


def test_resuming_starts_a_run(client: WorkspaceClient) -> None:
    job_id = create_job(client, PAUSED)
    reset(client, job_id, RUNNING)
    assert len(active_runs(client, job_id)) == 1


def test_changed_settings_apply_to_the_next_run(client: WorkspaceClient, runner: RecordingRunner) -> None:
    job_id = create_job(client)
    (first,) = active_runs(client, job_id)
    assert first is not None
    reset(client, job_id, RUNNING, task_key="changed")
    assert active_runs(client, job_id) == [first]
    client.jobs.cancel_run(first)
    until(lambda: len(runner.requests) == 2)
    assert [request.task_key for request in runner.requests] == ["ingest", "changed"]


def test_consecutive_failures_double_the_delay_of_the_next_run_up_to_a_limit(
    server: WorkspaceServer, client: WorkspaceClient, runner: RecordingRunner
) -> None:
    now = [0.0]
    server.workspace.clock = lambda: now[0]
    server.behavior.restart_seconds, server.behavior.restart_limit_seconds = 1, 5
    runner.by_entry_point["ingest"] = Script(Outcome("FAILED", "no"))
    waiting = server.state.jobs[create_job(client)]
    waits = []
    for count in range(1, 5):
        until(lambda count=count: waiting.failures == count and waiting.next_start)
        assert waiting.next_start is not None
        waits.append(waiting.next_start - now[0])
        now[0] = waiting.next_start
    assert waits == [2, 4, 5, 5]


def test_a_successful_run_resets_the_delay(
    server: WorkspaceServer, client: WorkspaceClient, runner: RecordingRunner
) -> None:
    runner.next.extend([Script(Outcome("FAILED", "no")), Script()])
    job_id = create_job(client)
    until(lambda: len(runner.requests) == 3)
    assert server.state.jobs[job_id].failures == 0


def test_a_job_can_be_paused_canceled_and_deleted(client: WorkspaceClient, runner: RecordingRunner) -> None:
    runner.next.append(Script(seconds=None, cancel_seconds=0.2))
    job_id = create_job(client)
    (run_id,) = active_runs(client, job_id)
    assert run_id is not None
    reset(client, job_id, PAUSED)
    client.jobs.cancel_run(run_id)
    run = until(lambda: (run := client.jobs.get_run(run_id)).end_time and run)
    assert run.state.result_state is jobs.RunResultState.CANCELED
    client.jobs.delete(job_id)
    assert len(runner.requests) == 1
