"""The contents of a new workspace, and functions that add principals and folders."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from local.workspace.context import now_ms
from local.workspace.state import ADMINS, Kind, Principal, State, Token, WorkspaceObject

# Runtimes of a workspace in late 2026: long-term-support versions and the newest one.
SPARK_VERSIONS = {
    "19.x-scala2.13": "19.0 (includes Apache Spark 4.1.0, Scala 2.13)",
    "18.x-scala2.13": "18 LTS (includes Apache Spark 4.1.0, Scala 2.13)",
    "17.3.x-scala2.13": "17.3 LTS (includes Apache Spark 4.0.0, Scala 2.13)",
    "16.4.x-scala2.13": "16.4 LTS (includes Apache Spark 3.5.2, Scala 2.13)",
    "16.4.x-scala2.12": "16.4 LTS (includes Apache Spark 3.5.2, Scala 2.12)",
}

# Cores, memory in MiB, and category of each node type.
NODE_TYPES = {
    "m5d.large": (2, 8192, "General Purpose"),
    "m6id.large": (2, 8192, "General Purpose"),
    "m6gd.large": (2, 8192, "General Purpose"),
    "m7gd.large": (2, 8192, "General Purpose"),
    "m5d.xlarge": (4, 16384, "General Purpose"),
    "m6gd.xlarge": (4, 16384, "General Purpose"),
    "m6id.xlarge": (4, 16384, "General Purpose"),
    "r5d.large": (2, 16384, "Memory Optimized"),
    "r5d.xlarge": (4, 31232, "Memory Optimized"),
    "c5d.xlarge": (4, 8192, "Compute Optimized"),
    "i3.xlarge": (4, 31232, "Storage Optimized"),
}


@dataclass(frozen=True)
class Credentials:
    """Credentials of a service principal: its OAuth secret and a personal access token."""

    client_id: str
    client_secret: str = field(repr=False)
    token: str = field(repr=False)


def new_state() -> tuple[State, Credentials]:
    """Return a new workspace and the credentials of the service principal that administers it."""
    state = State(spark_versions=dict(SPARK_VERSIONS), catalogs={"main": ADMINS, "system": "System user"})
    for name, (cores, memory, category) in NODE_TYPES.items():
        state.node_types[name] = {
            "node_type_id": name,
            "memory_mb": memory,
            "num_cores": float(cores),
            "description": name,
            "instance_type_id": name,
            "category": category,
            "is_deprecated": False,
            "is_graviton": name.startswith(("m6g", "m7g")),
        }
    for folder in ("/", "/Users", "/Shared"):
        add_folder(state, folder)
    add_group(state, ADMINS)
    add_group(state, "users")
    return state, add_service_principal(state, "deployer", admin=True)


def add_group(state: State, name: str, *, account_level: bool = False) -> Principal:
    """Add a group. An account-level group accepts changes and does not apply them."""
    return _add(state, "Groups", name, name, account_level=account_level)


def add_user(state: State, name: str, *, groups: Sequence[str] = (), admin: bool = False) -> Principal:
    """Add a user. The name is an email address."""
    return _add(state, "Users", name, name.partition("@")[0], groups=groups, admin=admin)


def add_service_principal(
    state: State, display_name: str, *, groups: Sequence[str] = (), admin: bool = False
) -> Credentials:
    """Add a service principal and return its credentials. Its application ID is the ``client_id``."""
    application_id = str(uuid.uuid4())
    principal = _add(state, "ServicePrincipals", application_id, display_name, groups=groups, admin=admin)
    state.client_secrets[application_id] = f"dose{secrets.token_hex(16)}"
    return Credentials(application_id, state.client_secrets[application_id], issue_token(state, principal))


def remove_principal(state: State, principal: Principal) -> None:
    """Delete a principal. It can no longer sign in, and its jobs have no owner."""
    del state.principals[principal.id]
    state.tokens = {text: token for text, token in state.tokens.items() if token.principal_id != principal.id}
    for job in state.jobs.values():
        job.permissions = [permission for permission in job.permissions if permission.name != principal.name]


def issue_token(state: State, principal: Principal, *, expires_at: float | None = None) -> str:
    """Create a personal access token for a principal and return it."""
    token = f"dapi{secrets.token_hex(16)}"
    state.tokens[token] = Token(principal.id, expires_at)
    return token


def add_folder(state: State, path: str) -> None:
    """Add a folder to the workspace's file tree."""
    now = now_ms()
    state.objects[path] = WorkspaceObject(path, "DIRECTORY", state.new_id(), now, now)


def _add(
    state: State,
    kind: Kind,
    name: str,
    display_name: str,
    *,
    groups: Sequence[str] = (),
    admin: bool = False,
    account_level: bool = False,
) -> Principal:
    member_of = [*groups, *([] if kind == "Groups" else ["users"]), *([ADMINS] if admin else [])]
    principal = Principal(kind, str(state.new_id()), name, display_name, groups=member_of, account_level=account_level)
    state.principals[principal.id] = principal
    if kind != "Groups":
        add_folder(state, f"/Users/{name}")
    return principal
