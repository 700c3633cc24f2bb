"""The dashboard of an environment: bring its draft, its publication and its permissions up to date, and remove it."""

from __future__ import annotations

from databricks.sdk import WorkspaceClient

from infra.workspace.dashboard import draft, permissions, publication
from infra.workspace.memory import Memory
from infra.workspace.pace import Pace
from infra.workspace.spec import WorkspaceSpec
from infra.workspace.step import Step, Steps


def bring_up_to_date(
    client: WorkspaceClient, spec: WorkspaceSpec, *, template: str, memory: Memory, done: Steps, pace: Pace
) -> str | None:
    """Create or change the dashboard; without a warehouse in the settings, remove it.

    Args:
        client: client for the workspace.
        spec: the settings.
        template: the template of the dashboard; not used without a warehouse.
        memory: keeps the dashboard's ID and the state of its draft.
        done: the completed steps.
        pace: waits and reports each step.

    Returns:
        The ID of the dashboard; None if there is none.
    """
    if spec.warehouse_id is None:
        if memory.value.dashboard is not None:
            remove(client, spec, memory, done=done, pace=pace)
        return None
    current = draft.bring_up_to_date(client, spec, template=template, memory=memory, sleep=pace.sleep)
    done.add(Step("dashboard", current.outcome, f"{url(spec.host, current.id)}{current.detail}"))
    pace.check()
    done.add(publication.bring_up_to_date(client, current, warehouse_id=spec.warehouse_id))
    pace.check()
    done.add(permissions.bring_up_to_date(client, spec.job, current.id))
    pace.check()
    return current.id


def remove(client: WorkspaceClient, spec: WorkspaceSpec, memory: Memory, *, done: Steps, pace: Pace) -> None:
    """Move the dashboard to the trash, if there is one."""
    if removed := draft.remove(client, spec, memory):
        done.add(Step("dashboard", "removed", url(spec.host, removed)))
    pace.check()


def url(host: str, dashboard_id: str) -> str:
    """Return the URL of the published dashboard."""
    return f"{host}/dashboardsv3/{dashboard_id}/published"
