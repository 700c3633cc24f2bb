"""A stand-in for a Databricks workspace: the endpoints that a deployment calls, served over HTTP to the real SDK.

It responds as the real service does (``server.py``), checks every body against the SDK's own classes (``shape.py``),
fails on request (``faults.py``), and hands tasks to a runner (``runner.py``). A request to any other endpoint gets a
404 that names it.

Example::

    with WorkspaceServer() as server:
        client = WorkspaceClient(host=server.host, token=server.credentials.token)
        client.current_user.me()
"""

from local.workspace.contents import (
    Credentials,
    add_group,
    add_service_principal,
    add_user,
    issue_token,
    remove_principal,
)
from local.workspace.context import Behavior
from local.workspace.faults import Fault, Faults
from local.workspace.request_log import LoggedRequest, RequestLog
from local.workspace.runner import (
    LaunchError,
    Library,
    Outcome,
    RecordingRunner,
    RunHandle,
    Runner,
    RunRequest,
    Script,
    UnityCatalog,
)
from local.workspace.server import WorkspaceServer
from local.workspace.state import ExternalLocation, State

__all__ = [
    "Behavior",
    "Credentials",
    "ExternalLocation",
    "Fault",
    "Faults",
    "LaunchError",
    "Library",
    "LoggedRequest",
    "Outcome",
    "RecordingRunner",
    "RequestLog",
    "RunHandle",
    "RunRequest",
    "Runner",
    "Script",
    "State",
    "UnityCatalog",
    "WorkspaceServer",
    "add_group",
    "add_service_principal",
    "add_user",
    "issue_token",
    "remove_principal",
]
