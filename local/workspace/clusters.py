"""Runtimes, node types, and the service's checks of a cluster's settings."""

from __future__ import annotations

from typing import Any

from local.workspace import profiles
from local.workspace.context import Workspace
from local.workspace.defaults import is_older_single_node
from local.workspace.errors import denied, invalid
from local.workspace.exchange import Request
from local.workspace.route import Route
from local.workspace.state import Principal, State


def check_cluster(state: State, caller: Principal, cluster: dict[str, Any]) -> None:
    """Check a new cluster's settings as the service does when a job is created or a run is submitted.

    Raises:
        ApiError: for the first setting that the workspace does not accept.
    """
    version, node = cluster.get("spark_version", ""), cluster.get("node_type_id")
    if version not in state.spark_versions:
        raise invalid(f"Invalid spark version {version}.")
    policy = cluster.get("policy_id")
    if policy is not None and policy not in state.policies:
        raise invalid(f"Can't find a cluster policy with id: {policy}.")
    if node is None and not cluster.get("instance_pool_id"):
        raise invalid("Missing required field 'node_type_id'")
    for name in (node, cluster.get("driver_node_type_id")):
        if name is not None and name not in state.node_types:
            raise invalid(f"Node type {name} is not supported. Supported node types: {', '.join(state.node_types)}")
    _check_size(cluster)
    arn = (cluster.get("aws_attributes") or {}).get("instance_profile_arn")
    if arn is not None:
        _check_profile(state, caller, arn)


def _check_size(cluster: dict[str, Any]) -> None:
    if cluster.get("is_single_node"):
        if cluster.get("kind") != "CLASSIC_PREVIEW":
            raise invalid("is_single_node can only be used with kind CLASSIC_PREVIEW")
        return
    old_single_node = is_older_single_node(cluster)
    if old_single_node and cluster.get("data_security_mode") not in (None, "NONE"):
        # databricks-sdk-py issue 881
        raise invalid("spark.databricks.cluster.profile is not allowed when choosing an access mode")
    if not cluster.get("autoscale") and not cluster.get("num_workers") and not old_single_node:
        raise invalid("NumWorkers could be 0 only for SingleNode clusters.")


def _check_profile(state: State, caller: Principal, arn: str) -> None:
    # The service's wording of these two messages is not published.
    if arn not in state.instance_profiles:
        raise invalid(f"The instance profile {arn} is not registered in this workspace.")
    if not profiles.may_use(state, caller, arn):
        raise denied(f"{caller.name} is not authorized to use the instance profile {arn}.")


def _spark_versions(workspace: Workspace, _request: Request) -> dict[str, Any]:
    return {"versions": [{"key": key, "name": name} for key, name in workspace.state.spark_versions.items()]}


def _node_types(workspace: Workspace, _request: Request) -> dict[str, Any]:
    return {"node_types": list(workspace.state.node_types.values())}


_API = "/api/2.1/clusters"
ROUTES = (
    Route("GET", f"{_API}/spark-versions", _spark_versions),
    Route("GET", f"{_API}/list-node-types", _node_types),
)
