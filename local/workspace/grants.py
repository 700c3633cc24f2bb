"""Grants in Unity Catalog."""

from __future__ import annotations

from typing import Any

from databricks.sdk.service.catalog import GrantsAPI

from local.workspace.context import Workspace
from local.workspace.errors import denied, invalid, not_found
from local.workspace.exchange import Request
from local.workspace.route import Route
from local.workspace.securables import find_catalog, find_location, find_schema, find_table, find_volume, owner_of
from local.workspace.shape import of_method
from local.workspace.state import Principal, State


def may(state: State, caller: Principal, securables: list[str], privilege: str) -> bool:
    """Return whether a caller owns one of these, or was granted the privilege on one; a grant goes downwards."""
    names = {caller.name, *caller.groups, "account users"}
    for name in securables:
        granted = state.grants.get(name, {})
        if any({privilege, "ALL_PRIVILEGES"} & set(granted.get(one, [])) for one in names):
            return True
        if owner_of(state, name) in names:
            return True
    return False


def is_visible(state: State, caller: Principal, securable: str) -> bool:
    """Return whether a caller owns a securable, or has some privilege on it."""
    names = {caller.name, *caller.groups, "account users"}
    return owner_of(state, securable) in names or not names.isdisjoint(state.grants.get(securable, {}))


def privileges_on(state: State, principal: Principal, securable: str) -> set[str]:
    """Return the privileges that a principal was granted on a securable itself; an owner has all of them."""
    names = {principal.name, *principal.groups, "account users"}
    granted = {
        one for name, privileges in state.grants.get(securable, {}).items() if name in names for one in privileges
    }
    return granted | ({"ALL_PRIVILEGES"} if owner_of(state, securable) in names else set())


def _grants(workspace: Workspace, request: Request) -> dict[str, Any]:
    return _grants_document(workspace.state, _securable(workspace.state, request))


def _change_grants(workspace: Workspace, request: Request) -> dict[str, Any]:
    state, securable = workspace.state, _securable(workspace.state, request)
    if not may(state, request.caller, [securable], "MANAGE"):
        raise denied(f"User does not have MANAGE on {securable}.")
    granted = state.grants.setdefault(securable, {})
    for change in request.body.get("changes") or []:
        name = change.get("principal") or ""
        if name != "account users" and all(one.name != name for one in state.principals.values()):
            raise not_found(f"Could not find principal with name {name}", "PRINCIPAL_DOES_NOT_EXIST")
        kept = [one for one in granted.get(name, []) if one not in (change.get("remove") or [])]
        granted[name] = sorted({*kept, *(change.get("add") or [])})
    state.grants[securable] = {name: privileges for name, privileges in granted.items() if privileges}
    return _grants_document(state, securable)


def _securable(state: State, request: Request) -> str:
    kind, name = request.params["kind"].lower(), request.params["name"].lower()
    finders: dict[str, Any] = {
        "catalog": find_catalog,
        "schema": find_schema,
        "volume": find_volume,
        "table": find_table,
        "external_location": find_location,
    }
    if kind not in finders:
        raise invalid(f"Invalid securable type '{kind}'")
    finders[kind](state, name)
    return f"{kind} {name}"


def _grants_document(state: State, securable: str) -> dict[str, Any]:
    granted = state.grants.get(securable, {})
    return {"privilege_assignments": [{"principal": name, "privileges": list(one)} for name, one in granted.items()]}


def _effective(workspace: Workspace, request: Request) -> dict[str, Any]:
    """Show what was granted on a securable or on what it is in; of nobody else where a principal is named."""
    state, securable = workspace.state, _securable(workspace.state, request)
    if not is_visible(state, request.caller, securable):
        raise denied(f"User does not have MANAGE on {securable}.")
    only = request.query.get("principal")
    shown = [
        {"principal": name, "privileges": [{"privilege": one} for one in privileges]}
        for name, privileges in state.grants.get(securable, {}).items()
        if only in (None, name)
    ]
    # Nothing there is answered with an empty object.
    return {"privilege_assignments": shown} if shown else {}


_PATH = "/api/2.1/unity-catalog/permissions/{kind}/{name}"
_EFFECTIVE = "/api/2.1/unity-catalog/effective-permissions/{kind}/{name}"
ROUTES = (
    Route("GET", _EFFECTIVE, _effective),
    Route("GET", _PATH, _grants),
    Route("PATCH", _PATH, _change_grants, shape=of_method(GrantsAPI.update, but=("securable_type", "full_name"))),
)
