"""SQL warehouses, which run the queries of dashboards. Nothing runs here: a deployment only looks them up."""

from __future__ import annotations

from typing import Any

from local.workspace.context import Workspace
from local.workspace.errors import not_found
from local.workspace.exchange import Request
from local.workspace.route import Route


def _list(workspace: Workspace, request: Request) -> dict[str, Any]:
    warehouses = [{"id": key, "name": name} for key, name in workspace.state.warehouses.items()]
    return {"warehouses": warehouses} if warehouses else {}


def _get(workspace: Workspace, request: Request) -> dict[str, Any]:
    key = request.params["id"]
    if key not in workspace.state.warehouses:
        raise not_found(f"SQL warehouse {key} does not exist")
    return {"id": key, "name": workspace.state.warehouses[key], "state": "STOPPED", "warehouse_type": "PRO"}


_API = "/api/2.0/sql/warehouses"
ROUTES = (
    Route("GET", _API, _list),
    Route("GET", f"{_API}/{{id}}", _get),
)
