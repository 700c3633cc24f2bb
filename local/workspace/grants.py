"""Grants in Unity Catalog."""

from __future__ import annotations

from typing import Any

from local.workspace.context import Workspace
from local.workspace.errors import denied
from local.workspace.exchange import Request
from local.workspace.route import Route
from local.workspace.securables import find_location, owner_of
from local.workspace.state import Principal, State


def may(state: State, caller: Principal, securables: list[str], privilege: str) -> bool:
    """Return whether a caller owns one of the securables or has the privilege on one of them.

    Privileges are inherited: pass a securable together with those that contain it.
    """
    names = _names(caller)
    for name in securables:
        granted = state.grants.get(name, {})
        if any({privilege, "ALL_PRIVILEGES"} & set(granted.get(holder, [])) for holder in names):
            return True
        if owner_of(state, name) in names:
            return True
    return False


def is_visible(state: State, caller: Principal, securable: str) -> bool:
    """Return whether a caller owns a securable or has any privilege on it."""
    names = _names(caller)
    return owner_of(state, securable) in names or not names.isdisjoint(state.grants.get(securable, {}))


def privileges_on(state: State, principal: Principal, securable: str) -> set[str]:
    """Return a principal's privileges on a securable itself; an owner has all of them."""
    names = _names(principal)
    granted = {
        privilege
        for name, privileges in state.grants.get(securable, {}).items()
        if name in names
        for privilege in privileges
    }
    return granted | ({"ALL_PRIVILEGES"} if owner_of(state, securable) in names else set())


def _names(principal: Principal) -> set[str]:
    """Return the names under which a principal can have privileges."""
    return {principal.name, *principal.groups, "account users"}


def _effective(workspace: Workspace, request: Request) -> dict[str, Any]:
    """List the privileges on an external location."""
    state = workspace.state
    securable = f"external_location {find_location(state, request.params['name']).name}"
    if not is_visible(state, request.caller, securable):
        raise denied(f"User does not have MANAGE on {securable}.")
    shown = [
        {"principal": name, "privileges": [{"privilege": privilege} for privilege in privileges]}
        for name, privileges in state.grants.get(securable, {}).items()
    ]
    # The service returns an empty object if there is none.
    return {"privilege_assignments": shown} if shown else {}


ROUTES = (Route("GET", "/api/2.1/unity-catalog/effective-permissions/external_location/{name}", _effective),)
