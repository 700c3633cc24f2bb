"""The draft of the dashboard: find it, create it, overwrite it, and move it to the trash.

The dashboard is in the folder of the environment, where only admins can create objects. The deployment recognizes it
by its ID, which the memory keeps, and by its path, if a call ended before it kept the ID. The text that the service
returns differs from the text that was sent, so the deployment compares the draft's etag with the one that it
remembers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import NotFound
from databricks.sdk.errors.base import DatabricksError
from databricks.sdk.service.dashboards import Dashboard, LifecycleState
from databricks.sdk.service.workspace import ObjectType

from infra.workspace.dashboard.template import filled
from infra.workspace.explain import explaining
from infra.workspace.memory import Memory, RememberedDashboard
from infra.workspace.spec import WorkspaceSpec
from infra.workspace.step import Outcome

ATTEMPTS = 10
"""Number of times that a dashboard with the name is looked up, after the service reports that the name is taken."""

_PAUSE_SECONDS = 2.0


@dataclass(frozen=True)
class Draft:
    """The draft after a deployment.

    Attributes:
        dashboard: The draft as the service returned it.
        outcome: The result of the deployment.
        detail: More about the result; empty if it is as usual.
    """

    dashboard: Dashboard
    outcome: Outcome
    detail: str = ""

    @property
    def id(self) -> str:
        """The ID of the dashboard."""
        return self.dashboard.dashboard_id or ""


def name_of(spec: WorkspaceSpec) -> str:
    """Return the name of an environment's dashboard."""
    return f"VPC flow logs {spec.environment}"


def path_of(spec: WorkspaceSpec) -> str:
    """Return the path of an environment's dashboard in the workspace."""
    return f"{spec.folder}/{name_of(spec)}.lvdash.json"


def find(client: WorkspaceClient, spec: WorkspaceSpec, memory: Memory) -> Dashboard | None:
    """Return the dashboard of an environment; None if there is none or it is in the trash."""
    remembered = memory.value.dashboard
    with explaining("Looking for the dashboard"):
        found = _active(client, remembered.id) if remembered and remembered.id else None
        return found or _at_its_path(client, spec)


def bring_up_to_date(
    client: WorkspaceClient, spec: WorkspaceSpec, *, template: str, memory: Memory, sleep: Callable[[float], None]
) -> Draft:
    """Create the draft, or overwrite it if it differs.

    Args:
        client: client for the workspace.
        spec: the settings, with a warehouse.
        template: the template of the document.
        memory: keeps the dashboard's ID and the state of its draft.
        sleep: pauses for a number of seconds.
    """
    document = filled(template, spec.table)
    found = find(client, spec, memory)
    if found is not None:
        return _overwrite(client, spec, found, document, memory)
    gone = " (the former one is gone or in the trash)" if memory.value.dashboard and memory.value.dashboard.id else ""
    memory.update(dashboard=RememberedDashboard())
    try:
        with explaining(f"Creating the dashboard {path_of(spec)}"):
            created = client.lakeview.create(_desired(spec, document, spec.folder))
    except Exception as error:
        # The response to an earlier request was lost, and the service may not show the dashboard yet.
        taken = isinstance(error.__cause__, DatabricksError) and "already exists" in str(error.__cause__)
        found = _awaited(client, spec, sleep) if taken else None
        if found is None:
            raise
        return Draft(_overwrite(client, spec, found, document, memory).dashboard, "created")
    _remember(memory, created, document)
    return Draft(created, "created", gone)


def remove(client: WorkspaceClient, spec: WorkspaceSpec, memory: Memory) -> str | None:
    """Move the dashboard to the trash, which ends its publication; return its ID, or None if there is none."""
    found = find(client, spec, memory)
    if found is not None:
        with explaining(f"Removing the dashboard {found.dashboard_id}"), suppress(NotFound):
            client.lakeview.trash(found.dashboard_id or "")
    memory.update(dashboard=None)
    return found.dashboard_id if found else None


def _overwrite(client: WorkspaceClient, spec: WorkspaceSpec, found: Dashboard, document: str, memory: Memory) -> Draft:
    """Overwrite a draft that differs from the settings, or that somebody changed since the last deployment."""
    remembered = memory.value.dashboard or RememberedDashboard()
    known = remembered.id == found.dashboard_id and remembered.etag is not None
    by_hand = known and (remembered.etag != found.etag or found.display_name != name_of(spec))
    if known and not by_hand and remembered.digest == _digest(document) and found.warehouse_id == spec.warehouse_id:
        return Draft(found, "unchanged")
    # Without an etag until the response is there, so that this change is not taken for somebody else's.
    memory.update(dashboard=RememberedDashboard(id=found.dashboard_id))
    with explaining(f"Updating the dashboard {found.dashboard_id}"):
        # The service clears the keys that a request leaves out, and a folder cannot change.
        updated = client.lakeview.update(
            found.dashboard_id or "", _desired(spec, document, found.parent_path or spec.folder)
        )
    _remember(memory, updated, document)
    return Draft(updated, "updated", " (overwrote changes that were made by hand)" if by_hand else "")


def _desired(spec: WorkspaceSpec, document: str, folder: str) -> Dashboard:
    return Dashboard(
        display_name=name_of(spec),
        parent_path=folder,
        serialized_dashboard=document,
        warehouse_id=spec.warehouse_id,
    )


def _remember(memory: Memory, draft: Dashboard, document: str) -> None:
    memory.update(dashboard=RememberedDashboard(draft.dashboard_id, draft.etag, _digest(document)))


def _digest(document: str) -> str:
    return hashlib.sha256(document.encode()).hexdigest()[:16]


def _active(client: WorkspaceClient, dashboard_id: str) -> Dashboard | None:
    try:
        found = client.lakeview.get(dashboard_id)
    except NotFound:
        return None
    return None if found.lifecycle_state == LifecycleState.TRASHED else found


def _at_its_path(client: WorkspaceClient, spec: WorkspaceSpec) -> Dashboard | None:
    try:
        item = client.workspace.get_status(path_of(spec))
    except NotFound:
        return None
    return _active(client, item.resource_id or "") if item.object_type == ObjectType.DASHBOARD else None


def _awaited(client: WorkspaceClient, spec: WorkspaceSpec, sleep: Callable[[float], None]) -> Dashboard | None:
    with explaining("Looking for the dashboard"):
        for _ in range(ATTEMPTS):
            if found := _at_its_path(client, spec):
                return found
            sleep(_PAUSE_SECONDS)
    return None
