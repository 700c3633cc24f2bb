"""Check everything before anything is changed: report every problem of the file and the workspace at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from databricks.sdk import WorkspaceClient
from databricks.sdk.service.compute import NodeType

from infra.workspace.access import principals
from infra.workspace.access.principals import Principal
from infra.workspace.errors import LONGEST, DeploymentError, listed
from infra.workspace.explain import saying
from infra.workspace.job import streaming_job
from infra.workspace.spec import WorkspaceSpec
from infra.workspace.step import Step
from infra.workspace.unity import catalog, external_locations, unity_names
from infra.workspace.unity.unity_names import UnityNames

_THEN = "Nothing was changed: fix this and deploy again"


@dataclass(frozen=True)
class Looked:
    """What was found.

    Attributes:
        wanted: the ids of the principals that get the profile.
        has_disk: whether the node type has its own disks.
        names: the names in Unity Catalog.
        notes: what the deployment goes on in spite of.
        if_denied: what to do where the logs cannot be read in spite of the profile.
    """

    wanted: Mapping[Principal, str]
    has_disk: bool
    names: UnityNames
    notes: tuple[Step, ...] = ()
    if_denied: str = ""


def look(client: WorkspaceClient, spec: WorkspaceSpec) -> Looked:
    """Look at everything that the settings name.

    Raises:
        DeploymentError: something is missing or taken; the message lists all of it.
    """
    problems: list[str] = []
    node = _node_type(client, spec, problems)
    problems += _spark_version(client, spec)
    who = principals.named(spec.principals)
    readers = [Principal("group", name) for name in dict.fromkeys((*spec.job.can_view, *spec.job.can_manage))]
    every = list(dict.fromkeys((*who, *readers)))
    ids = principals.ids(client, every)
    problems += principals.unknown(every, ids)
    names = unity_names.resolve(client, spec)
    problems += catalog.problems(client, names)
    locations = external_locations.look(client, spec, names)
    problems += locations.problems
    problems += streaming_job.problems(client, spec)
    if problems:
        what = f"The workspace {spec.host} cannot take this deployment:"
        room = LONGEST - len(what) - len(_THEN) - len(" . ")
        raise DeploymentError(what, words=listed(problems, room=room), advice=_THEN)
    return Looked(
        wanted={principal: ids[principal] for principal in who},
        has_disk=_has_disk(node),
        names=names,
        notes=(
            *catalog.notes(names, spec.table),
            *(Step("external location", "note", text) for text in locations.notes),
        ),
        if_denied=locations.if_denied,
    )


def has_disk(client: WorkspaceClient, spec: WorkspaceSpec) -> bool:
    """Return whether the node type has its own disks."""
    return _has_disk(_node_type(client, spec, []))


def _spark_version(client: WorkspaceClient, spec: WorkspaceSpec) -> list[str]:
    wanted = spec.cluster.spark_version
    with saying("Looking at the runtimes"):
        offered = sorted(version.key for version in client.clusters.spark_versions().versions or [] if version.key)
    if wanted in offered:
        return []
    lts = [key for key in offered if key.endswith("scala2.13") and "-ml-" not in key and "photon" not in key]
    return [f"the workspace has no runtime {wanted!r} (workspace.cluster.spark_version); it has {_some(lts)}"]


def _node_type(client: WorkspaceClient, spec: WorkspaceSpec, problems: list[str]) -> NodeType | None:
    wanted = spec.cluster.node_type
    with saying("Looking at the node types"):
        offered = {node.node_type_id: node for node in client.clusters.list_node_types().node_types or []}
    if wanted not in offered:
        close = get_close_matches(wanted, list(offered), n=3, cutoff=0.4) or sorted(offered)[:3]
        problems.append(
            f"the workspace has no node type {wanted!r} (workspace.cluster.node_type); similar ones are {_some(close)}"
        )
    return offered.get(wanted)


def _has_disk(node: NodeType | None) -> bool:
    instance = node.node_instance_type if node else None
    # Where the answer does not say, no volume is requested: node types with disks refuse some.
    return instance is None or bool(instance.local_disks or instance.local_nvme_disks)


def _some(names: list[str]) -> str:
    return ", ".join(names[-5:]) or "none"
