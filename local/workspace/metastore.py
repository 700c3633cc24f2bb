"""The default catalog: from the metastore assignment, and from the setting that overrides it."""

from __future__ import annotations

from typing import Any

from local.workspace.context import WORKSPACE_ID, Workspace
from local.workspace.errors import not_found
from local.workspace.exchange import Request
from local.workspace.route import Route

_METASTORE_ID = "01234567-0000-4000-8000-89abcdef0123"


def _assignment(workspace: Workspace, _request: Request) -> dict[str, Any]:
    return {
        "metastore_id": _METASTORE_ID,
        "workspace_id": int(WORKSPACE_ID),
        "default_catalog_name": workspace.state.default_catalog,
    }


def _default_namespace(workspace: Workspace, _request: Request) -> dict[str, Any]:
    value = workspace.state.default_namespace
    if value is None:
        raise not_found("The setting default_namespace_ws is not set.", "NOT_FOUND")
    return {"etag": "1", "namespace": {"value": value}, "setting_name": "default"}


ROUTES = (
    Route("GET", "/api/2.1/unity-catalog/current-metastore-assignment", _assignment),
    Route("GET", "/api/2.0/settings/types/default_namespace_ws/names/default", _default_namespace, admin=True),
)
