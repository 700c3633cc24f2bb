"""Where a job differs from the settings that are wanted.

The workspace answers with defaults that nobody sent, so only what we set is compared; that finds every change of ours
and every edit of it by hand. What somebody may add beside it that changes what runs is looked for by name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from databricks.sdk.service.jobs import JobSettings

_CLUSTER = "job_clusters[].new_cluster"
# Settings that we never send, by the place of what they belong to.
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
# Maps in which one key more is a change.
_WHOLE = ("tasks[].python_wheel_task.named_parameters",)
# What the workspace fills in itself among those.
_SINGLE_NODE = {"spark.master", "spark.databricks.cluster.profile"}
_ALIASES = {"DATA_SECURITY_MODE_DEDICATED": "SINGLE_USER", "NULL": "STANDARD"}


def differences(wanted: JobSettings, found: JobSettings) -> list[str]:
    """The places that differ, such as ``tasks[].libraries``; none if the job is as it should be."""
    return sorted(set(_compared(wanted.as_dict(), found.as_dict(), "")))


def _compared(wanted: Any, found: Any, place: str) -> Iterator[str]:
    if isinstance(wanted, Mapping):
        yield from _maps(wanted, found if isinstance(found, Mapping) else {}, place)
    elif isinstance(wanted, list) and any(isinstance(item, Mapping) for item in wanted):
        there = found if isinstance(found, list) else []
        if len(wanted) != len(there):
            yield place
        for one, other in zip(wanted, there, strict=False):
            yield from _compared(one, other, f"{place}[]")
    elif isinstance(wanted, list):
        if sorted(wanted) != sorted(found or []):
            yield place
    # A default such as 0 or false may be left out of an answer.
    elif (wanted or None) != (_ALIASES.get(str(found), found) or None):
        yield place


def _maps(wanted: Mapping[str, Any], found: Mapping[str, Any], place: str) -> Iterator[str]:
    if place == _CLUSTER:
        found = _with_defaults(found)
    for key, value in wanted.items():
        yield from _compared(value, found.get(key), f"{place}.{key}" if place else key)
    looked_for = found if place in _WHOLE else _ADDED_BY_HAND.get(place, ())
    for key in looked_for:
        if key not in wanted and _set_by_hand(key, found.get(key)):
            yield f"{place}.{key}" if place else key


def _with_defaults(cluster: Mapping[str, Any]) -> dict[str, Any]:
    """Return a cluster with what it means where the answer leaves out what equals a default."""
    defaults = {"driver_node_type_id": cluster.get("node_type_id"), "runtime_engine": "STANDARD"}
    if not cluster.get("num_workers") and not cluster.get("autoscale"):
        # A single node, whether the answer repeats by which form it was asked for or not: that is not documented.
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
