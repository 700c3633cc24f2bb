"""Progress of runs over time: start, end, cancellation, retry and restart."""

from __future__ import annotations

import copy
import time
from datetime import datetime, timezone
from typing import Any
from zoneinfo import ZoneInfo

from infra.environment.quartz_times import next_time
from local.workspace.context import Workspace, now_ms
from local.workspace.launch import launch
from local.workspace.run_state import Run, TaskRun
from local.workspace.runner import LaunchError, Outcome
from local.workspace.state import Job, State

_NEVER = datetime.max.replace(tzinfo=timezone.utc)

# Termination codes of results without a code.
_CODES = {
    "SUCCESS": "SUCCESS",
    "FAILED": "RUN_EXECUTION_ERROR",
    "CANCELED": "USER_CANCELED",
    "TIMEDOUT": "CANCELED",
    "INTERNAL_ERROR": "INTERNAL_ERROR",
}


def new_run(workspace: Workspace, job: Job, *, trigger: str, creator: str) -> Run:
    """Create a run of a job; skip it if the job already has its maximum number of active runs."""
    settings = job.settings
    run = one_time_run(workspace, settings, creator=creator)
    run.job_id, run.run_type, run.trigger, run.run_as = job.job_id, "JOB_RUN", trigger, job.run_as
    run.number = sum(each.job_id == job.job_id for each in workspace.state.runs.values())
    if len(active_runs(workspace, job.job_id)) > settings["max_concurrent_runs"]:
        most = settings["max_concurrent_runs"]
        run.skipped = f"Skipping this run because the limit of {most} maximum concurrent runs has been reached."
        run.end_time = now_ms()
        for task in run.tasks:
            task.life_cycle, task.end_time = "SKIPPED", run.end_time
    return run


def one_time_run(workspace: Workspace, settings: dict[str, Any], *, creator: str) -> Run:
    """Create a run with the current settings."""
    state = workspace.state
    shared = {cluster["job_cluster_key"]: cluster["new_cluster"] for cluster in settings.get("job_clusters", [])}
    tasks = []
    for task in copy.deepcopy(settings.get("tasks", [])):
        cluster = task.get("new_cluster") or shared.get(task.get("job_cluster_key"), {})
        tasks.append(TaskRun(state.new_id(), task, copy.deepcopy(cluster)))
    run = Run(
        state.new_id(),
        state.new_id(),
        str(settings.get("run_name") or settings.get("name") or "Untitled"),
        "SUBMIT_RUN",
        "ONE_TIME",
        creator,
        now_ms(),
        1,
        tasks,
        copy.deepcopy(settings.get("job_clusters", [])),
        timeout_seconds=settings.get("timeout_seconds", 0),
    )
    run.run_as = creator
    state.runs[run.run_id] = run
    return run


def active_runs(workspace: Workspace, job_id: int) -> list[Run]:
    """Return a job's active runs."""
    return [run for run in workspace.state.runs.values() if run.job_id == job_id and not run.ended]


def cancel(run: Run) -> None:
    """Request the end of a run; do nothing if it has ended."""
    if not run.ended:
        run.cancelling = True


def cancel_all(state: State, job_id: int) -> None:
    """Request the end of all runs of a job."""
    for run in state.runs.values():
        if run.job_id == job_id:
            cancel(run)


def fire_schedule(workspace: Workspace, job_id: int) -> int | None:
    """Start a scheduled job's run as if its time had come; return None if the schedule is paused."""
    job = workspace.state.jobs[job_id]
    schedule = job.settings.get("schedule") or job.settings.get("trigger")
    if not schedule or schedule["pause_status"] == "PAUSED":
        return None
    return new_run(workspace, job, trigger="PERIODIC", creator=job.creator).run_id


def settings_changed(workspace: Workspace, job: Job, before: dict[str, Any] | None) -> None:
    """Plan the first run of a job that has just become continuous; pausing a job does not stop an active run."""
    job.next_due = None
    if not runs_continuously(job.settings):
        job.next_start = None
    elif before is None or not runs_continuously(before):
        job.failures, job.next_start = 0, workspace.clock()


def runs_continuously(settings: dict[str, Any]) -> bool:
    """Return whether the settings are those of an unpaused continuous job."""
    return bool(settings.get("continuous", {}).get("pause_status") == "UNPAUSED")


def advance(workspace: Workspace) -> None:
    """Bring all jobs and runs up to date, without waiting."""
    for job in list(workspace.state.jobs.values()):
        due = job.next_start is not None and job.next_start <= workspace.clock()
        if due and not active_runs(workspace, job.job_id):
            job.next_start = None
            new_run(workspace, job, trigger="CONTINUOUS", creator=job.creator)
        if workspace.behavior.schedules:
            _start_if_due(workspace, job)
    for run in list(workspace.state.runs.values()):
        if not run.ended:
            _advance_run(workspace, run)


def _start_if_due(workspace: Workspace, job: Job) -> None:
    """Start a run of a scheduled job if it is due, and plan the next one; times in the past are skipped."""
    schedule = job.settings.get("schedule")
    if not schedule:
        return
    now = workspace.now(ZoneInfo(schedule["timezone_id"]))
    if job.next_due is not None and job.next_due <= now:
        job.next_due = None
        fire_schedule(workspace, job.job_id)
    if job.next_due is None:
        job.next_due = next_time(schedule["quartz_cron_expression"], now) or _NEVER


