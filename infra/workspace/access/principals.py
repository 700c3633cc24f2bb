"""Find groups, users and service principals of a workspace by name, and read and change their instance profiles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from databricks.sdk import WorkspaceClient
from databricks.sdk.service import iam

from infra.workspace.explain import explaining
from infra.workspace.spec import Principals

Kind = Literal["group", "user", "service principal"]

# The attribute that identifies each kind, in SCIM's spelling and in the SDK's.
_KEYS = {
    "group": ("displayName", "display_name"),
    "user": ("userName", "user_name"),
    "service principal": ("applicationId", "application_id"),
}


@dataclass(frozen=True, order=True)
class Principal:
    """A group, user or service principal, such as ``group network-engineers``."""

    kind: Kind
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    @classmethod
    def of(cls, text: str) -> Principal:
        """Return the principal named by a string."""
        kind = next(kind for kind in _KEYS if text.startswith(f"{kind} "))
        return cls(kind=kind, name=text.removeprefix(f"{kind} "))  # type: ignore[arg-type]


def named(principals: Principals) -> list[Principal]:
    """Return the principals of the settings in order, without duplicates."""
    all_principals = [
        *(Principal("group", name) for name in principals.groups),
        *(Principal("user", name) for name in principals.users),
        *(Principal("service principal", name) for name in principals.service_principals),
    ]
    return list(dict.fromkeys(all_principals))


def ids(client: WorkspaceClient, principals: Iterable[Principal]) -> dict[Principal, str]:
    """Return the IDs of the principals that exist in the workspace."""
    with explaining("Looking up groups, users and service principals"):
        id_by_principal = {principal: _id(client, principal) for principal in principals}
    return {principal: id_ for principal, id_ in id_by_principal.items() if id_ is not None}


def roles(client: WorkspaceClient, kind: Kind, id_: str) -> list[str]:
    """Return the roles of a principal: the ARNs of its instance profiles."""
    return _roles(_api(client, kind).get(id_))


def holders(client: WorkspaceClient, arn: str) -> Iterator[Principal]:
    """Yield every principal that may use a profile, regardless of the origin of the grant."""
    for kind, (scim, attribute) in _KEYS.items():
        for entry in _api(client, kind).list(attributes=f"id,{scim},roles"):
            if arn in _roles(entry):
                yield Principal(kind, getattr(entry, attribute) or entry.id)  # type: ignore[arg-type]


def patch(client: WorkspaceClient, kind: Kind, id_: str, operation: iam.Patch) -> None:
    """Change a principal's roles."""
    schemas = [iam.PatchSchema.URN_IETF_PARAMS_SCIM_API_MESSAGES_2_0_PATCH_OP]
    _api(client, kind).patch(id_, operations=[operation], schemas=schemas)


def unknown(principals: Sequence[Principal], known: Iterable[Principal]) -> list[str]:
    """Return one problem for each unknown principal."""
    existing = set(known)
    return [f"there is no {principal.kind} {principal.name!r}" for principal in principals if principal not in existing]


def _id(client: WorkspaceClient, principal: Principal) -> str | None:
    scim, attribute = _KEYS[principal.kind]
    quoted = principal.name.replace("\\", "\\\\").replace('"', '\\"')
    for entry in _api(client, principal.kind).list(filter=f'{scim} eq "{quoted}"', attributes=f"id,{scim}"):
        # SCIM ignores case. A name that is only similar is reported as unknown and never accepted.
        if (getattr(entry, attribute) or "").casefold() == principal.name.casefold():
            id_: str | None = entry.id
            return id_
    return None


def _api(client: WorkspaceClient, kind: str) -> Any:
    return {"group": client.groups, "user": client.users, "service principal": client.service_principals}[kind]


def _roles(entry: Any) -> list[str]:
    return [role.value for role in entry.roles or [] if role.value]
