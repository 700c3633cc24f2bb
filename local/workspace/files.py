"""The workspace's file tree: import, export, folders, delete."""

from __future__ import annotations

import base64
from typing import Any, Literal

from databricks.sdk.service.workspace import ExportFormat, ImportFormat, Language, WorkspaceAPI

from local.workspace.context import Workspace, now_ms
from local.workspace.errors import ApiError, exists, invalid, malformed, not_found
from local.workspace.exchange import Request, Response
from local.workspace.form import parse_form
from local.workspace.route import Route
from local.workspace.shape import check, of_method
from local.workspace.state import State, WorkspaceObject

# The most bytes of a JSON import; a form may bring more.
JSON_LIMIT = 10 * 1024 * 1024
_IMPORT = of_method(WorkspaceAPI.import_)
_NOTEBOOK_MARKS = {b"# Databricks notebook source": ".py", b"-- Databricks notebook source": ".sql"}


def tree_path(path: str) -> str:
    """Return a path as the tree has it: absolute, without the ``/Workspace`` that clusters see before it.

    Raises:
        ApiError: when it is not absolute.
    """
    if not path.startswith("/"):
        raise invalid(f"Path ({path}) must be absolute: it has to start with '/'")
    if path == "/Workspace" or path.startswith("/Workspace/"):
        path = path.removeprefix("/Workspace")
    return path.rstrip("/") or "/"


def _shown_path(asked: str, path: str) -> str:
    """Return a path of the tree as the caller spells paths: with ``/Workspace`` if that was asked for."""
    return f"/Workspace{path}" if asked == "/Workspace" or asked.startswith("/Workspace/") else path


def read(state: State, path: str) -> bytes | None:
    """Return the bytes of a workspace file, or None when there is no such file."""
    found = state.objects.get(tree_path(path))
    return None if found is None or found.object_type == "DIRECTORY" else found.content


def _import(workspace: Workspace, request: Request) -> Response:
    """Take a file, as a form (``upload``) or as JSON with base64 (``import_``)."""
    body, content = _import_body(request)
    path, overwrite = tree_path(body["path"]), bool(body.get("overwrite"))
    format_, language = body.get("format", ImportFormat.SOURCE.value), body.get("language")
    if format_ == ImportFormat.SOURCE.value and language is None:
        raise invalid("Missing required field 'language': it must be given for format SOURCE")
    notebook = _is_notebook(format_, path, content)
    if notebook and format_ == ImportFormat.AUTO.value:
        path = path.rpartition(".")[0]
    state = workspace.state
    parent = path.rpartition("/")[0] or "/"
    folder = state.objects.get(parent)
    if folder is None or folder.object_type != "DIRECTORY":
        raise not_found(f"The parent folder ({_shown_path(body['path'], parent)}) does not exist.")
    there = state.objects.get(path)
    kind = _kind(notebook, format_, path)
    if there is not None and (not overwrite or there.object_type != kind):
        raise exists(f"Path ({path}) already exists.")
    now = now_ms()
    state.objects[path] = WorkspaceObject(
        path,
        kind,
        there.object_id if there else state.new_id(),
        there.created_at if there else now,
        now,
        content,
        language or (Language.PYTHON.value if notebook else None),
    )
    return Response({})


def _kind(notebook: bool, format_: str, path: str) -> Literal["FILE", "NOTEBOOK", "DASHBOARD"]:
    if notebook:
        return "NOTEBOOK"
    # An AI/BI dashboard by its ending (databricks/cli issue 3673).
    is_dashboard = format_ == ImportFormat.AUTO.value and path.endswith(".lvdash.json")
    return "DASHBOARD" if is_dashboard else "FILE"


def _import_body(request: Request) -> tuple[dict[str, Any], bytes]:
    if request.content_type.startswith("multipart/form-data"):
        form = parse_form(request.content_type, request.content)
        body: dict[str, Any] = {
            name: part.decode("utf-8", "replace") for name, part in form.items() if name != "content"
        }
        if "overwrite" in body:
            body["overwrite"] = body["overwrite"].lower() == "true"
        check(body, _IMPORT)
        return body, form.get("content", b"")
    body = dict(request.body)
    check(body, _IMPORT)
    try:
        content = base64.b64decode(body.pop("content", None) or "", validate=True)
    except ValueError:
        raise malformed("Could not parse request object: field content is not base64") from None
    if len(content) > JSON_LIMIT:
        raise ApiError(
            400,
            "MAX_NOTEBOOK_SIZE_EXCEEDED",
            f"File size imported is ({len(content)} bytes), exceeded max size ({JSON_LIMIT} bytes)",
        )
    return body, content


