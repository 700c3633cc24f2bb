"""Check the settings of jobs and one-time runs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from infra.environment.quartz_times import next_time
from local.workspace.clusters import check_cluster
from local.workspace.errors import invalid
from local.workspace.state import Principal, State

_TASK_LIMIT = 1000
_QUARTZ_FIELDS = (6, 7)


def check_settings(state: State, caller: Principal, settings: dict[str, Any]) -> None:
    """Check what the shape of settings does not cover.

    Raises:
        ApiError: for the first setting that the service does not accept.
    """
    tasks = settings.get("tasks") or []
    if len(tasks) > _TASK_LIMIT:
        raise invalid(f"Too many tasks: {len(tasks)} (max: {_TASK_LIMIT})")
    _check_unique("task_key", [task["task_key"] for task in tasks])
    shared = settings.get("job_clusters") or []
    _check_unique("job_cluster_key", [cluster["job_cluster_key"] for cluster in shared])
    for cluster in shared:
        check_cluster(state, caller, cluster.get("new_cluster") or {})
    for task in tasks:
        _check_task(state, caller, task, settings)
    _check_trigger(settings)
    if settings.get("max_concurrent_runs", 1) not in range(1001):
        raise invalid("max_concurrent_runs must be between 0 and 1000")


def _check_unique(key: str, values: list[str]) -> None:
    for value in values:
        if values.count(value) > 1:
            raise invalid(f"Duplicate {key} '{value}'")


def _check_task(state: State, caller: Principal, task: dict[str, Any], settings: dict[str, Any]) -> None:
    key = task["task_key"]
    shared = [cluster["job_cluster_key"] for cluster in settings.get("job_clusters") or []]
    cluster_key = task.get("job_cluster_key")
    if cluster_key is not None and cluster_key not in shared:
        raise invalid(f"Job cluster '{cluster_key}' is not defined in field 'job_clusters'.")
    if task.get("new_cluster"):
        check_cluster(state, caller, task["new_cluster"])
    elif cluster_key is None and not task.get("existing_cluster_id") and not task.get("environment_key"):
        raise invalid("One of job_cluster_key, new_cluster, or existing_cluster_id must be specified.")
    if not any(name.endswith("_task") and value is not None for name, value in task.items()):
        raise invalid(f"Task '{key}' must have exactly one type of task")
    wheel = task.get("python_wheel_task") or {}
    if wheel.get("parameters") and wheel.get("named_parameters"):
        raise invalid(f"Task '{key}': only one of parameters and named_parameters can be given")
    known = [each["task_key"] for each in settings.get("tasks") or []]
    for needed in task.get("depends_on") or []:
        if needed["task_key"] not in known:
            raise invalid(f"Task '{key}' depends on unknown task '{needed['task_key']}'")


def _check_trigger(settings: dict[str, Any]) -> None:
    given = [name for name in ("schedule", "continuous", "trigger") if settings.get(name) is not None]
    if len(given) > 1:
        raise invalid(f"Only one of schedule, continuous and trigger can be given, not {' and '.join(given)}")
    if settings.get("schedule"):
        expression = settings["schedule"]["quartz_cron_expression"]
        try:
            if len(expression.split()) not in _QUARTZ_FIELDS:
                raise ValueError
            next_time(expression, datetime(2026, 1, 1))
        except ValueError:
            raise invalid(f"Invalid quartz_cron_expression: '{expression}'") from None
    # An empty object also makes a job continuous, because pause_status has a default.
    if settings.get("continuous") is not None:
        if settings.get("max_concurrent_runs", 1) != 1:
            raise invalid("A continuous job can have only one concurrent run: max_concurrent_runs must be 1")
        for task in settings.get("tasks") or []:
            if task.get("depends_on") or task.get("max_retries"):
                raise invalid("A continuous job can have neither task dependencies nor a retry policy")
