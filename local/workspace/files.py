"""The workspace's file tree: import, export, folders, delete."""

from __future__ import annotations

import base64
from typing import Any

from databricks.sdk.service.workspace import ExportFormat, ImportFormat, WorkspaceAPI

from local.workspace.contents import add_folder
from local.workspace.context import Workspace, now_ms
from local.workspace.errors import ApiError, exists, invalid, malformed, not_found
from local.workspace.exchange import Request, Response
from local.workspace.route import Route
from local.workspace.shape import of_method
from local.workspace.state import State, WorkspaceObject

# The maximum size of a file, in bytes.
_SIZE_LIMIT = 10 * 1024 * 1024


def tree_path(path: str) -> str:
    """Return a path as it is stored: without the prefix ``/Workspace`` that clusters see.

    Raises:
        ApiError: if the path is not absolute.
    """
    if not path.startswith("/"):
        raise invalid(f"Path ({path}) must be absolute: it has to start with '/'")
    if path == "/Workspace" or path.startswith("/Workspace/"):
        path = path.removeprefix("/Workspace")
    return path.rstrip("/") or "/"


def _shown_path(requested: str, path: str) -> str:
    """Return a stored path as the caller spells paths: with the prefix ``/Workspace`` if the request has it."""
    return f"/Workspace{path}" if requested == "/Workspace" or requested.startswith("/Workspace/") else path


def read(state: State, path: str) -> bytes | None:
    """Return the bytes of a workspace file; None if the file does not exist."""
    file = state.objects.get(tree_path(path))
    return None if file is None or file.object_type == "DIRECTORY" else file.content


def _import(workspace: Workspace, request: Request) -> dict[str, Any]:
    """Store a file. A deployment sends the format AUTO only."""
    state, body = workspace.state, request.body
    if body.get("format") != ImportFormat.AUTO.value:
        raise invalid(f"Only format {ImportFormat.AUTO.value} is supported here")
    path, content = tree_path(body["path"]), _decoded(body.get("content") or "")
    parent = _folder_of(path)
    folder = state.objects.get(parent)
    if folder is None or folder.object_type != "DIRECTORY":
        raise not_found(f"The parent folder ({_shown_path(body['path'], parent)}) does not exist.")
    there = state.objects.get(path)
    if there is not None and (not body.get("overwrite") or there.object_type != "FILE"):
        raise exists(f"Path ({path}) already exists.")
    now = now_ms()
    object_id, created_at = (there.object_id, there.created_at) if there else (state.new_id(), now)
    state.objects[path] = WorkspaceObject(path, "FILE", object_id, created_at, now, content)
    return {}


def _decoded(content: str) -> bytes:
    try:
        decoded = base64.b64decode(content, validate=True)
    except ValueError:
        raise malformed("Could not parse request object: field content is not base64") from None
    if len(decoded) > _SIZE_LIMIT:
        raise ApiError(
            400,
            "MAX_NOTEBOOK_SIZE_EXCEEDED",
            f"File size imported is ({len(decoded)} bytes), exceeded max size ({_SIZE_LIMIT} bytes)",
        )
    return decoded


def _mkdirs(workspace: Workspace, request: Request) -> dict[str, Any]:
    """Create a folder and its parents; a folder that exists is not an error."""
    parts = tree_path(request.body["path"]).strip("/").split("/")
    state = workspace.state
    for depth in range(1, len(parts) + 1):
        path = "/" + "/".join(parts[:depth])
        there = state.objects.get(path)
        if there is not None and there.object_type != "DIRECTORY":
            raise exists(f"{path} already exists and it is not a folder")
        if there is None:
            add_folder(state, path)
    return {}


def _get_status(workspace: Workspace, request: Request) -> dict[str, Any]:
    path = request.required("path")
    return _document(_existing(workspace.state, path), path)


def _list(workspace: Workspace, request: Request) -> dict[str, Any]:
    """List a folder, or a single file."""
    requested = request.required("path")
    item = _existing(workspace.state, requested)
    if item.object_type != "DIRECTORY":
        return {"objects": [_document(item, requested)]}
    children = _children(workspace.state, item.path)
    # The service returns an empty object for an empty folder.
    return {"objects": [_document(child, requested) for child in children]} if children else {}


def _delete(workspace: Workspace, request: Request) -> dict[str, Any]:
    state = workspace.state
    item = _existing(state, request.body["path"])
    if item.path in ("/", "/Users", "/Shared"):
        raise invalid(f"Folder {item.path} is protected")
    inside = [path for path in state.objects if path.startswith(f"{item.path}/")]
    if inside and not request.body.get("recursive"):
        raise ApiError(400, "DIRECTORY_NOT_EMPTY", f"Folder ({item.path}) is not empty")
    for path in (item.path, *inside):
        dashboard = state.dashboards.get(state.objects.pop(path).resource_id)
        if dashboard is not None:
            dashboard.trashed, dashboard.published = f"/Users/{request.caller.name}/Trash", None
    return {}


def _export(workspace: Workspace, request: Request) -> Response:
    """Return the bytes of a file."""
    file = _existing(workspace.state, request.required("path"))
    if request.query.get("format") != ExportFormat.AUTO.value or not request.switch("direct_download"):
        raise invalid(f"Only a direct download in format {ExportFormat.AUTO.value} is supported here")
    if file.object_type == "DIRECTORY":
        raise invalid(f"Path ({file.path}) is a folder, which format {ExportFormat.AUTO.value} cannot export")
    return Response(content=file.content, content_type="application/octet-stream")


def _existing(state: State, path: str) -> WorkspaceObject:
    item = state.objects.get(tree_path(path))
    if item is None:
        raise not_found(f"Path ({path}) doesn't exist.")
    return item


def _children(state: State, folder: str) -> list[WorkspaceObject]:
    return [child for path, child in sorted(state.objects.items()) if path != "/" and _folder_of(path) == folder]


def _folder_of(path: str) -> str:
    return path.rpartition("/")[0] or "/"


def _document(item: WorkspaceObject, requested: str) -> dict[str, Any]:
    if item.object_type == "DASHBOARD":
        path = _shown_path(requested, item.path)
        return {"object_type": "DASHBOARD", "path": path, "resource_id": item.resource_id}
    shown: dict[str, Any] = {
        "object_type": item.object_type,
        "path": _shown_path(requested, item.path),
        "object_id": item.object_id,
        "resource_id": str(item.object_id),
    }
    if item.object_type != "DIRECTORY":
        shown |= {"created_at": item.created_at, "modified_at": item.modified_at}
    if item.object_type == "FILE":
        shown["size"] = len(item.content)
    return shown


_API = "/api/2.0/workspace"
ROUTES = (
    Route("POST", f"{_API}/import", _import, shape=of_method(WorkspaceAPI.import_)),
    Route("POST", f"{_API}/mkdirs", _mkdirs, shape=of_method(WorkspaceAPI.mkdirs)),
    Route("GET", f"{_API}/get-status", _get_status),
    Route("GET", f"{_API}/list", _list),
    Route("POST", f"{_API}/delete", _delete, shape=of_method(WorkspaceAPI.delete)),
    Route("GET", f"{_API}/export", _export),
)