def _is_notebook(format_: str, path: str, content: bytes) -> bool:
    if format_ == ImportFormat.AUTO.value:
        first = content.split(b"\n", 1)[0].rstrip()
        return first in _NOTEBOOK_MARKS and path.endswith(_NOTEBOOK_MARKS[first])
    return format_ != ImportFormat.RAW.value


def _mkdirs(workspace: Workspace, request: Request) -> dict[str, Any]:
    """Make a folder and those above it; that it is there already is no error."""
    parts = tree_path(request.body["path"]).strip("/").split("/")
    state, now = workspace.state, now_ms()
    for depth in range(1, len(parts) + 1):
        path = "/" + "/".join(parts[:depth])
        there = state.objects.get(path)
        if there is not None and there.object_type != "DIRECTORY":
            raise exists(f"{path} already exists and it is not a folder")
        if there is None:
            state.objects[path] = WorkspaceObject(path, "DIRECTORY", state.new_id(), now, now)
    return {}


def _get_status(workspace: Workspace, request: Request) -> dict[str, Any]:
    path = request.required("path")
    return _document(_found(workspace.state, path), path)


def _list(workspace: Workspace, request: Request) -> dict[str, Any]:
    """List a folder, or the one file."""
    asked = request.required("path")
    found = _found(workspace.state, asked)
    since = request.number("notebooks_modified_after", 0)
    if found.object_type != "DIRECTORY":
        return {"objects": [_document(found, asked)]}
    inside = [one for one in _children(workspace.state, found.path) if one.modified_at >= since]
    # An empty folder is answered with an empty object.
    return {"objects": [_document(one, asked) for one in inside]} if inside else {}


def _delete(workspace: Workspace, request: Request) -> dict[str, Any]:
    state = workspace.state
    found = _found(state, request.body["path"])
    if found.path in ("/", "/Users", "/Shared"):
        raise invalid(f"Folder {found.path} is protected")
    inside = [path for path in state.objects if path.startswith(f"{found.path}/")]
    if inside and not request.body.get("recursive"):
        raise ApiError(400, "DIRECTORY_NOT_EMPTY", f"Folder ({found.path}) is not empty")
    for path in (found.path, *inside):
        del state.objects[path]
    return {}


def _export(workspace: Workspace, request: Request) -> Response:
    """Answer the bytes themselves for ``direct_download``, else JSON with base64."""
    found = _found(workspace.state, request.required("path"))
    format_ = request.query.get("format", ExportFormat.SOURCE.value)
    if format_ not in [one.value for one in ExportFormat]:
        raise invalid(f"Invalid value '{format_}' for field format")
    if found.object_type == "DIRECTORY":
        raise invalid(f"Path ({found.path}) is a folder, which format {format_} cannot export")
    if request.switch("direct_download"):
        return Response(content=found.content, content_type="application/octet-stream")
    return Response({"content": base64.b64encode(found.content).decode(), "file_type": found.path.rpartition(".")[2]})


def _found(state: State, path: str) -> WorkspaceObject:
    found = state.objects.get(tree_path(path))
    if found is None:
        raise not_found(f"Path ({path}) doesn't exist.")
    return found


def _children(state: State, folder: str) -> list[WorkspaceObject]:
    return [
        one for path, one in sorted(state.objects.items()) if path != "/" and (path.rpartition("/")[0] or "/") == folder
    ]


def _document(found: WorkspaceObject, asked: str) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "object_type": found.object_type,
        "path": _shown_path(asked, found.path),
        "object_id": found.object_id,
        "resource_id": str(found.object_id),
    }
    if found.object_type != "DIRECTORY":
        shown |= {"created_at": found.created_at, "modified_at": found.modified_at}
    if found.object_type == "FILE":
        shown["size"] = len(found.content)
    if found.language:
        shown["language"] = found.language
    return shown


_API = "/api/2.0/workspace"
ROUTES = (
    Route("POST", f"{_API}/import", _import),
    Route("POST", f"{_API}/mkdirs", _mkdirs, shape=of_method(WorkspaceAPI.mkdirs)),
    Route("GET", f"{_API}/get-status", _get_status),
    Route("GET", f"{_API}/list", _list),
    Route("POST", f"{_API}/delete", _delete, shape=of_method(WorkspaceAPI.delete)),
    Route("GET", f"{_API}/export", _export),
)
