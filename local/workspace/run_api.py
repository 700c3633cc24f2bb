"""Runs: run-now, submit, get, list, get-output, cancel."""

from __future__ import annotations

from typing import Any

from databricks.sdk.service.jobs import JobsAPI

from local.workspace import job_permissions, jobs, run_progress
from local.workspace.context import Workspace
from local.workspace.defaults import with_defaults
from local.workspace.errors import invalid
from local.workspace.exchange import Request
from local.workspace.job_settings import check_settings
from local.workspace.paging import page_of
from local.workspace.route import Route
from local.workspace.run_state import Run, TaskRun
from local.workspace.run_view import run_document
from local.workspace.shape import of_method

_TOKEN_LIMIT = 64
# The maximum length of a task's output in get-output.
_OUTPUT_LIMIT = 5 * 1024 * 1024


def _run_now(workspace: Workspace, request: Request) -> dict[str, Any]:
    """Start a run of a job immediately; return the earlier run if the idempotency token was used before."""
    body = dict(request.body)
    token = _token(body)
    job = jobs.managed_job(workspace.state, request.caller, body.pop("job_id"), levels=job_permissions.STARTING)
    if body:
        raise invalid(f"Only job_id and idempotency_token are supported here, not {', '.join(sorted(body))}")
    known = workspace.state.idempotency_tokens
    if token in known:
        run, _ = find_run(workspace, known[token])
    else:
        run = run_progress.new_run(workspace, job, trigger="ONE_TIME", creator=request.caller.name)
    if token:
        known[token] = run.run_id
    return {"run_id": run.run_id, "number_in_job": run.number}


def _submit(workspace: Workspace, request: Request) -> dict[str, Any]:
    """Start a one-time run; return the earlier run if the idempotency token was used before."""
    state, body = workspace.state, dict(request.body)
    body.pop("access_control_list", None)
    token = _token(body)
    if token in state.idempotency_tokens:
        run_id = state.idempotency_tokens[token]
        if run_id not in state.runs:
            raise invalid(f"The run with the provided idempotency token, {run_id}, was deleted")
        return {"run_id": run_id}
    if not body.get("tasks"):
        raise invalid("Missing required field 'tasks'")
    check_settings(state, request.caller, body)
    settings = with_defaults(body, every=workspace.behavior.every_default)
    run = run_progress.one_time_run(workspace, settings, creator=request.caller.name)
    run.name = body.get("run_name") or "Untitled"
    if token:
        state.idempotency_tokens[token] = run.run_id
    return {"run_id": run.run_id}


def _token(body: dict[str, Any]) -> str:
    token = str(body.pop("idempotency_token", None) or "")
    if len(token) > _TOKEN_LIMIT:
        raise invalid(f"idempotency_token must have at most {_TOKEN_LIMIT} characters")
    return token


def _get(workspace: Workspace, request: Request) -> dict[str, Any]:
    """Return a run; for the ID of a task run, the run with this task only."""
    run, task = find_run(workspace, request.number("run_id"))
    document = run_document(workspace, run, expand=True)
    if task is None:
        return document
    (shown,) = [each for each in document["tasks"] if each["run_id"] == task.run_id]
    return document | {key: shown[key] for key in ("run_id", "state", "status", "run_page_url")} | {"tasks": [shown]}


def _list(workspace: Workspace, request: Request) -> dict[str, Any]:
    """List runs, newest first."""
    if request.switch("active_only") and request.switch("completed_only"):
        raise invalid("active_only and completed_only cannot both be true")
    matching = [run for run in workspace.state.runs.values() if _matches(workspace, request, run)]
    matching.sort(key=lambda run: -run.run_id)
    page, following = page_of(request, matching, size="limit", default=20, most=25)
    expand = request.switch("expand_tasks")
    runs = [run_document(workspace, run, expand=expand) for run in page]
    return {"has_more": bool(following), **({"runs": runs} if runs else {}), **following}


def _matches(workspace: Workspace, request: Request, run: Run) -> bool:
    job_id, run_type = request.number("job_id", 0), request.query.get("run_type", run.run_type)
    # The list omits the runs of deleted jobs.
    if run.run_type == "JOB_RUN" and run.job_id not in workspace.state.jobs:
        return False
    if not workspace.behavior.filters:
        return True
    return (
        job_id in (0, run.job_id)
        and run_type == run.run_type
        and not (request.switch("active_only") and run.ended)
        and not (request.switch("completed_only") and not run.ended)
        and run.start_time >= request.number("start_time_from", 0)
        and run.start_time <= request.number("start_time_to", run.start_time)
    )


def _get_output(workspace: Workspace, request: Request) -> dict[str, Any]:
    """Return a task's output and its error, by the ID of the task run."""
    run, task = find_run(workspace, request.number("run_id"))
    if task is None:
        raise invalid(
            "Retrieving the output of runs with multiple tasks is not supported."
            " Please retrieve the output of each individual task run instead."
        )
    run_progress.note_output(workspace, task)
    document = run_document(workspace, run, expand=True)
    (metadata,) = [each for each in document["tasks"] if each["run_id"] == task.run_id]
    metadata = {**metadata, "job_id": run.job_id, "run_name": run.name}
    return {"metadata": metadata, **_written(task, with_logs=workspace.behavior.logs_of_failures)}


def _written(task: TaskRun, *, with_logs: bool) -> dict[str, Any]:
    """Return the last 5 MB of a task's output, as the service does (jobs/runs/get-output), and its error."""
    printed, error, trace = task.output, task.error, task.trace
    answer: dict[str, Any] = {"logs": printed[-_OUTPUT_LIMIT:], "logs_truncated": len(printed) > _OUTPUT_LIMIT}
    if error and not with_logs:
        answer, trace = {}, trace or error
        error = error.strip().splitlines()[-1]
    return answer | ({"error": error} if error else {}) | ({"error_trace": trace} if trace else {})


def _cancel(workspace: Workspace, request: Request) -> dict[str, Any]:
    """Request the end of a run, which ends some time later; do nothing if it has ended."""
    run, _ = find_run(workspace, request.body["run_id"])
    run_progress.cancel(run)
    return {}


def _cancel_all(workspace: Workspace, request: Request) -> dict[str, Any]:
    job_id = request.body.get("job_id")
    if job_id is None:
        raise invalid("Missing required field 'job_id'")
    run_progress.cancel_all(workspace.state, job_id)
    return {}


def find_run(workspace: Workspace, run_id: int) -> tuple[Run, TaskRun | None]:
    """Return the run with this ID, or the task run with this ID and its run.

    Raises:
        ApiError: if there is neither.
    """
    state = workspace.state
    if run_id in state.runs:
        return state.runs[run_id], None
    for run in state.runs.values():
        for task in run.tasks:
            if task.run_id == run_id:
                return run, task
    raise invalid(f"Run {run_id} does not exist.")


_API = "/api/2.2/jobs"
ROUTES = (
    Route("POST", f"{_API}/run-now", _run_now, shape=of_method(JobsAPI.run_now)),
    Route("POST", f"{_API}/runs/submit", _submit, shape=of_method(JobsAPI.submit)),
    Route("GET", f"{_API}/runs/get", _get),
    Route("GET", f"{_API}/runs/list", _list),
    Route("GET", f"{_API}/runs/get-output", _get_output),
    Route("POST", f"{_API}/runs/cancel", _cancel, shape=of_method(JobsAPI.cancel_run)),
    Route("POST", f"{_API}/runs/cancel-all", _cancel_all, shape=of_method(JobsAPI.cancel_all_runs)),
)
