"""AI/BI dashboards (Lakeview): drafts, publications, and the trash.

Where Databricks' own fake workspace differs from what its CLI has recorded on a real workspace, this follows the
recordings: a name can be taken only once, and a publication embeds the caller's credentials unless the request
rules that out.
"""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

from databricks.sdk.service.dashboards import Dashboard as Body
from databricks.sdk.service.dashboards import LakeviewAPI

from local.workspace.context import Workspace, now_ms
from local.workspace.errors import ApiError, exists, invalid, not_found
from local.workspace.exchange import Request
from local.workspace.files import tree_path
from local.workspace.job_permissions import key_of
from local.workspace.paging import page_of
from local.workspace.route import Route
from local.workspace.shape import of_class, of_method
from local.workspace.state import Dashboard, Permission, State, WorkspaceObject

_TRASH = "/Users/{caller}/Trash"


def _create(workspace: Workspace, request: Request) -> dict[str, Any]:
    """Create a draft. The catalog and schema of the query parameters are not supported here."""
    state, body = workspace.state, request.body
    parent = tree_path(body.get("parent_path") or f"/Users/{request.caller.name}")
    folder = state.objects.get(parent)
    if folder is None or folder.object_type != "DIRECTORY":
        raise not_found(f"Path ({parent}) doesn't exist.")
    name = body.get("display_name") or "New Dashboard"
    dashboard = Dashboard(
        dashboard_id=f"{state.new_id():032x}",
        display_name=name,
        parent_path=parent,
        content=_canonical(body.get("serialized_dashboard") or "{}"),
        warehouse_id=body.get("warehouse_id") or "",
        created=_now(),
        updated=_now(),
        permissions=[Permission(key_of(request.caller), request.caller.name, "CAN_MANAGE")],
    )
    _put_into_the_tree(state, dashboard)
    state.dashboards[dashboard.dashboard_id] = dashboard
    _hide(workspace, dashboard, None)
    return _document(dashboard)


def _get(workspace: Workspace, request: Request) -> dict[str, Any]:
    """Return a draft. Right after a write, a workspace may return the former state."""
    dashboard = _known(workspace, request)
    if dashboard.stale_reads:
        dashboard.stale_reads -= 1
        if dashboard.former is None:
            raise _missing(request)
        return dashboard.former
    return _document(dashboard)


def _update(workspace: Workspace, request: Request) -> dict[str, Any]:
    """Change a draft. The warehouse is cleared if the request leaves it out."""
    dashboard, body = _draft(workspace, request), request.body
    former = _document(dashboard)
    if body.get("etag") not in (None, str(dashboard.etag)):
        raise ApiError(409, "ABORTED", "The dashboard was modified since it was read")
    if body.get("parent_path") and tree_path(body["parent_path"]) != dashboard.parent_path:
        raise invalid("The parent_path of a dashboard cannot be changed")
    content = _canonical(body["serialized_dashboard"]) if body.get("serialized_dashboard") else dashboard.content
    name = body.get("display_name") or dashboard.display_name
    if name != dashboard.display_name:
        old = dashboard.path
        dashboard.display_name = name
        _put_into_the_tree(workspace.state, dashboard)
        del workspace.state.objects[old]
    if content != dashboard.content or workspace.behavior.etag_counts_every_write:
        dashboard.etag += 1
    dashboard.content = content
    dashboard.warehouse_id = body.get("warehouse_id") or ""
    dashboard.updated = _now()
    _hide(workspace, dashboard, former)
    return _document(dashboard)


def _trash(workspace: Workspace, request: Request) -> dict[str, Any]:
    """Move a dashboard to the trash, which ends its publication. Its name is free then."""
    dashboard = _known(workspace, request)
    if not dashboard.trashed:
        former = _document(dashboard)
        del workspace.state.objects[dashboard.path]
        dashboard.trashed = _TRASH.format(caller=request.caller.name)
        dashboard.published = None
        _hide(workspace, dashboard, former)
    return {}


def _list(workspace: Workspace, request: Request) -> dict[str, Any]:
    """List the drafts, without the keys that the service leaves out."""
    shown = [each for each in workspace.state.dashboards.values() if request.switch("show_trashed") or not each.trashed]
    page, following = page_of(request, shown, size="page_size", default=20, most=1000)
    keys = ("dashboard_id", "display_name", "lifecycle_state", "create_time", "warehouse_id")
    documents = [{key: value for key, value in _document(each).items() if key in keys} for each in page]
    return {**({"dashboards": documents} if documents else {}), **following}


