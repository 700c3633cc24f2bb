"""Files in Unity Catalog volumes, ``/Volumes/<catalog>/<schema>/<volume>/...``."""

from __future__ import annotations

from typing import Any

from local.workspace.context import Workspace
from local.workspace.errors import ApiError, invalid, not_found
from local.workspace.exchange import Request, Response
from local.workspace.route import Route
from local.workspace.state import State

# /Volumes, catalog, schema and volume.
_ROOT_PARTS = 4


def read(state: State, path: str) -> bytes | None:
    """Return the bytes of a file in a volume, or None when there is none."""
    return state.volume_files.get(_kept(path))


def _path(state: State, request: Request) -> str:
    path = "/" + request.params["path"].strip("/")
    parts = path.strip("/").split("/")
    if parts[0] != "Volumes" or len(parts) < _ROOT_PARTS:
        raise invalid(f"Invalid path: {path}. It must start with /Volumes/<catalog>/<schema>/<volume>")
    if (volume := ".".join(parts[1:_ROOT_PARTS])).lower() not in state.volumes:
        raise not_found(f"Volume '{volume}' does not exist.")
    return _kept(path)


def _kept(path: str) -> str:
    """Return a path as it is kept: the names of catalog, schema and volume have no case, those in the volume have."""
    parts = path.split("/")
    return "/".join([*parts[:2], *(part.lower() for part in parts[2 : _ROOT_PARTS + 1]), *parts[_ROOT_PARTS + 1 :]])


def _put_file(workspace: Workspace, request: Request) -> Response:
    """Keep a file; the folders above it come with it."""
    state = workspace.state
    path = _path(state, request)
    if path in state.volume_folders:
        raise ApiError(409, "ALREADY_EXISTS", f"{path} is a directory")
    if path in state.volume_files and not request.switch("overwrite"):
        raise ApiError(409, "ALREADY_EXISTS", f"The file being created already exists: {path}")
    state.volume_files[path] = request.content
    _add_folders(state, path.rpartition("/")[0])
    return Response(status=204)


def _get_file(workspace: Workspace, request: Request) -> Response:
    path = _path(workspace.state, request)
    content = read(workspace.state, path)
    if content is None:
        raise not_found(f"The file being accessed is not found: {path}", "NOT_FOUND")
    headers = {"Content-Length": str(len(content))}
    return Response(content=content, content_type="application/octet-stream", headers=headers)


def _delete_file(workspace: Workspace, request: Request) -> Response:
    path = _path(workspace.state, request)
    if workspace.state.volume_files.pop(path, None) is None:
        raise not_found(f"The file being accessed is not found: {path}", "NOT_FOUND")
    return Response(status=204)


def _put_folder(workspace: Workspace, request: Request) -> Response:
    """Make a folder and those above it; that it is there already is no error."""
    path = _path(workspace.state, request)
    if path in workspace.state.volume_files:
        raise ApiError(409, "ALREADY_EXISTS", f"{path} is a file")
    _add_folders(workspace.state, path)
    return Response(status=204)


def _add_folders(state: State, path: str) -> None:
    parts = path.strip("/").split("/")
    for depth in range(_ROOT_PARTS + 1, len(parts) + 1):
        state.volume_folders.add("/" + "/".join(parts[:depth]))


def _get_folder(workspace: Workspace, request: Request) -> dict[str, Any]:
    """List a folder."""
    state = workspace.state
    path = _folder(state, request)
    contents: list[dict[str, Any]] = [
        {"path": name, "name": name.rpartition("/")[2], "is_directory": True}
        for name in sorted(state.volume_folders)
        if name.rpartition("/")[0] == path
    ]
    contents += [
        {"path": name, "name": name.rpartition("/")[2], "is_directory": False, "file_size": len(content)}
        for name, content in sorted(state.volume_files.items())
        if name.rpartition("/")[0] == path
    ]
    return {"contents": contents}


def _head_folder(workspace: Workspace, request: Request) -> Response:
    _folder(workspace.state, request)
    return Response()


def _delete_folder(workspace: Workspace, request: Request) -> Response:
    state = workspace.state
    path = _folder(state, request)
    if any(name.startswith(f"{path}/") for name in (*state.volume_files, *state.volume_folders)):
        raise ApiError(400, "DIRECTORY_NOT_EMPTY", f"Directory is not empty: {path}")
    state.volume_folders.discard(path)
    return Response(status=204)


def _folder(state: State, request: Request) -> str:
    path = _path(state, request)
    if path not in state.volume_folders and len(path.strip("/").split("/")) > _ROOT_PARTS:
        raise not_found(f"The directory being accessed is not found: {path}", "NOT_FOUND")
    return path


_FILES, _FOLDERS = "/api/2.0/fs/files/{path*}", "/api/2.0/fs/directories/{path*}"
ROUTES = (
    Route("PUT", _FILES, _put_file),
    Route("GET", _FILES, _get_file),
    Route("HEAD", _FILES, _get_file),
    Route("DELETE", _FILES, _delete_file),
    Route("PUT", _FOLDERS, _put_folder),
    Route("GET", _FOLDERS, _get_folder),
    Route("HEAD", _FOLDERS, _head_folder),
    Route("DELETE", _FOLDERS, _delete_folder),
)
