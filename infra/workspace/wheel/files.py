"""Files of the workspace."""

from __future__ import annotations

import base64

from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import NotFound
from databricks.sdk.service.workspace import ExportFormat, ImportFormat


def write(client: WorkspaceClient, path: str, content: bytes) -> None:
    """Write a file of at most 10 MB, over one that is there.

    As JSON and not as a form: the SDK tries a form only once.
    """
    client.workspace.import_(path, content=base64.b64encode(content).decode(), format=ImportFormat.AUTO, overwrite=True)


def read(client: WorkspaceClient, path: str) -> bytes | None:
    """Return a file's content; None if there is no such file."""
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