def _advance_run(workspace: Workspace, run: Run) -> None:
    for task in run.latest:
        if not task.ended and task.life_cycle not in ("RUNNING", "TERMINATING"):
            _start_task(workspace, run, task)
        if task.life_cycle in ("RUNNING", "TERMINATING"):
            _check_task(workspace, run, task)
        if task.ended and not run.cancelling:
            _retry(workspace, run, task)
    if all(task.ended for task in run.latest):
        run.end_time = now_ms()
        _after_run(workspace, run)


def _start_task(workspace: Workspace, run: Run, task: TaskRun) -> None:
    needed = [dependency["task_key"] for dependency in task.task.get("depends_on", [])]
    before = [each for each in run.latest if each.task["task_key"] in needed]
    if run.cancelling:
        _end_task(task, Outcome("CANCELED"))
    elif any(each.ended and each.result != "SUCCESS" for each in before):
        task.life_cycle, task.result, task.end_time = "SKIPPED", "UPSTREAM_FAILED", now_ms()
    elif not all(each.ended for each in before):
        task.life_cycle = "BLOCKED"
    elif now_ms() < max(run.start_time + workspace.behavior.start_seconds * 1000, task.not_before):
        task.life_cycle = "PENDING"
    else:
        task.start_time = now_ms()
        try:
            workspace.handles[task.run_id] = launch(workspace, run, task)
        except LaunchError as error:
            _end_task(task, Outcome("INTERNAL_ERROR", str(error), code=error.code))
        else:
            task.life_cycle = "RUNNING"


def _check_task(workspace: Workspace, run: Run, task: TaskRun) -> None:
    handle = workspace.handles[task.run_id]
    limit = task.task.get("timeout_seconds") or run.timeout_seconds
    if task.life_cycle == "RUNNING" and not run.cancelling and limit:
        task.timed_out = now_ms() > task.start_time + limit * 1000
    if task.life_cycle == "RUNNING" and (run.cancelling or task.timed_out):
        handle.cancel()
        task.life_cycle = "TERMINATING"
    outcome = handle.poll()
    if outcome is not None:
        note_output(workspace, task)
        del workspace.handles[task.run_id]
        ended_by_time = task.timed_out and outcome.result == "CANCELED"
        _end_task(task, Outcome("TIMEDOUT", f"Run timed out after {limit} seconds") if ended_by_time else outcome)


def _retry(workspace: Workspace, run: Run, task: TaskRun) -> None:
    """Retry a failed task as often as its settings allow; -1 means without limit."""
    most = task.task.get("max_retries", 0)
    failed = task.result == "FAILED" or (task.result == "TIMEDOUT" and task.task.get("retry_on_timeout"))
    if failed and (most < 0 or task.attempt < most):
        task.superseded = True
        retry = TaskRun(workspace.state.new_id(), task.task, task.cluster, attempt=task.attempt + 1)
        retry.not_before = now_ms() + task.task.get("min_retry_interval_millis", 0)
        run.tasks.append(retry)


def note_output(workspace: Workspace, task: TaskRun) -> None:
    """Read the output that a running task has written so far; the end of a task reads its final output."""
    handle = workspace.handles.get(task.run_id)
    if handle is not None:
        task.output, task.log = handle.output(), handle.log()


def _end_task(task: TaskRun, outcome: Outcome) -> None:
    task.end_time = now_ms()
    task.start_time = task.start_time or task.end_time
    task.code = outcome.code or _CODES[outcome.result]
    task.error, task.trace = outcome.message, outcome.trace
    if outcome.result == "INTERNAL_ERROR":
        task.life_cycle, task.result, task.message = "INTERNAL_ERROR", "FAILED", outcome.message
        return
    task.life_cycle, task.result = "TERMINATED", outcome.result
    task.message = {
        "FAILED": "Workload failed, see run output for details",
        "CANCELED": "Run canceled.",
        "TIMEDOUT": outcome.message,
    }.get(outcome.result, "")


def _after_run(workspace: Workspace, run: Run) -> None:
    """Plan a continuous job's next run; each consecutive failure doubles the delay."""
    job = workspace.state.jobs.get(run.job_id)
    if job is None or not runs_continuously(job.settings):
        return
    failed = any(task.result in ("FAILED", "TIMEDOUT") for task in run.latest)
    job.failures = job.failures + 1 if failed else 0
    behavior = workspace.behavior
    delay = min(behavior.restart_seconds * 2**job.failures, behavior.restart_limit_seconds)
    job.next_start = workspace.clock() + delay


def end_all(workspace: Workspace, *, seconds: float) -> None:
    """Cancel all running tasks, and wait until they end or the time is up."""
    limit = workspace.clock() + seconds
    running = list(workspace.handles.values())
    for handle in running:
        handle.cancel()
    while any(handle.poll() is None for handle in running) and workspace.clock() < limit:
        time.sleep(0.02)