def _publish(workspace: Workspace, request: Request) -> dict[str, Any]:
    dashboard = _draft(workspace, request)
    embeds = request.body.get("embed_credentials")
    dashboard.published = {
        "display_name": dashboard.display_name,
        "embed_credentials": embeds is None or embeds,
        "revision_create_time": _now(),
        "warehouse_id": request.body.get("warehouse_id") or dashboard.warehouse_id,
    }
    dashboard.published_content = dashboard.content
    return dashboard.published


def _get_published(workspace: Workspace, request: Request) -> dict[str, Any]:
    return _published(workspace, request)


def _unpublish(workspace: Workspace, request: Request) -> dict[str, Any]:
    _published(workspace, request)
    workspace.state.dashboards[request.params["dashboard_id"]].published = None
    return {}


def _published(workspace: Workspace, request: Request) -> dict[str, Any]:
    dashboard = workspace.state.dashboards.get(request.params["dashboard_id"])
    if dashboard is None or dashboard.published is None:
        raise not_found(f"Unable to find published dashboard [{request.params['dashboard_id']}]")
    return dashboard.published


def _known(workspace: Workspace, request: Request) -> Dashboard:
    dashboard = workspace.state.dashboards.get(request.params["dashboard_id"])
    if dashboard is None:
        raise _missing(request)
    return dashboard


def _draft(workspace: Workspace, request: Request) -> Dashboard:
    dashboard = _known(workspace, request)
    if dashboard.trashed:
        raise _missing(request)
    return dashboard


def _missing(request: Request) -> ApiError:
    return not_found(f"Unable to find dashboard [{request.params['dashboard_id']}]")


def _put_into_the_tree(state: State, dashboard: Dashboard) -> None:
    path = dashboard.path
    if path in state.objects:
        name = path.rpartition("/")[2]
        raise exists(
            f"Unable to register dashboard [{dashboard.dashboard_id}]. Caused by Node named '{name}' already exists"
        )
    now = now_ms()
    state.objects[path] = WorkspaceObject(
        path, "DASHBOARD", state.new_id(), now, now, resource_id=dashboard.dashboard_id
    )


def _hide(workspace: Workspace, dashboard: Dashboard, former: dict[str, Any] | None) -> None:
    """Let the next reads return the former state, as a workspace may; None if there was none."""
    dashboard.former, dashboard.stale_reads = former, workspace.behavior.stale_dashboard_reads


def _canonical(text: str) -> str:
    """Return a document as the service returns it: each page with a type, and a line break at the end."""
    try:
        document = json.loads(text)
    except ValueError:
        raise invalid("serialized_dashboard is not valid JSON") from None
    missing = [page for page in document.get("pages", []) if "pageType" not in page]
    for page in missing:
        page["pageType"] = "PAGE_TYPE_CANVAS"
    return json.dumps(document, indent=2) + "\n" if missing else text.rstrip("\n") + "\n"


def _document(dashboard: Dashboard) -> dict[str, Any]:
    if dashboard.trashed:
        return {
            "dashboard_id": dashboard.dashboard_id,
            "etag": str(dashboard.etag),
            "lifecycle_state": "TRASHED",
            "parent_path": dashboard.trashed,
        }
    return {
        "dashboard_id": dashboard.dashboard_id,
        "display_name": dashboard.display_name,
        "parent_path": dashboard.parent_path,
        "path": dashboard.path,
        "create_time": dashboard.created,
        "update_time": dashboard.updated,
        "etag": str(dashboard.etag),
        "lifecycle_state": "ACTIVE",
        "serialized_dashboard": dashboard.content,
        "warehouse_id": dashboard.warehouse_id,
    }


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="microseconds").replace("+00:00", "Z")


_API = "/api/2.0/lakeview/dashboards"
_ONE = f"{_API}/{{dashboard_id}}"
ROUTES = (
    Route("POST", _API, _create, shape=of_class(Body)),
    Route("GET", _API, _list),
    Route("GET", _ONE, _get),
    Route("PATCH", _ONE, _update, shape=of_class(Body)),
    Route("DELETE", _ONE, _trash),
    Route("POST", f"{_ONE}/published", _publish, shape=of_method(LakeviewAPI.publish, but=("dashboard_id",))),
    Route("GET", f"{_ONE}/published", _get_published),
    Route("DELETE", f"{_ONE}/published", _unpublish),
)
