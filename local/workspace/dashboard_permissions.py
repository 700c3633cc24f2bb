"""Permissions on dashboards. In contrast to a job, a dashboard needs no owner."""

from __future__ import annotations

from typing import Any

from databricks.sdk.service.iam import PermissionsAPI

from local.workspace.context import Workspace
from local.workspace.errors import invalid, not_found
from local.workspace.exchange import Request
from local.workspace.job_permissions import entry_of, permission_of
from local.workspace.route import Route
from local.workspace.shape import of_method
from local.workspace.state import ADMINS, Dashboard, State

_LEVELS = ("CAN_READ", "CAN_RUN", "CAN_EDIT", "CAN_MANAGE")


def _get(workspace: Workspace, request: Request) -> dict[str, Any]:
    return _document(workspace.state, _dashboard(workspace, request))


def _set(workspace: Workspace, request: Request) -> dict[str, Any]:
    """Replace the direct permissions on a dashboard."""
    dashboard = _dashboard(workspace, request)
    permissions = [permission_of(workspace.state, each) for each in request.body.get("access_control_list") or []]
    for permission in permissions:
        if permission.level not in _LEVELS:
            raise invalid(f"{permission.level} is not a valid permission level of a dashboard")
    dashboard.permissions = list({(each.key, each.name): each for each in permissions}.values())
    return _document(workspace.state, dashboard)


def _dashboard(workspace: Workspace, request: Request) -> Dashboard:
    dashboard = workspace.state.dashboards.get(request.params["dashboard_id"])
    if dashboard is None:
        raise not_found(f"Dashboard {request.params['dashboard_id']} does not exist.")
    return dashboard


def _document(state: State, dashboard: Dashboard) -> dict[str, Any]:
    entries = [entry_of(state, permission) for permission in dashboard.permissions]
    from_above = {"permission_level": "CAN_MANAGE", "inherited": True, "inherited_from_object": ["/directories/"]}
    entries.append({"group_name": ADMINS, "all_permissions": [from_above]})
    return {
        "object_id": f"/dashboards/{dashboard.dashboard_id}",
        "object_type": "dashboard",
        "access_control_list": entries,
    }


_PATH = "/api/2.0/permissions/dashboards/{dashboard_id}"
_IN_THE_PATH = ("request_object_type", "request_object_id")
ROUTES = (
    Route("GET", _PATH, _get),
    Route("PUT", _PATH, _set, shape=of_method(PermissionsAPI.set, but=_IN_THE_PATH)),
)
