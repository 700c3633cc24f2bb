"""The state of a workspace: plain data that tests read and prepare."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from local.workspace.run_state import Run

# The SCIM resource types, as they appear in paths.
Kind = Literal["Groups", "Users", "ServicePrincipals"]
ADMINS = "admins"


@dataclass
class Principal:
    """A group, a user or a service principal.

    Attributes:
        kind: the SCIM resource type.
        id: the SCIM ID.
        name: the name in permissions: a group's display name, a user's name, a service principal's application ID.
        display_name: the name that users see.
        roles: ARNs of the instance profiles granted to it.
        groups: names of the groups it is a member of; members of ``admins`` administer the workspace.
        account_level: whether a group belongs to the account, so that the workspace accepts changes to it and does not
            apply them.
    """

    kind: Kind
    id: str
    name: str
    display_name: str
    roles: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    account_level: bool = False

    @property
    def admin(self) -> bool:
        """True if the principal administers the workspace."""
        return ADMINS in self.groups


@dataclass
class Token:
    """The principal of a bearer token, and its expiry in seconds since 1970 (None: it does not expire)."""

    principal_id: str
    expires_at: float | None = None


@dataclass
class InstanceProfile:
    """A registered instance profile."""

    arn: str
    iam_role_arn: str | None = None
    is_meta: bool | None = None


@dataclass
class WorkspaceObject:
    """A folder, a file or a dashboard (then with its ID); times are in milliseconds since 1970."""

    path: str
    object_type: Literal["DIRECTORY", "FILE", "DASHBOARD"]
    object_id: int
    created_at: int
    modified_at: int
    content: bytes = b""
    resource_id: str = ""


@dataclass
class Permission:
    """A principal's permission on a job or a dashboard, granted on the object itself."""

    key: Literal["group_name", "user_name", "service_principal_name"]
    name: str
    level: str


@dataclass
class Job:
    """A job.

    Attributes:
        job_id: the job's ID.
        settings: the settings, with the service's defaults filled in.
        creator: the name of the principal that created the job.
        created_time: milliseconds since 1970.
        permissions: the permissions on the job; exactly one is ``IS_OWNER``, or none if the owner was deleted.
        failures: the number of consecutive failed runs; a continuous job waits longer after each.
        next_start: when a continuous job's next run starts (monotonic clock); None if no run is due.
        next_due: when a scheduled job's next run starts; None if it is not known or there is none.
    """

    job_id: int
    settings: dict[str, Any]
    creator: str
    created_time: int
    permissions: list[Permission] = field(default_factory=list)
    failures: int = 0
    next_start: float | None = None
    next_due: datetime | None = None

    @property
    def run_as(self) -> str:
        """The name of the principal whose permissions the job's runs have."""
        given = self.settings.get("run_as", {})
        owner = next((each.name for each in self.permissions if each.level == "IS_OWNER"), self.creator)
        return str(given.get("service_principal_name") or given.get("user_name") or owner)


@dataclass
class Dashboard:
    """An AI/BI dashboard.

    Attributes:
        content: the draft's document.
        trashed: the folder of the trash that it is in; empty if it is not in the trash.
        published: the published dashboard as the API returns it; None if it is not published.
        published_content: the document that viewers see.
        permissions: the direct permissions on the dashboard.
        stale_reads: how many reads still return ``former``, the state before the last write (None: no dashboard).
    """

    dashboard_id: str
    display_name: str
    parent_path: str
    content: str
    warehouse_id: str
    created: str
    updated: str
    etag: int = 1
    trashed: str = ""
    published: dict[str, Any] | None = None
    published_content: str = ""
    permissions: list[Permission] = field(default_factory=list)
    stale_reads: int = 0
    former: dict[str, Any] | None = None

    @property
    def path(self) -> str:
        """The path in the tree."""
        return f"{self.parent_path}/{self.display_name}.lvdash.json"


@dataclass
class Schema:
    """A Unity Catalog schema."""

    catalog: str
    name: str
    owner: str
    comment: str | None = None


@dataclass
class Volume:
    """A Unity Catalog volume."""

    catalog: str
    schema: str
    name: str
    volume_type: str
    owner: str
    storage_location: str
    comment: str | None = None


@dataclass
class ExternalLocation:
    """A Unity Catalog external location, which governs access below its URL.

    Attributes:
        name: its name.
        url: the URL without a trailing slash.
        credential_name: the storage credential that reads the files.
        owner: the name of the owner.
        read_only: whether nothing can be written below it.
        file_events: whether the service keeps a notification on the bucket (``effective_enable_file_events``).
        fallback: whether a cluster's own credentials are tried if the catalog denies access.
    """

    name: str
    url: str
    credential_name: str
    owner: str
    read_only: bool = False
    file_events: bool = True
    fallback: bool = False


@dataclass
class State:
    """The whole state. Keys are the IDs and names that the API uses; names in Unity Catalog are in lowercase.

    Attributes:
        hive_metastore: whether the workspace has a Hive metastore (not with "Disable legacy access").
        default_catalog: the default catalog of the metastore assignment.
        default_namespace: the default catalog of the newer setting, which overrides the assignment; None if not set.
    """

    principals: dict[str, Principal] = field(default_factory=dict)
    client_secrets: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    instance_profiles: dict[str, InstanceProfile] = field(default_factory=dict)
    objects: dict[str, WorkspaceObject] = field(default_factory=dict)
    jobs: dict[int, Job] = field(default_factory=dict)
    runs: dict[int, Run] = field(default_factory=dict)
    dashboards: dict[str, Dashboard] = field(default_factory=dict)
    warehouses: dict[str, str] = field(default_factory=dict)
    idempotency_tokens: dict[str, int] = field(default_factory=dict)
    catalogs: dict[str, str] = field(default_factory=dict)
    schemas: dict[str, Schema] = field(default_factory=dict)
    volumes: dict[str, Volume] = field(default_factory=dict)
    tables: set[str] = field(default_factory=set)
    external_locations: dict[str, ExternalLocation] = field(default_factory=dict)
    hive_metastore: bool = True
    default_catalog: str = "hive_metastore"
    default_namespace: str | None = None
    grants: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    spark_versions: dict[str, str] = field(default_factory=dict)
    node_types: dict[str, dict[str, Any]] = field(default_factory=dict)
    policies: dict[str, str] = field(default_factory=dict)
    profile_refusals: dict[str, int] = field(default_factory=dict)
    last_id: int = 1000

    def new_id(self) -> int:
        """Return an unused ID."""
        self.last_id += 1
        return self.last_id

    def principal(self, name: str) -> Principal:
        """Return the principal with this name, application ID or display name.

        Raises:
            KeyError: if there is none.
        """
        for principal in self.principals.values():
            if name in (principal.name, principal.display_name):
                return principal
        raise KeyError(name)
