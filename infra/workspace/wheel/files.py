"""Read, write and look up workspace files."""

from __future__ import annotations

import base64

from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import NotFound
from databricks.sdk.service.workspace import ExportFormat, ImportFormat


def write(client: WorkspaceClient, path: str, content: bytes) -> None:
    """Write a file of at most 10 MB; overwrite an existing one.

    The request is JSON and not a form, because the SDK does not retry a form.
    """
    client.workspace.import_(path, content=base64.b64encode(content).decode(), format=ImportFormat.AUTO, overwrite=True)


def read(client: WorkspaceClient, path: str) -> bytes | None:
    """Return a file's content; None if the file does not exist."""
    try:
        with client.workspace.download(path, format=ExportFormat.AUTO) as file:
            return file.read()
    except NotFound:
        return None


def is_there(client: WorkspaceClient, path: str) -> bool:
    """Return whether the workspace has an object at a path."""
    try:
        client.workspace.get_status(path)
    except NotFound:
        return False
    return True
