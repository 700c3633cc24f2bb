"""What a workspace holds: plain data, for tests to read and to prepare."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from local.workspace.run_state import Run

# The SCIM resource types, as they stand in the paths.
Kind = Literal["Groups", "Users", "ServicePrincipals"]
ADMINS = "admins"


@dataclass
class Principal:
    """A group, a user or a service principal.

    Attributes:
        kind: which of the three.
        id: the SCIM id.
        name: what permissions name it by: a group's display name, a user's name, a service principal's application id.
        display_name: what people call it.
        roles: ARNs of the instance profiles it was granted.
        groups: names of the groups it is a member of; members of ``admins`` administer the workspace.
        account_level: for a group: kept in the account, so that a change here is answered with success and not made.
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
        """Whether it administers the workspace."""
        return ADMINS in self.groups


@dataclass
class Token:
    """Who a bearer token stands for, and until when (seconds since 1970; None = it does not end)."""

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
    """A folder or file of the workspace's file tree; times are milliseconds since 1970."""

    path: str
    object_type: Literal["DIRECTORY", "FILE"]
    object_id: int
    created_at: int
    modified_at: int
    content: bytes = b""


@dataclass
class Permission:
    """What one principal may do with one job, granted on the job itself."""

    key: Literal["group_name", "user_name", "service_principal_name"]
    name: str
    level: str


@dataclass
class Job:
    """A job.

    Attributes:
        job_id: its id.
        settings: its settings with the service's defaults filled in.
        creator: who made it.
        created_time: milliseconds since 1970.
        permissions: granted on the job; exactly one is ``IS_OWNER``, or none where the owner was deleted.
        failures: how many runs failed one after the other; a continuous job waits longer after each.
        next_start: for a continuous job, when its next run starts (monotonic clock); None = it waits for nothing.
    """

    job_id: int
    settings: dict[str, Any]
    creator: str
    created_time: int
    permissions: list[Permission] = field(default_factory=list)
    failures: int = 0
    next_start: float | None = None

    @property
    def run_as(self) -> str:
        """Name of the principal with whose rights it runs."""
        given = self.settings.get("run_as", {})
        owner = next((one.name for one in self.permissions if one.level == "IS_OWNER"), self.creator)
        return str(given.get("service_principal_name") or given.get("user_name") or owner)


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
    """An external location of Unity Catalog: below its URL the catalog decides who reads and writes.

    Attributes:
        name: its name.
        url: without a slash at the end.
        credential_name: the storage credential that files are read with.
        owner: who owns it.
        read_only: whether nothing can be written below it.
        file_events: whether the service keeps a notification on the bucket (``effective_enable_file_events``).
        fallback: whether a cluster's own credentials are tried where the catalog refuses.
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
    """Everything there is; keys are the ids and names that the API uses. Names of Unity Catalog are lower case.

    Attributes:
        hive_metastore: whether the workspace has a Hive metastore (not with "Disable legacy access").
        default_catalog: the catalog of the metastore assignment, which names without a catalog mean.
        default_namespace: the same by the newer setting, which wins; None where nobody set it.
    """

    principals: dict[str, Principal] = field(default_factory=dict)
    client_secrets: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    instance_profiles: dict[str, InstanceProfile] = field(default_factory=dict)
    objects: dict[str, WorkspaceObject] = field(default_factory=dict)
    jobs: dict[int, Job] = field(default_factory=dict)
    runs: dict[int, Run] = field(default_factory=dict)
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
        """Return an id that nothing else has."""
        self.last_id += 1
        return self.last_id

    def principal(self, name: str) -> Principal:
        """Return the principal of this name, application id or display name.

        Raises:
            KeyError: when there is none.
        """
        for one in self.principals.values():
            if name in (one.name, one.display_name):
                return one
        raise KeyError(name)
