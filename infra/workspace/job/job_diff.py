"""Compare a job with the desired settings.

The workspace returns defaults that were not sent, so only the sent settings are compared; that detects every change of
the environment file and every manual edit of those settings. Manual additions that affect a run are detected by name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from databricks.sdk.service.jobs import JobSettings

_CLUSTER = "job_clusters[].new_cluster"
# Settings that are not always sent, by the place of their parent.
_ADDED_BY_HAND = {
    "": (
        "continuous", "schedule", "trigger", "triggers", "git_source", "parameters", "environments", "timeout_seconds",
        "webhook_notifications",
    ),
    "continuous": ("task_retry_mode",),
    "email_notifications": ("on_failure",),
    "tasks[]": (
        "depends_on", "environment_key", "existing_cluster_id", "new_cluster", "timeout_seconds", "disabled",
        "for_each_task", "max_retries", "notebook_task", "spark_python_task", "spark_jar_task", "spark_submit_task",
        "sql_task",
    ),
    "tasks[].python_wheel_task": ("parameters",),
    _CLUSTER: (
        "autoscale", "cluster_log_conf", "docker_image", "driver_instance_pool_id", "init_scripts", "instance_pool_id",
        "num_workers", "policy_id", "spark_conf", "spark_env_vars", "ssh_public_keys",
    ),
}  # fmt: skip
# Maps in which any additional key is a difference.
_WHOLE = ("tasks[].python_wheel_task.named_parameters",)
# Keys of spark_conf that the workspace adds itself.
_SINGLE_NODE = {"spark.master", "spark.databricks.cluster.profile"}
_ALIASES = {"DATA_SECURITY_MODE_DEDICATED": "SINGLE_USER", "NULL": "STANDARD"}


def differences(desired: JobSettings, actual: JobSettings) -> list[str]:
    """Return the places that differ, such as ``tasks[].libraries``; an empty list if the job is up to date."""
    return sorted(set(_compared(desired.as_dict(), actual.as_dict(), "")))


def _compared(desired: Any, actual: Any, place: str) -> Iterator[str]:
    if isinstance(desired, Mapping):
        yield from _maps(desired, actual if isinstance(actual, Mapping) else {}, place)
    elif isinstance(desired, list) and any(isinstance(item, Mapping) for item in desired):
        actual_items = actual if isinstance(actual, list) else []
        if len(desired) != len(actual_items):
            yield place
        for desired_item, actual_item in zip(desired, actual_items, strict=False):
            yield from _compared(desired_item, actual_item, f"{place}[]")
    elif isinstance(desired, list):
        if sorted(desired) != sorted(actual or []):
            yield place
    # A response may omit a default such as 0 or false.
    elif (desired or None) != (_ALIASES.get(str(actual), actual) or None):
        yield place


def _maps(desired: Mapping[str, Any], actual: Mapping[str, Any], place: str) -> Iterator[str]:
    if place == _CLUSTER:
        actual = _with_defaults(actual)
    for key, value in desired.items():
        yield from _compared(value, actual.get(key), f"{place}.{key}" if place else key)
    candidates = actual if place in _WHOLE else _ADDED_BY_HAND.get(place, ())
    for key in candidates:
        if key not in desired and _set_by_hand(key, actual.get(key)):
            yield f"{place}.{key}" if place else key


def _with_defaults(cluster: Mapping[str, Any]) -> dict[str, Any]:
    """Return a cluster with the defaults that a response may omit."""
    defaults = {"driver_node_type_id": cluster.get("node_type_id"), "runtime_engine": "STANDARD"}
    if not cluster.get("num_workers") and not cluster.get("autoscale"):
        # A single node. Whether the response repeats the fields of the request for it is not documented.
        defaults |= {"is_single_node": True, "kind": "CLASSIC_PREVIEW"}
    return {**defaults, **{key: value for key, value in cluster.items() if value is not None}}


def _set_by_hand(key: str, value: Any) -> bool:
    if key == "spark_conf":
        return bool(set(value or {}) - _SINGLE_NODE)
    if key == "task_retry_mode":
        return value not in (None, "NEVER")
    if isinstance(value, Mapping):
        return any(value.values())
    return bool(value)
