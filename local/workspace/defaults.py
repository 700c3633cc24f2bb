"""Settings of jobs and runs as the service returns them, with the values it fills in and leaves out.

Sources: the fake workspace of the Databricks CLI (libs/testserver/jobs.go), and the CLI's list of defaults that the
backend fills in (bundle/direct/dresources/resources.yml).
"""

from __future__ import annotations

from typing import Any

# Settings without their empty lists.
_NOTIFICATIONS = ("email_notifications", "webhook_notifications")
_CLUSTER = {
    "driver_instance_pool_id": "",
    "enable_local_disk_encryption": False,
    "remote_disk_throughput": 0,
    "use_ml_runtime": False,
}
_AWS = {
    "availability": "SPOT_WITH_FALLBACK",
    "ebs_volume_count": 0,
    "first_on_demand": 0,
    "spot_bid_price_percent": 100,
    "zone_id": "us-east-1c",
}
_TASK = {"disabled": False, "health": {}, "max_retries": 0, "min_retry_interval_millis": 0, "retry_on_timeout": False}
_JOB = {
    "edit_mode": "EDITABLE",
    "health": {},
    "parameters": [],
    "performance_target": "PERFORMANCE_OPTIMIZED",
    "queue": {"enabled": True},
}


def with_defaults(settings: dict[str, Any], *, every: bool = False) -> dict[str, Any]:
    """Return settings as ``jobs/get`` returns them.

    Args:
        settings: the settings as they were sent.
        every: whether to fill in every default that clients of the service have observed, and not only certain ones.
    """
    shown = {
        "name": "Untitled",
        "email_notifications": {},
        "webhook_notifications": {},
        "timeout_seconds": 0,
        "max_concurrent_runs": 1,
        "format": "MULTI_TASK",
        **(_JOB if every else {}),
        **_without_nulls(settings),
    }
    for name in _NOTIFICATIONS:
        shown[name] = {key: value for key, value in shown[name].items() if value != []}
    shown["tasks"] = [_task(task, every=every) for task in shown.get("tasks", [])]
    tags = shown.get("tags", {}) if every else {}
    for shared in shown.get("job_clusters", []):
        shared["new_cluster"] = _cluster(shared.get("new_cluster") or {}, tags=tags, every=every)
    for name, defaults in (
        ("continuous", {"pause_status": "UNPAUSED", "task_retry_mode": "NEVER"}),
        ("schedule", {"pause_status": "UNPAUSED"}),
        ("trigger", {"pause_status": "UNPAUSED"}),
    ):
        if name in shown:
            shown[name] = {**defaults, **shown[name]}
    return {key: value for key, value in shown.items() if value != [] or (every and key in _JOB)}


def _task(task: dict[str, Any], *, every: bool) -> dict[str, Any]:
    shown = {
        "run_if": "ALL_SUCCESS",
        "timeout_seconds": 0,
        "email_notifications": {},
        "webhook_notifications": {},
        **(_TASK if every else {}),
        **task,
    }
    wheel = shown.get("python_wheel_task")
    if wheel and wheel.get("named_parameters"):
        # It is not documented whether the service keeps an empty parameter, so a task cannot rely on it.
        named = {name: value for name, value in wheel["named_parameters"].items() if value != ""}
        shown["python_wheel_task"] = {**wheel, "named_parameters": named}
    if "new_cluster" in shown:
        own = {
            "aws_attributes": {"availability": "SPOT_WITH_FALLBACK", "zone_id": "us-east-1c"},
            **shown["new_cluster"],
        }
        shown["new_cluster"] = _cluster(own, tags={}, every=every)
    return shown


def _cluster(cluster: dict[str, Any], *, tags: dict[str, str], every: bool) -> dict[str, Any]:
    shown = {"enable_elastic_disk": False, "num_workers": 0, **cluster}
    shown.pop("apply_policy_default_values", None)  # never returned
    if not is_older_single_node(cluster):
        shown.setdefault("data_security_mode", "SINGLE_USER")
    if every:
        engine = "PHOTON" if cluster.get("kind") == "CLASSIC_PREVIEW" else "STANDARD"
        shown = {**_CLUSTER, "driver_node_type_id": cluster.get("node_type_id", ""), "runtime_engine": engine, **shown}
        shown["aws_attributes"] = {**_AWS, **cluster.get("aws_attributes", {})}
        shown["custom_tags"] = {**tags, **cluster.get("custom_tags", {})}
    if cluster.get("autoscale"):
        del shown["num_workers"]
    if cluster.get("is_single_node"):
        shown["custom_tags"] = {"ResourceClass": "SingleNode", **shown.get("custom_tags", {})}
        shown["spark_conf"] = {
            "spark.databricks.cluster.profile": "singleNode",
            "spark.master": "local[*]",
            **cluster.get("spark_conf", {}),
        }
    return shown


def is_older_single_node(cluster: dict[str, Any]) -> bool:
    """Return whether Spark settings, and not ``is_single_node``, make a cluster a single node."""
    profile = (cluster.get("spark_conf") or {}).get("spark.databricks.cluster.profile")
    return profile == "singleNode" and not cluster.get("is_single_node")


def _without_nulls(value: Any) -> Any:
    """Remove nulls, which mean the same as missing keys."""
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value
