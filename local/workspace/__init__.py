"""A Databricks workspace on this machine: the endpoints that a deployment uses, over HTTP, for the real SDK.

It answers as the real service does (``server.py``), checks every body against the SDK's own classes (``shape.py``),
fails on request (``faults.py``), and lets somebody else run the tasks (``runner.py``).

Example:
    >>> with WorkspaceServer() as server:
    ...     client = WorkspaceClient(host=server.host, token=server.credentials.token)
    ...     client.current_user.me()
"""

from local.workspace.contents import (
    Credentials,
    add_group,
    add_service_principal,
    add_user,
    issue_token,
    remove_principal,
)
from local.workspace.context import Behaviour
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
    "Behaviour",
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
