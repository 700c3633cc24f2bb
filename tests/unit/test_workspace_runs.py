"""Runs of the local workspace: one-time runs and runs of jobs, their states and their output."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any
from urllib.request import urlopen

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import InvalidParameterValue, ResourceDoesNotExist
from databricks.sdk.service import jobs

from local.workspace import (
    ExternalLocation,
    LaunchError,
    Outcome,
    RecordingRunner,
    RunHandle,
    RunRequest,
    Script,
    UnityCatalog,
    WorkspaceServer,
)
from tests.support.workspaces import PROFILE, WHEEL, cluster, job, one_time, prepared, task, until

ENDLESS = Script(seconds=None)
SCHEDULE = jobs.CronSchedule("0 0 * * * ?", "UTC")


@pytest.fixture
def runner() -> RecordingRunner:
    return RecordingRunner()


@pytest.fixture
def server(runner: RecordingRunner) -> Iterator[WorkspaceServer]:
    with WorkspaceServer(runner=runner) as running:
        yield running


@pytest.fixture
def client(server: WorkspaceServer) -> WorkspaceClient:
    return prepared(server)


def states(run: Any) -> tuple[str | None, str | None, str | None]:
    """Return the life cycle state, the result state and the termination code of a run."""
    details = run.status.termination_details
    return (
        run.state.life_cycle_state.value,
        run.state.result_state and run.state.result_state.value,
        details and details.code.value,
    )


def submit(client: WorkspaceClient, *tasks: jobs.SubmitTask, **settings: Any) -> int:
    run_id = client.jobs.submit(tasks=list(tasks or [one_time()]), **settings).response.run_id
    assert run_id is not None
    return run_id


def create_scheduled_job(client: WorkspaceClient, **changes: Any) -> int:
    """Create a job whose runs start when a test fires its schedule."""
    job_id = client.jobs.create(**job(schedule=SCHEDULE, **changes)).job_id
    assert job_id is not None
    return job_id


def fire_schedule(server: WorkspaceServer, job_id: int) -> int:
    run_id = server.fire_schedule(job_id)
    assert run_id is not None
    return run_id


def test_a_one_time_run_succeeds_and_its_task_has_its_own_run_id(client: WorkspaceClient) -> None:
    run = client.jobs.submit(run_name="verify", tasks=[one_time()]).result()
    assert states(run) == ("TERMINATED", "SUCCESS", "SUCCESS")
    (task_run,) = run.tasks or []
    assert states(task_run) == ("TERMINATED", "SUCCESS", "SUCCESS")
    assert task_run.run_id != run.run_id
    assert (run.run_name, run.run_type) == ("verify", jobs.RunType.SUBMIT_RUN)
    assert list(client.jobs.list()) == []


def test_the_runner_receives_arguments_wheel_cluster_and_profile(
    client: WorkspaceClient, runner: RecordingRunner
) -> None:
    role = "arn:aws:iam::123456789012:role/reader"
    client.instance_profiles.edit(PROFILE, iam_role_arn=role)
    wheel = jobs.PythonWheelTask("vpc_flow_logs", "verify", named_parameters={"table-name": "t", "headers": "a,b"})
    submit(client, one_time(python_wheel_task=wheel))
    (request,) = runner.requests
    assert (request.package_name, request.entry_point) == ("vpc_flow_logs", "verify")
    assert request.arguments == ("--table-name=t", "--headers=a,b")
    assert [(library.path, library.content) for library in request.libraries] == [(WHEEL, b"PK wheel")]
    assert (request.instance_profile_arn, request.iam_role_arn) == (PROFILE, role)
    assert request.cluster["spark_version"] == "18.x-scala2.13"


def test_the_runner_receives_the_unity_catalog_settings(
    server: WorkspaceServer, client: WorkspaceClient, runner: RecordingRunner
) -> None:
    submit(client)
    assert runner.requests[-1].unity_catalog == UnityCatalog()
    state = server.state
    state.hive_metastore, state.default_catalog = False, "main"
    state.external_locations["lake"] = ExternalLocation("lake", "s3://lake", "credential", owner="someone")
    state.grants["external_location lake"] = {server.credentials.client_id: ["READ_FILES"]}
    submit(client)
    assert runner.requests[-1].unity_catalog == UnityCatalog(
        "main", hive_metastore=False, locations={"s3://lake": frozenset({"READ_FILES"})}
    )


def test_the_output_of_a_task_has_the_error_and_the_log(client: WorkspaceClient, runner: RecordingRunner) -> None:
    runner.next.append(Script(Outcome("FAILED", "SystemExit: 1", "Traceback ..."), log="no access to the bucket\n"))
    run = client.jobs.get_run(submit(client))
    assert states(run) == ("INTERNAL_ERROR", "FAILED", "RUN_EXECUTION_ERROR")
    assert run.state is not None
    assert run.state.state_message == ("Task verify failed with message: Workload failed, see run output for details.")
    (task_run,) = run.tasks or []
    assert task_run.run_id is not None
    assert states(task_run) == ("TERMINATED", "FAILED", "RUN_EXECUTION_ERROR")
    output = client.jobs.get_run_output(task_run.run_id)
    assert (output.error, output.error_trace, output.logs) == (
        "SystemExit: 1",
        "Traceback ...",
        "no access to the bucket\n",
    )
    assert output.metadata is not None
    assert output.metadata.run_id == task_run.run_id


def test_the_output_of_a_failed_task_may_have_only_the_last_line_of_the_error(
    server: WorkspaceServer, client: WorkspaceClient, runner: RecordingRunner
) -> None:
    server.behavior.logs_of_failures = False
    runner.next.append(Script(Outcome("FAILED", "RunFailed: a\nb", "Traceback ...\nRunFailed: a\nb"), log="a\nb\n"))
    (task_run,) = client.jobs.get_run(submit(client)).tasks or []
    output = client.jobs.get_run_output(task_run.run_id or 0)
    assert (output.error, output.error_trace, output.logs) == ("b", "Traceback ...\nRunFailed: a\nb", None)


def test_the_output_keeps_the_last_5_mb_of_a_long_log(client: WorkspaceClient, runner: RecordingRunner) -> None:
    runner.next.append(Script(log="first" + "x" * 5 * 1024 * 1024 + "last"))
    (task_run,) = client.jobs.get_run(submit(client)).tasks or []
    output = client.jobs.get_run_output(task_run.run_id or 0)
    assert output.logs_truncated
    assert (output.logs or "").endswith("last")
    assert len(output.logs or "") == 5 * 1024 * 1024


def test_the_output_of_a_whole_run_is_rejected_even_with_one_task(client: WorkspaceClient) -> None:
    with pytest.raises(InvalidParameterValue, match="Retrieving the output of runs with multiple tasks"):
        client.jobs.get_run_output(submit(client))


def test_a_run_is_pending_then_running_then_terminated(
    server: WorkspaceServer, client: WorkspaceClient, runner: RecordingRunner
) -> None:
    server.behavior.start_seconds = 0.3
    runner.next.append(Script(seconds=0.3))
    run_id = submit(client)
    seen: list[str | None] = []

    def ended() -> bool:
        state = states(client.jobs.get_run(run_id))
        if state[0] not in seen:
            seen.append(state[0])
        return state[0] == "TERMINATED"

    until(ended)
    assert seen == ["PENDING", "RUNNING", "TERMINATED"]


def test_a_canceled_run_terminates_after_some_time(client: WorkspaceClient, runner: RecordingRunner) -> None:
    runner.next.append(Script(seconds=None, cancel_seconds=0.3))
    run_id = submit(client)
    assert states(client.jobs.get_run(run_id))[0] == "RUNNING"
    client.jobs.cancel_run(run_id)
    assert states(client.jobs.get_run(run_id))[0] == "TERMINATING"
    run = until(lambda: (run := client.jobs.get_run(run_id)).end_time and run)
    assert states(run) == ("TERMINATED", "CANCELED", "USER_CANCELED")
    client.jobs.cancel_run(run_id)
    assert states(client.jobs.get_run(run_id)) == ("TERMINATED", "CANCELED", "USER_CANCELED")


def test_a_run_that_exceeds_its_timeout_is_ended(client: WorkspaceClient, runner: RecordingRunner) -> None:
    runner.next.append(ENDLESS)
    run_id = submit(client, timeout_seconds=1)
    run = until(lambda: (run := client.jobs.get_run(run_id)).end_time and run)
    assert states(run) == ("TERMINATED", "TIMEDOUT", "CANCELED")


def test_an_idempotency_token_returns_its_run_even_if_the_run_failed(
    client: WorkspaceClient, runner: RecordingRunner
) -> None:
    runner.next.append(Script(Outcome("FAILED", "no")))
    first = submit(client, idempotency_token="a")
    assert submit(client, idempotency_token="a") == first
    assert submit(client, idempotency_token="b") != first
    assert len(runner.requests) == 2
    with pytest.raises(InvalidParameterValue, match="at most 64"):
        submit(client, idempotency_token="a" * 65)


def test_a_missing_wheel_fails_the_run_before_it_starts(client: WorkspaceClient, runner: RecordingRunner) -> None:
    client.workspace.delete(WHEEL)
    run = client.jobs.get_run(submit(client))
    assert states(run) == ("INTERNAL_ERROR", "FAILED", "LIBRARY_INSTALLATION_ERROR")
    assert run.state is not None
    assert WHEEL in (run.state.state_message or "")
    assert not runner.requests


def test_a_run_fails_if_its_profile_was_removed_after_the_job_was_created(
    server: WorkspaceServer, client: WorkspaceClient
) -> None:
    job_id = create_scheduled_job(client)
    client.instance_profiles.remove(PROFILE)
    run = client.jobs.get_run(fire_schedule(server, job_id))
    assert states(run) == ("INTERNAL_ERROR", "FAILED", "INVALID_CLUSTER_REQUEST")


def test_a_one_time_run_has_the_same_checks_as_a_job(client: WorkspaceClient) -> None:
    with pytest.raises(InvalidParameterValue, match="Invalid spark version"):
        submit(client, one_time(new_cluster=cluster(spark_version="1.x")))
    with pytest.raises(InvalidParameterValue, match="Missing required field 'tasks'"):
        client.jobs.submit(run_name="nothing")


def test_a_cluster_that_cannot_start_is_an_internal_error(server: WorkspaceServer, client: WorkspaceClient) -> None:
    class BrokenRunner:
        def start(self, request: RunRequest) -> RunHandle:
            raise LaunchError(f"cannot pass the role of {request.instance_profile_arn}", "CLOUD_FAILURE")

    server.workspace.runner = BrokenRunner()
    run = client.jobs.get_run(submit(client))
    assert states(run) == ("INTERNAL_ERROR", "FAILED", "CLOUD_FAILURE")
    assert run.state is not None
    assert "cannot pass the role" in (run.state.state_message or "")


def test_a_task_waits_for_its_dependencies_and_is_skipped_if_one_fails(
    client: WorkspaceClient, runner: RecordingRunner
) -> None:
    chain = [
        one_time(task_key="a"),
        one_time(task_key="b", depends_on=[jobs.TaskDependency("a")]),
        one_time(task_key="c", depends_on=[jobs.TaskDependency("b")]),
    ]
    runner.next.extend([Script(), Script(Outcome("FAILED", "no"))])
    run_id = submit(client, *chain)
    run = until(lambda: (run := client.jobs.get_run(run_id)).end_time and run)
    assert [task_run.state.result_state.value for task_run in run.tasks] == ["SUCCESS", "FAILED", "UPSTREAM_FAILED"]
    assert states(run)[:2] == ("INTERNAL_ERROR", "FAILED")
    assert [request.task_key for request in runner.requests] == ["a", "b"]


def test_a_failed_task_is_retried_up_to_max_retries(client: WorkspaceClient, runner: RecordingRunner) -> None:
    runner.next.extend([Script(Outcome("FAILED", "1")), Script(Outcome("FAILED", "2")), Script()])
    run_id = submit(client, one_time(max_retries=2))
    run = until(lambda: (run := client.jobs.get_run(run_id)).end_time and run)
    assert states(run)[:2] == ("TERMINATED", "SUCCESS")
    assert [task_run.attempt_number for task_run in run.tasks] == [0, 1, 2]


def test_a_run_over_the_concurrency_limit_is_skipped(
    server: WorkspaceServer, client: WorkspaceClient, runner: RecordingRunner
) -> None:
    runner.by_entry_point["ingest"] = ENDLESS
    job_id = create_scheduled_job(client)
    fire_schedule(server, job_id)
    assert states(client.jobs.get_run(fire_schedule(server, job_id))) == (
        "SKIPPED",
        "MAXIMUM_CONCURRENT_RUNS_REACHED",
        "MAX_CONCURRENT_RUNS_EXCEEDED",
    )


def test_runs_are_listed_newest_first_in_pages_and_by_state(
    server: WorkspaceServer, client: WorkspaceClient, runner: RecordingRunner
) -> None:
    job_id = create_scheduled_job(client, max_concurrent_runs=5)
    runner.next.extend([Script(), Script(), Script(), ENDLESS])
    *ended, active = [fire_schedule(server, job_id) for _ in range(4)]
    assert [run.run_id for run in client.jobs.list_runs(job_id=job_id, limit=2)] == [active, *ended[::-1]]
    assert [run.run_id for run in client.jobs.list_runs(job_id=job_id, active_only=True)] == [active]
    assert [run.run_id for run in client.jobs.list_runs(job_id=job_id, completed_only=True)] == ended[::-1]
    assert [run.tasks for run in client.jobs.list_runs(job_id=job_id, active_only=True)] == [[]]
    with pytest.raises(InvalidParameterValue, match="between 1 and 25"):
        list(client.jobs.list_runs(limit=26))


def test_all_runs_of_a_job_can_be_canceled_with_one_request(
    server: WorkspaceServer, client: WorkspaceClient, runner: RecordingRunner
) -> None:
    runner.by_entry_point["ingest"] = ENDLESS
    job_id = create_scheduled_job(client, max_concurrent_runs=5)
    for _ in range(2):
        fire_schedule(server, job_id)
    client.jobs.cancel_all_runs(job_id=job_id)
    until(lambda: not list(client.jobs.list_runs(job_id=job_id, active_only=True)))
    with pytest.raises(InvalidParameterValue, match="Missing required field 'job_id'"):
        client.jobs.cancel_all_runs()


def test_the_run_of_a_deleted_job_ends_later_and_is_found_by_its_id(
    server: WorkspaceServer, client: WorkspaceClient, runner: RecordingRunner
) -> None:
    runner.next.append(Script(seconds=None, cancel_seconds=0.3))
    job_id = create_scheduled_job(client)
    run_id = fire_schedule(server, job_id)
    client.jobs.delete(job_id)
    assert states(client.jobs.get_run(run_id))[0] == "TERMINATING"
    until(lambda: states(client.jobs.get_run(run_id))[0] == "TERMINATED")
    assert list(client.jobs.list_runs(job_id=job_id)) == []


def test_an_unknown_run_is_not_found(client: WorkspaceClient) -> None:
    with pytest.raises(ResourceDoesNotExist, match="Run 7 does not exist"):
        client.jobs.get_run(7)


def test_a_schedule_starts_runs_unless_it_is_paused(
    server: WorkspaceServer, client: WorkspaceClient, runner: RecordingRunner
) -> None:
    job_id = create_scheduled_job(client)
    assert not runner.requests
    assert client.jobs.get_run(fire_schedule(server, job_id)).trigger is jobs.TriggerType.PERIODIC
    paused = jobs.CronSchedule("0 0 * * * ?", "UTC", jobs.PauseStatus.PAUSED)
    client.jobs.reset(job_id, jobs.JobSettings(**job(schedule=paused)))
    assert server.fire_schedule(job_id) is None


def test_the_run_page_shows_the_state_and_the_log(client: WorkspaceClient, runner: RecordingRunner) -> None:
    runner.next.append(Script(Outcome("FAILED", "SystemExit: 1"), log="<no access>"))
    run = client.jobs.get_run(submit(client, run_name="look & see"))
    with urlopen(run.run_page_url or "") as page:
        text = page.read().decode()
    for part in ("look &amp; see", "TERMINATED FAILED", "&lt;no access&gt;", "SystemExit: 1"):
        assert part in text


def test_a_run_keeps_the_tasks_that_the_job_had_when_it_started(
    server: WorkspaceServer, client: WorkspaceClient, runner: RecordingRunner
) -> None:
    runner.next.append(ENDLESS)
    job_id = create_scheduled_job(client)
    run_id = fire_schedule(server, job_id)
    client.jobs.reset(job_id, jobs.JobSettings(**job(tasks=[task(task_key="other")])))
    assert [task_run.task_key for task_run in client.jobs.get_run(run_id).tasks or []] == ["ingest"]


def test_active_runs_are_canceled_when_the_server_stops() -> None:
    runner = RecordingRunner(next=deque([Script(seconds=None, cancel_seconds=0.2)]))
    with WorkspaceServer(runner=runner) as server:
        submit(prepared(server))
        (handle,) = server.workspace.handles.values()
        assert handle.poll() is None
    outcome = handle.poll()
    assert outcome is not None
    assert outcome.result == "CANCELED"
