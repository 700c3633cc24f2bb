"""Check the settings against the workspace before anything is changed, and report all problems at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from databricks.sdk import WorkspaceClient
from databricks.sdk.service.compute import NodeType

from infra.workspace.access import principals
from infra.workspace.access.principals import Principal
from infra.workspace.dashboard import warehouse
from infra.workspace.errors import LONGEST, DeploymentError, listed
from infra.workspace.explain import explaining
from infra.workspace.job import deployed_job
from infra.workspace.job.job_kind import MAINTENANCE, STREAMING
from infra.workspace.spec import WorkspaceSpec
from infra.workspace.step import Step
from infra.workspace.unity import catalog, external_locations, unity_names
from infra.workspace.unity.unity_names import UnityNames

_THEN = "Nothing was changed. Fix this and deploy again"


@dataclass(frozen=True)
class Preflight:
    """The results of the checks.

    Attributes:
        grantee_ids: IDs of the principals to which the profile is granted.
        has_disk: the node type of the streaming job has local disks.
        maintenance_has_disk: the node type of the maintenance job has local disks.
        names: the names in Unity Catalog.
        notes: observations that do not stop the deployment.
        if_denied: advice if the logs cannot be read despite the profile.
    """

    grantee_ids: Mapping[Principal, str]
    has_disk: bool
    maintenance_has_disk: bool
    names: UnityNames
    notes: tuple[Step, ...] = ()
    if_denied: str = ""


def check(client: WorkspaceClient, spec: WorkspaceSpec) -> Preflight:
    """Check that everything the settings name exists and can be used.

    Raises:
        DeploymentError: a resource is missing or a name is taken; the message lists all problems.
    """
    problems: list[str] = []
    offered = _node_types(client)
    problems += _node_type_problems(offered, spec.cluster.node_type, key="workspace.cluster.node_type")
    if spec.maintenance and spec.maintenance.cluster.node_type != spec.cluster.node_type:
        problems += _node_type_problems(offered, spec.maintenance.cluster.node_type, key="maintenance.node_type")
    problems += _spark_version(client, spec)
    grantees = principals.named(spec.principals)
    job_groups = [Principal("group", name) for name in dict.fromkeys((*spec.job.can_view, *spec.job.can_manage))]
    all_principals = list(dict.fromkeys((*grantees, *job_groups)))
    ids = principals.ids(client, all_principals)
    problems += principals.unknown(all_principals, ids)
    names = unity_names.resolve(client, spec)
    problems += catalog.problems(client, names)
    locations = external_locations.check(client, spec, names)
    problems += locations.problems
    problems += deployed_job.problems(client, spec, STREAMING)
    if spec.maintenance:
        problems += deployed_job.problems(client, spec, MAINTENANCE)
    if spec.warehouse_id is not None:
        problems += warehouse.problems(client, spec.warehouse_id)
    if problems:
        what = f"The workspace {spec.host} does not meet the requirements of this deployment:"
        room = LONGEST - len(what) - len(_THEN) - len(" . ")
        raise DeploymentError(what, detail=listed(problems, room=room), advice=_THEN)
    return Preflight(
        grantee_ids={principal: ids[principal] for principal in grantees},
        has_disk=_has_disk(offered.get(spec.cluster.node_type)),
        maintenance_has_disk=_has_disk(offered.get((spec.maintenance or spec).cluster.node_type)),
        names=names,
        notes=(
            *catalog.notes(names, spec.table),
            *(Step("external location", "note", text) for text in locations.notes),
        ),
        if_denied=locations.if_denied,
    )


def has_disk(client: WorkspaceClient, spec: WorkspaceSpec) -> bool:
    """Return whether the node type of the streaming job has local disks."""
    return _has_disk(_node_types(client).get(spec.cluster.node_type))


def _spark_version(client: WorkspaceClient, spec: WorkspaceSpec) -> list[str]:
    runtime = spec.cluster.spark_version
    with explaining("Listing the runtimes"):
        offered = sorted(version.key for version in client.clusters.spark_versions().versions or [] if version.key)
    if runtime in offered:
        return []
    lts = [key for key in offered if key.endswith("scala2.13") and "-ml-" not in key and "photon" not in key]
    return [f"the workspace has no runtime {runtime!r} (workspace.cluster.spark_version); it has {_some(lts)}"]


def _node_types(client: WorkspaceClient) -> dict[str, NodeType]:
    with explaining("Listing the node types"):
        return {node.node_type_id: node for node in client.clusters.list_node_types().node_types or []}


def _node_type_problems(offered: Mapping[str, NodeType], name: str, *, key: str) -> list[str]:
    if name in offered:
        return []
    close = get_close_matches(name, list(offered), n=3, cutoff=0.4) or sorted(offered)[:3]
    return [f"the workspace has no node type {name!r} ({key}); similar ones are {_some(close)}"]


def _has_disk(node: NodeType | None) -> bool:
    instance = node.node_instance_type if node else None
    # If the response has no disk information, request no volume: some node types with disks reject one.
    return instance is None or bool(instance.local_disks or instance.local_nvme_disks)


def _some(names: list[str]) -> str:
    return ", ".join(names[-5:]) or "none"
