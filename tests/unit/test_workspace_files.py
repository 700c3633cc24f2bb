"""The file tree of the workspace stand-in."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest
from databricks.sdk.errors import BadRequest, DatabricksError, NotFound, ResourceAlreadyExists
from databricks.sdk.service.workspace import ExportFormat, ImportFormat, Language, ObjectType

from local.workspace import WorkspaceServer
from tests.support.workspaces import call, connect

BYTES = bytes(range(256)) + b"\r\n--\r\n\r\n" + bytes(range(256))


@pytest.fixture
def server() -> Iterator[WorkspaceServer]:
    with WorkspaceServer() as running:
        yield running


def test_bytes_come_back_as_they_were_uploaded_by_form_and_by_json(server: WorkspaceServer) -> None:
    files = connect(server).workspace
    files.upload("/Shared/form.whl", BYTES, format=ImportFormat.AUTO)
    files.import_("/Shared/json.whl", content=base64.b64encode(BYTES).decode(), format=ImportFormat.RAW)
    for path in ("/Shared/form.whl", "/Workspace/Shared/json.whl"):
        assert files.download(path).read() == BYTES
    exported = files.export("/Shared/form.whl", format=ExportFormat.AUTO)
    assert base64.b64decode(exported.content or "") == BYTES


def test_a_path_with_and_without_workspace_before_it_is_the_same(server: WorkspaceServer) -> None:
    files = connect(server).workspace
    files.mkdirs("/Workspace/Shared/a")
    files.upload("/Workspace/Shared/a/b.txt", b"x", format=ImportFormat.AUTO)
    status = files.get_status("/Shared/a/b.txt")
    assert (status.path, status.object_type, status.size) == ("/Shared/a/b.txt", ObjectType.FILE, 1)


def test_a_path_is_shown_as_the_caller_spells_it(server: WorkspaceServer) -> None:
    files = connect(server).workspace
    files.mkdirs("/Workspace/Shared/a/b")
    for before in ("/Workspace", ""):
        assert files.get_status(f"{before}/Shared/a").path == f"{before}/Shared/a"
        assert [one.path for one in files.list(f"{before}/Shared/a")] == [f"{before}/Shared/a/b"]
        with pytest.raises(NotFound, match=rf"The parent folder \({before}/Shared/none\) does not exist"):
            files.upload(f"{before}/Shared/none/x", b"x", format=ImportFormat.AUTO)


def test_a_dashboard_that_is_imported_is_one_in_the_tree(server: WorkspaceServer) -> None:
    files = connect(server).workspace
    files.upload("/Shared/traffic.lvdash.json", b"{}", format=ImportFormat.AUTO)
    (found,) = files.list("/Shared")
    assert (found.object_type, found.path) == (ObjectType.DASHBOARD, "/Shared/traffic.lvdash.json")
    assert found.resource_id


def test_a_file_needs_its_folder(server: WorkspaceServer) -> None:
    with pytest.raises(NotFound, match=r"The parent folder \(/Shared/a\) does not exist"):
        connect(server).workspace.upload("/Shared/a/b.txt", b"x", format=ImportFormat.AUTO)


def test_a_file_is_replaced_only_when_overwrite_says_so_and_keeps_its_id(server: WorkspaceServer) -> None:
    files = connect(server).workspace
    files.upload("/Shared/a.txt", b"1", format=ImportFormat.AUTO)
    before = files.get_status("/Shared/a.txt").object_id
    with pytest.raises(ResourceAlreadyExists, match="already exists"):
        files.upload("/Shared/a.txt", b"2", format=ImportFormat.AUTO)
    files.upload("/Shared/a.txt", b"2", format=ImportFormat.AUTO, overwrite=True)
    assert files.get_status("/Shared/a.txt").object_id == before
    assert files.download("/Shared/a.txt").read() == b"2"


def test_a_folder_is_never_replaced_by_a_file(server: WorkspaceServer) -> None:
    files = connect(server).workspace
    files.mkdirs("/Shared/a")
    with pytest.raises(ResourceAlreadyExists):
        files.upload("/Shared/a", b"2", format=ImportFormat.AUTO, overwrite=True)


def test_folders_are_made_with_those_above_and_twice_is_no_error(server: WorkspaceServer) -> None:
    files = connect(server).workspace
    files.mkdirs("/Shared/a/b/c")
    files.mkdirs("/Shared/a/b/c")
    assert [one.path for one in files.list("/Shared", recursive=True)] == []
    assert files.get_status("/Shared/a/b").object_type is ObjectType.DIRECTORY


def test_a_folder_where_a_file_is_cannot_be_made(server: WorkspaceServer) -> None:
    files = connect(server).workspace
    files.upload("/Shared/a", b"2", format=ImportFormat.AUTO)
    with pytest.raises(ResourceAlreadyExists, match="not a folder"):
        files.mkdirs("/Shared/a/b")


def test_a_list_shows_what_is_directly_in_the_folder(server: WorkspaceServer) -> None:
    files = connect(server).workspace
    files.mkdirs("/Shared/a/deep")
    files.upload("/Shared/a/deep/x", b"", format=ImportFormat.AUTO)
    files.upload("/Shared/a/y", b"", format=ImportFormat.AUTO)
    assert [one.path for one in files.list("/Shared/a")] == ["/Shared/a/deep", "/Shared/a/y"]
    assert [one.path for one in files.list("/Shared/a/deep/x")] == ["/Shared/a/deep/x"]
    with pytest.raises(NotFound):
        list(files.list("/Shared/b"))


def test_a_folder_with_something_in_it_is_deleted_only_recursively(server: WorkspaceServer) -> None:
    files = connect(server).workspace
    files.mkdirs("/Shared/a/b")
    with pytest.raises(BadRequest, match="not empty") as refused:
        files.delete("/Shared/a")
    assert refused.value.error_code == "DIRECTORY_NOT_EMPTY"
    files.delete("/Shared/a", recursive=True)
    with pytest.raises(NotFound, match="doesn't exist"):
        files.get_status("/Shared/a/b")
    with pytest.raises(NotFound):
        files.delete("/Shared/a")


def test_the_folders_that_every_workspace_has_cannot_be_deleted(server: WorkspaceServer) -> None:
    with pytest.raises(BadRequest, match="protected"):
        connect(server).workspace.delete("/Shared", recursive=True)


def test_source_is_a_notebook_and_needs_its_language(server: WorkspaceServer) -> None:
    files = connect(server).workspace
    files.upload("/Shared/n", b"print(1)", language=Language.PYTHON)
    assert files.get_status("/Shared/n").object_type is ObjectType.NOTEBOOK
    with pytest.raises(DatabricksError, match="language"):
        files.upload("/Shared/m", b"print(1)")


def test_auto_makes_a_notebook_of_a_file_that_says_it_is_one(server: WorkspaceServer) -> None:
    files = connect(server).workspace
    files.upload("/Shared/n.py", b"# Databricks notebook source\nprint(1)", format=ImportFormat.AUTO)
    assert files.get_status("/Shared/n").language is Language.PYTHON
    files.upload("/Shared/m.py", b"print(1)", format=ImportFormat.AUTO)
    assert files.get_status("/Shared/m.py").object_type is ObjectType.FILE


def test_json_brings_ten_mebibytes_at_most_and_only_base64(server: WorkspaceServer) -> None:
    body = {"path": "/Shared/a", "format": "AUTO", "content": base64.b64encode(bytes(10 * 1024 * 1024 + 1)).decode()}
    status, answer = call(server, "POST", "/api/2.0/workspace/import", body)
    assert (status, answer["error_code"]) == (400, "MAX_NOTEBOOK_SIZE_EXCEEDED")
    status, answer = call(server, "POST", "/api/2.0/workspace/import", body | {"content": "äöü"})
    assert (status, answer["error_code"]) == (400, "MALFORMED_REQUEST")
    connect(server).workspace.upload("/Shared/a", bytes(11 * 1024 * 1024), format=ImportFormat.AUTO)


def test_a_path_must_be_absolute(server: WorkspaceServer) -> None:
    with pytest.raises(BadRequest, match="must be absolute"):
        connect(server).workspace.mkdirs("Shared/a")


def test_contents_are_not_in_the_log_of_requests(server: WorkspaceServer) -> None:
    connect(server).workspace.import_("/Shared/a", content="c2VjcmV0", format=ImportFormat.AUTO)
    assert server.requests[-1].body == {"path": "/Shared/a", "format": "AUTO", "content": "<8 characters>"}
