"""Runs as ``runs/get`` and ``runs/list`` return them, with the older ``state`` and the newer ``status``."""

from __future__ import annotations

from typing import Any

from local.workspace.context import WORKSPACE_ID, Workspace
from local.workspace.run_state import Run, TaskRun

_SKIPPED_RESULT = "MAXIMUM_CONCURRENT_RUNS_REACHED"
# Termination types other than CLIENT_ERROR.
_TYPES = {"SUCCESS": "SUCCESS", "CLUSTER_ERROR": "CLOUD_FAILURE", "INTERNAL_ERROR": "INTERNAL_ERROR"}


def run_document(workspace: Workspace, run: Run, *, expand: bool) -> dict[str, Any]:
    """Return a run as the API returns it.

    Args:
        workspace: the workspace; its host is part of the run's link.
        run: the run.
        expand: whether to include tasks and clusters.
    """
    life_cycle = _life_cycle(run)
    result, message, code = _result(run)
    document: dict[str, Any] = {
        "job_id": run.job_id,
        "run_id": run.run_id,
        "number_in_job": run.number,
        "original_attempt_run_id": run.run_id,
        "creator_user_name": run.creator,
        "run_name": run.name,
        "run_type": run.run_type,
        "run_page_url": f"{workspace.host}/jobs/{run.job_id}/runs/{run.run_id}?o={WORKSPACE_ID}",
        "format": "MULTI_TASK",
        "trigger": run.trigger,
        "start_time": run.start_time,
        "end_time": run.end_time,
        "run_duration": max(run.end_time - run.start_time, 0),
        "setup_duration": 0,
        "execution_duration": 0,
        "cleanup_duration": 0,
        **_states(life_cycle, result, message, code),
    }
    if expand:
        document["tasks"] = [_task_document(workspace, run, task) for task in run.tasks]
        if run.job_clusters:
            document["job_clusters"] = run.job_clusters
    return document


def _task_document(workspace: Workspace, run: Run, task: TaskRun) -> dict[str, Any]:
    return {
        **task.task,
        "run_id": task.run_id,
        "attempt_number": task.attempt,
        "run_page_url": f"{workspace.host}/jobs/{run.job_id}/runs/{task.run_id}?o={WORKSPACE_ID}",
        "start_time": task.start_time,
        "end_time": task.end_time,
        "setup_duration": 0,
        "execution_duration": max(task.end_time - task.start_time, 0),
        "cleanup_duration": 0,
        "cluster_instance": {"cluster_id": f"0101-000000-{task.run_id}"},
        **_states(task.life_cycle, task.result, task.message, task.code),
    }


def _states(life_cycle: str, result: str | None, message: str, code: str | None) -> dict[str, Any]:
    state: dict[str, Any] = {
        "life_cycle_state": life_cycle,
        "state_message": message,
        "user_cancelled_or_timedout": result in ("CANCELED", "TIMEDOUT"),
    }
    if result is not None:
        state["result_state"] = result
    # The newer status has fewer states; its details show how a run ended.
    ended = life_cycle in ("TERMINATED", "SKIPPED", "INTERNAL_ERROR")
    status: dict[str, Any] = {"state": "TERMINATED" if ended else life_cycle}
    if ended and code is not None:
        kind = _TYPES.get(code, "CLIENT_ERROR")
        status["termination_details"] = {"code": code, "type": kind, "message": message}
    return {"state": state, "status": status}


def _life_cycle(run: Run) -> str:
    states = [task.life_cycle for task in run.latest]
    if run.skipped:
        return "SKIPPED"
    if run.ended:
        # A failed task ends its run in this state, too, as Databricks measured for its CLI (libs/testserver/jobs.go).
        failed = "INTERNAL_ERROR" in states or any(task.result == "FAILED" for task in run.latest)
        return "INTERNAL_ERROR" if failed else "TERMINATED"
    if run.cancelling or "TERMINATING" in states:
        return "TERMINATING"
    started = any(state not in ("PENDING", "BLOCKED") for state in states)
    return "RUNNING" if started else "PENDING"


def _result(run: Run) -> tuple[str | None, str, str | None]:
    """Return a run's result, message and code, which are those of the first task that did not succeed."""
    if run.skipped:
        return _SKIPPED_RESULT, run.skipped, "MAX_CONCURRENT_RUNS_EXCEEDED"
    if not run.ended:
        return None, "In run" if _life_cycle(run) == "RUNNING" else "", None
    bad = [task for task in run.latest if task.result not in ("SUCCESS", "UPSTREAM_FAILED")]
    if not bad:
        return "SUCCESS", "", "SUCCESS"
    first = bad[0]
    if first.result == "CANCELED":
        return "CANCELED", first.message, first.code
    message = f"Task {first.task['task_key']} failed with message: {first.message}."
    return first.result, message, first.code
