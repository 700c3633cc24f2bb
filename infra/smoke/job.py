"""Read a job from the workspace: its trigger, its last runs, and their output."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import islice

from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import BadRequest, NotFound
from databricks.sdk.service.jobs import (
    BaseRun,
    JobSettings,
    PauseStatus,
    RunLifeCycleState,
    RunOutput,
    RunResultState,
    RunState,
)

from infra.workspace.explain import explaining
from infra.workspace.job import deployed_job
from infra.workspace.job.job_kind import JobKind
from infra.workspace.job.runs import ended, of_job, state_of
from infra.workspace.spec import WorkspaceSpec

RUNS = 5
"""The number of runs to read, newest first."""


@dataclass(frozen=True)
class ObservedRun:
    """A run.

    Attributes:
        state: Its state, such as ``RUNNING`` or ``TERMINATED FAILED``.
        began: Its start time; None while it waits.
        url: URL of its page.
        active: True if it has not ended.
        running: True if it is working: neither waiting nor terminating.
        failed: True if it ended with a failure. A canceled run did not fail.
        output: The part of its output that the workspace returns.
        error: The error that ended it.
        trace: The part of the traceback that the workspace returns.
    """

    state: str
    began: datetime | None
    url: str
    active: bool
    running: bool
    failed: bool
    output: str = ""
    error: str = ""
    trace: str = ""


@dataclass(frozen=True)
class ObservedJob:
    """A job, with its runs from the newest to the oldest."""

    url: str
    continuous: bool
    paused: bool
    runs: tuple[ObservedRun, ...] = ()


def observe(client: WorkspaceClient, spec: WorkspaceSpec, kind: JobKind) -> ObservedJob | None:
    """Return the environment's job of a kind with its last runs, or None if there is no such job.

    Raises:
        DeploymentError: The workspace rejects the request, or does not respond.
    """
    jobs = deployed_job.find(client, spec, kind)
    if not jobs:
        return None
    job_id = jobs[0].job_id or 0
    with explaining(f"Reading the job {job_id}"):
        settings = client.jobs.get(job_id).settings or JobSettings()
        runs = list(islice(of_job(client.jobs.list_runs(job_id=job_id, limit=RUNS, expand_tasks=True), job_id), RUNS))
        # The output of older runs is out of date.
        current = [run.run_id for run in (*runs[:1], *[run for run in runs if _failed(run.state)][:1])]
        observed = tuple(_run(client, run, with_output=run.run_id in current) for run in runs)
    trigger = settings.continuous or settings.schedule
    return ObservedJob(
        url=deployed_job.url(spec.host, job_id),
        continuous=settings.continuous is not None,
        paused=trigger is not None and trigger.pause_status == PauseStatus.PAUSED,
        runs=observed,
    )


def _run(client: WorkspaceClient, run: BaseRun, *, with_output: bool) -> ObservedRun:
    result = _result(client, run) if with_output else RunOutput()
    message = run.state.state_message if run.state else None
    return ObservedRun(
        state=state_of(run),
        began=datetime.fromtimestamp(run.start_time / 1000, tz=timezone.utc) if run.start_time else None,
        url=run.run_page_url or "",
        active=not ended(run),
        running=run.state is not None and run.state.life_cycle_state == RunLifeCycleState.RUNNING,
        failed=_failed(run.state),
        output=result.logs or "",
        error=result.error or message or "",
        trace=result.error_trace or "",
    )


def _failed(state: RunState | None) -> bool:
    if state is None:
        return False
    return state.life_cycle_state == RunLifeCycleState.INTERNAL_ERROR or state.result_state in (
        RunResultState.FAILED,
        RunResultState.TIMEDOUT,
        RunResultState.UPSTREAM_FAILED,
    )


def _result(client: WorkspaceClient, run: BaseRun) -> RunOutput:
    """Return output, error and traceback of the last attempt of a run's only task."""
    attempts = [task.run_id for task in run.tasks or [] if task.run_id]
    if not attempts:
        return RunOutput()
    try:
        return client.jobs.get_run_output(attempts[-1])
    except (BadRequest, NotFound):
        # A run that has not started has no output, and the workspace deletes the output of old runs.
        return RunOutput()
