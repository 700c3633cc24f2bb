"""Runs of a job that a schedule or a request starts, and the times of schedules."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone, tzinfo

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import InvalidParameterValue, PermissionDenied
from databricks.sdk.service import jobs

from infra.environment.quartz_times import next_time
from local.workspace import RecordingRunner, Script, WorkspaceServer, add_service_principal, run_progress
from tests.support.workspaces import connect, job, prepared, until

SATURDAY = datetime(2026, 11, 28, 10, 5, 0, 5)


@pytest.fixture
def client(server: WorkspaceServer) -> WorkspaceClient:
    return prepared(server)


def create_job(client: WorkspaceClient, expression: str = "0 0 3 * * ?", **changes: object) -> int:
    schedule = jobs.CronSchedule(expression, "UTC")
    job_id = client.jobs.create(**job(**{"schedule": schedule, **changes})).job_id
    assert job_id is not None
    return job_id


def runs_of(server: WorkspaceServer, job_id: int) -> list[int]:
    with server.lock:
        return [run.run_id for run in server.state.runs.values() if run.job_id == job_id]


@pytest.mark.parametrize(
    ("expression", "due"),
    [
        ("0 0 3 * * ?", "2026-11-29 03:00:00"),
        ("0/2 * * * * ?", "2026-11-28 10:05:02"),
        ("0 5 10 * * ?", "2026-11-29 10:05:00"),
        ("1 5 10 * * ?", "2026-11-28 10:05:01"),
        ("0 0/15 * * * ?", "2026-11-28 10:15:00"),
        ("0 0 22-2 * * ?", "2026-11-28 22:00:00"),
        ("0 30 2 ? * SUN", "2026-11-29 02:30:00"),
        ("0 30 2 ? * 1,2", "2026-11-29 02:30:00"),
        ("0 0 0 ? * TUE-THU", "2026-12-01 00:00:00"),
        ("0 0 0 ? * L", "2026-12-05 00:00:00"),
        ("0 0 0 ? * 6#3", "2026-12-18 00:00:00"),
        ("0 0 0 ? * fri#1", "2026-12-04 00:00:00"),
        ("0 0 0 ? * 6L", "2026-12-25 00:00:00"),
        ("0 0 0 L * ?", "2026-11-30 00:00:00"),
        ("0 0 0 L-3 * ?", "2026-12-28 00:00:00"),
        ("0 0 0 LW 1 ?", "2027-01-29 00:00:00"),
        ("0 0 0 1W 8 ?", "2027-08-02 00:00:00"),
        ("0 0 0 29 2 ?", "2028-02-29 00:00:00"),
        ("0 0,30 8-18/2 ? JAN,mar MON-FRI 2026-2030", "2027-01-01 08:00:00"),
        ("0 0 0 1 1 ? 2025", "None"),
    ],
)
def test_an_expression_is_due_at_the_first_matching_time_after_a_moment(expression: str, due: str) -> None:
    assert str(next_time(expression, SATURDAY)) == due


@pytest.mark.parametrize("expression", ["0 3 * * *", "0 60 * * * ?", "0 0 3 ? * MONDAY", "every day at 3"])
def test_a_schedule_that_is_not_a_quartz_expression_is_rejected(client: WorkspaceClient, expression: str) -> None:
    with pytest.raises(InvalidParameterValue, match="Invalid quartz_cron_expression"):
        create_job(client, expression)


def test_a_scheduled_job_runs_once_each_time_it_is_due(server: WorkspaceServer, client: WorkspaceClient) -> None:
    time = datetime(2026, 11, 28, 2, 59, 59, tzinfo=timezone.utc)

    def now(zone: tzinfo) -> datetime:
        return time.astimezone(zone)

    server.workspace.now, server.behavior.schedules = now, True
    job_id, paused = create_job(client), create_job(client)
    client.jobs.update(paused, new_settings=jobs.JobSettings(schedule=_paused()))
    until(lambda: server.state.jobs[job_id].next_due)
    assert runs_of(server, job_id) == []
    for day in (1, 2):
        time += timedelta(seconds=2)
        until(lambda day=day: len(runs_of(server, job_id)) == day)
        run = client.jobs.get_run(runs_of(server, job_id)[-1])
        assert run.trigger is jobs.TriggerType.PERIODIC
        time += timedelta(days=1, seconds=-2)
    assert runs_of(server, paused) == []


def _paused() -> jobs.CronSchedule:
    return jobs.CronSchedule("0 0 3 * * ?", "UTC", jobs.PauseStatus.PAUSED)


def test_by_default_no_schedule_starts_a_run(server: WorkspaceServer, client: WorkspaceClient) -> None:
    job_id = create_job(client, "0/1 * * * * ?")
    with server.lock:
        for hour in range(3):
            server.workspace.now = lambda zone, hour=hour: datetime(2026, 11, 28, hour, tzinfo=zone)
            run_progress.advance(server.workspace)
    assert server.state.jobs[job_id].next_due is None
    assert runs_of(server, job_id) == []


def test_run_now_starts_a_run_of_a_scheduled_job(server: WorkspaceServer, client: WorkspaceClient) -> None:
    job_id = create_job(client)
    run = client.jobs.run_now(job_id).result()
    assert (run.job_id, run.number_in_job, run.trigger) == (job_id, 1, jobs.TriggerType.ONE_TIME)
    assert run.state is not None
    assert run.state.result_state is jobs.RunResultState.SUCCESS


def test_run_now_with_the_same_token_returns_the_same_run(server: WorkspaceServer, client: WorkspaceClient) -> None:
    job_id = create_job(client)
    first, second, third = (
        client.jobs.run_now(job_id, idempotency_token=token).response.run_id for token in ("a", "a", "b")
    )
    assert first == second != third
    assert runs_of(server, job_id) == [first, third]


def test_run_now_while_a_run_is_active_is_skipped(server: WorkspaceServer, client: WorkspaceClient) -> None:
    runner = server.workspace.runner
    assert isinstance(runner, RecordingRunner)
    runner.next.append(Script(seconds=None))
    job_id = create_job(client)
    client.jobs.run_now(job_id)
    second = client.jobs.run_now(job_id).result()
    assert second.state is not None
    assert second.state.life_cycle_state is jobs.RunLifeCycleState.SKIPPED


def test_run_now_needs_a_permission_to_manage_runs(server: WorkspaceServer, client: WorkspaceClient) -> None:
    job_id = create_job(client)
    reader = add_service_principal(server.state, "reader")
    other = connect(server, token=reader.token)
    with pytest.raises(PermissionDenied, match="CAN_MANAGE_RUN"):
        other.jobs.run_now(job_id)


def test_run_now_with_parameters_that_the_stand_in_would_ignore_is_rejected(client: WorkspaceClient) -> None:
    with pytest.raises(InvalidParameterValue, match="not python_named_params"):
        client.jobs.run_now(create_job(client), python_named_params={"dry-run": "true"})
