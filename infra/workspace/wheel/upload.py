"""Upload the wheel to a folder named after its version and content, so that no wheel is replaced while in use."""

from __future__ import annotations

from contextlib import suppress

from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import NotFound
from databricks.sdk.service.workspace import ObjectType

from infra.workspace.explain import explaining
from infra.workspace.step import Step
from infra.workspace.wheel import files
from infra.workspace.wheel.wheel_file import WheelFile


def path_of(folder: str, wheel: WheelFile) -> str:
    """Return the path of a wheel in the workspace."""
    return f"{folder}/{wheel.label}/{wheel.name}"


def upload(client: WorkspaceClient, folder: str, wheel: WheelFile) -> Step:
    """Upload a wheel unless it exists."""
    path = path_of(folder, wheel)
    with explaining(f"Uploading the wheel to {path}"):
        if files.is_there(client, path):
            return Step("wheel", "unchanged", path)
        client.workspace.mkdirs(path.rsplit("/", 1)[0])
        files.write(client, path, wheel.content)
        return Step("wheel", "created", path)


def remove_others(client: WorkspaceClient, folder: str, wheel: WheelFile) -> list[Step]:
    """Remove the folders of other wheels."""
    steps = []
    with explaining(f"Removing older wheels from {folder}"):
        for entry in list(client.workspace.list(folder)):
            path = entry.path or ""
            if entry.object_type == ObjectType.DIRECTORY and path.rsplit("/", 1)[-1] != wheel.label:
                _delete(client, path)
                steps.append(Step("older wheel", "removed", path))
    return steps


def remove_folder(client: WorkspaceClient, folder: str) -> list[Step]:
    """Remove the folder and its content, and then the parent folder if it is empty."""
    parent = folder.rsplit("/", 1)[0]
    with explaining(f"Removing {folder}"):
        steps = [Step("wheel and folder", "removed", folder)] if files.is_there(client, folder) else []
        if steps:
            _delete(client, folder)
        if files.is_there(client, parent) and not list(client.workspace.list(parent)):
            _delete(client, parent)
    return steps


def _delete(client: WorkspaceClient, path: str) -> None:
    with suppress(NotFound):  # removed by an earlier request with a lost response
        client.workspace.delete(path, recursive=True)
