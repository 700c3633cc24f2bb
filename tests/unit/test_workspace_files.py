"""The file tree of the local workspace."""

from __future__ import annotations

import base64

import pytest
from databricks.sdk.errors import BadRequest, NotFound, ResourceAlreadyExists
from databricks.sdk.mixins.workspace import WorkspaceExt
from databricks.sdk.service.workspace import ExportFormat, ImportFormat, ObjectType

from local.workspace import WorkspaceServer
from tests.support.workspaces import call, connect

BYTES = bytes(range(256)) + b"\r\n--\r\n\r\n" + bytes(range(256))


def upload(files: WorkspaceExt, path: str, content: bytes, *, overwrite: bool = False) -> None:
    files.import_(path, content=base64.b64encode(content).decode(), format=ImportFormat.AUTO, overwrite=overwrite)


def test_a_download_returns_the_uploaded_bytes(server: WorkspaceServer) -> None:
    files = connect(server).workspace
    upload(files, "/Shared/a.whl", BYTES)
    for path in ("/Shared/a.whl", "/Workspace/Shared/a.whl"):
        assert files.download(path, format=ExportFormat.AUTO).read() == BYTES


def test_requests_that_no_deployment_sends_are_rejected(server: WorkspaceServer) -> None:
    files = connect(server).workspace
    with pytest.raises(BadRequest, match="failed to parse given JSON"):
        files.upload("/Shared/form.whl", BYTES, format=ImportFormat.AUTO)
    with pytest.raises(BadRequest, match="Only format AUTO is supported here"):
        files.import_("/Shared/raw.whl", content="", format=ImportFormat.RAW)
    upload(files, "/Shared/a.whl", BYTES)
    with pytest.raises(BadRequest, match="Only a direct download in format AUTO is supported here"):
        files.export("/Shared/a.whl", format=ExportFormat.AUTO)
    with pytest.raises(BadRequest, match=r"Path \(/Shared\) is a folder"):
        files.download("/Shared", format=ExportFormat.AUTO)


def test_a_path_with_and_without_the_workspace_prefix_is_the_same(server: WorkspaceServer) -> None:
    files = connect(server).workspace
    files.mkdirs("/Workspace/Shared/a")
    upload(files, "/Workspace/Shared/a/b.txt", b"x")
    status = files.get_status("/Shared/a/b.txt")
    assert (status.path, status.object_type, status.size) == ("/Shared/a/b.txt", ObjectType.FILE, 1)


def test_a_path_is_returned_in_the_spelling_of_the_request(server: WorkspaceServer) -> None:
    files = connect(server).workspace
    files.mkdirs("/Workspace/Shared/a/b")
    for prefix in ("/Workspace", ""):
        assert files.get_status(f"{prefix}/Shared/a").path == f"{prefix}/Shared/a"
        assert [entry.path for entry in files.list(f"{prefix}/Shared/a")] == [f"{prefix}/Shared/a/b"]
        with pytest.raises(NotFound, match=rf"The parent folder \({prefix}/Shared/none\) does not exist"):
            upload(files, f"{prefix}/Shared/none/x", b"x")


def test_a_file_requires_its_parent_folder(server: WorkspaceServer) -> None:
    with pytest.raises(NotFound, match=r"The parent folder \(/Shared/a\) does not exist"):
        upload(connect(server).workspace, "/Shared/a/b.txt", b"x")


def test_a_file_is_replaced_only_with_overwrite_and_keeps_its_id(server: WorkspaceServer) -> None:
    files = connect(server).workspace
    upload(files, "/Shared/a.txt", b"1")
    before = files.get_status("/Shared/a.txt").object_id
    with pytest.raises(ResourceAlreadyExists, match="already exists"):
        upload(files, "/Shared/a.txt", b"2")
    upload(files, "/Shared/a.txt", b"2", overwrite=True)
    assert files.get_status("/Shared/a.txt").object_id == before
    assert files.download("/Shared/a.txt", format=ExportFormat.AUTO).read() == b"2"


def test_a_folder_is_never_replaced_by_a_file(server: WorkspaceServer) -> None:
    files = connect(server).workspace
    files.mkdirs("/Shared/a")
    with pytest.raises(ResourceAlreadyExists):
        upload(files, "/Shared/a", b"2", overwrite=True)


def test_mkdirs_creates_parent_folders_and_may_be_repeated(server: WorkspaceServer) -> None:
    files = connect(server).workspace
    files.mkdirs("/Shared/a/b/c")
    files.mkdirs("/Shared/a/b/c")
    assert [entry.path for entry in files.list("/Shared", recursive=True)] == []
    assert files.get_status("/Shared/a/b").object_type is ObjectType.DIRECTORY


def test_a_folder_cannot_replace_a_file(server: WorkspaceServer) -> None:
    files = connect(server).workspace
    upload(files, "/Shared/a", b"2")
    with pytest.raises(ResourceAlreadyExists, match="not a folder"):
        files.mkdirs("/Shared/a/b")


def test_a_list_shows_only_direct_children(server: WorkspaceServer) -> None:
    files = connect(server).workspace
    files.mkdirs("/Shared/a/deep")
    upload(files, "/Shared/a/deep/x", b"")
    upload(files, "/Shared/a/y", b"")
    assert [entry.path for entry in files.list("/Shared/a")] == ["/Shared/a/deep", "/Shared/a/y"]
    assert [entry.path for entry in files.list("/Shared/a/deep/x")] == ["/Shared/a/deep/x"]
    with pytest.raises(NotFound):
        list(files.list("/Shared/b"))


def test_a_folder_that_is_not_empty_is_deleted_only_recursively(server: WorkspaceServer) -> None:
    files = connect(server).workspace
    files.mkdirs("/Shared/a/b")
    with pytest.raises(BadRequest, match="not empty") as rejected:
        files.delete("/Shared/a")
    assert rejected.value.error_code == "DIRECTORY_NOT_EMPTY"
    files.delete("/Shared/a", recursive=True)
    with pytest.raises(NotFound, match="doesn't exist"):
        files.get_status("/Shared/a/b")
    with pytest.raises(NotFound):
        files.delete("/Shared/a")


def test_the_folders_of_every_workspace_cannot_be_deleted(server: WorkspaceServer) -> None:
    with pytest.raises(BadRequest, match="protected"):
        connect(server).workspace.delete("/Shared", recursive=True)


def test_an_import_accepts_base64_of_at_most_ten_mebibytes(server: WorkspaceServer) -> None:
    body = {"path": "/Shared/a", "format": "AUTO", "content": base64.b64encode(bytes(10 * 1024 * 1024 + 1)).decode()}
    status, answer = call(server, "POST", "/api/2.0/workspace/import", body)
    assert (status, answer["error_code"]) == (400, "MAX_NOTEBOOK_SIZE_EXCEEDED")
    status, answer = call(server, "POST", "/api/2.0/workspace/import", body | {"content": "äöü"})
    assert (status, answer["error_code"]) == (400, "MALFORMED_REQUEST")


def test_a_path_must_be_absolute(server: WorkspaceServer) -> None:
    with pytest.raises(BadRequest, match="must be absolute"):
        connect(server).workspace.mkdirs("Shared/a")


def test_the_log_of_requests_contains_no_file_contents(server: WorkspaceServer) -> None:
    connect(server).workspace.import_("/Shared/a", content="c2VjcmV0", format=ImportFormat.AUTO)
    assert server.requests[-1].body == {"path": "/Shared/a", "format": "AUTO", "content": "<8 characters>"}
