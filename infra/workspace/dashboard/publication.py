"""The published dashboard: a copy of the draft that viewers open."""

from __future__ import annotations

import re

from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import NotFound
from databricks.sdk.service.dashboards import Dashboard, PublishedDashboard

from infra.workspace.dashboard.draft import Draft
from infra.workspace.explain import explaining
from infra.workspace.step import Step

STEP = "publication of the dashboard"


def bring_up_to_date(client: WorkspaceClient, draft: Draft, *, warehouse_id: str) -> Step:
    """Publish the draft unless the published dashboard equals it.

    Viewers query with their own permissions. The request always sets ``embed_credentials``, because the service
    otherwise embeds the credentials of the deployment.
    """
    with explaining(f"Publishing the dashboard {draft.id}"):
        published = find(client, draft.id)
        # After a write, a read can return an older state.
        current = published is not None and _is_up_to_date(published, draft.dashboard, warehouse_id)
        if current and draft.outcome == "unchanged":
            return Step(STEP, "unchanged")
        client.lakeview.publish(draft.id, embed_credentials=False, warehouse_id=warehouse_id)
        return Step(STEP, "created" if published is None else "updated")


def find(client: WorkspaceClient, dashboard_id: str) -> PublishedDashboard | None:
    """Return the published dashboard; None if it is not published."""
    try:
        return client.lakeview.get_published(dashboard_id)
    except NotFound:
        return None


def _is_up_to_date(published: PublishedDashboard, draft: Dashboard, warehouse_id: str) -> bool:
    return (
        not published.embed_credentials
        and published.warehouse_id == warehouse_id
        and _sortable(published.revision_create_time) >= _sortable(draft.update_time)
    )


def _sortable(moment: str | None) -> str:
    """Return a time in UTC, such as ``2026-03-08T10:00:00.5Z``, with nine decimal places, so that texts compare."""
    seconds, _, fraction = re.sub(r"Z$", "", moment or "").partition(".")
    return f"{seconds}.{fraction.ljust(9, '0')}"
