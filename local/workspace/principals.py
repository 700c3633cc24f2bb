"""Principals: the part of SCIM that finds them and grants them instance profiles."""

from __future__ import annotations

import re
from typing import Any, cast, get_args

from databricks.sdk.service import iam

from local.workspace.context import Workspace
from local.workspace.errors import invalid, malformed, not_found
from local.workspace.exchange import Request, Response
from local.workspace.route import Route
from local.workspace.shape import Field
from local.workspace.state import Kind, Principal, State

_FILTER = re.compile(r'\s*(\w+)\s+eq\s+"((?:[^"\\]|\\.)*)"\s*', re.IGNORECASE)
_ONE_ROLE = re.compile(r'roles\[\s*value\s+eq\s+"([^"]+)"\s*\]', re.IGNORECASE)
_PATCH = {"Operations": Field(list[iam.Patch], True), "schemas": Field(list[iam.PatchSchema], True)}

# The largest page of a list.
PAGE = 10_000


def document(state: State, principal: Principal) -> dict[str, Any]:
    """Return a principal in SCIM's format."""
    shown: dict[str, Any] = {
        "id": principal.id,
        "displayName": principal.display_name,
        "groups": [
            {"display": group.name, "value": group.id, "type": "direct", "$ref": f"Groups/{group.id}"}
            for group in state.principals.values()
            if group.kind == "Groups" and group.name in principal.groups
        ],
    }
    if principal.kind == "Groups":
        shown["members"] = [
            {"display": member.display_name, "value": member.id, "$ref": f"{member.kind}/{member.id}"}
            for member in state.principals.values()
            if principal.name in member.groups
        ]
        shown["meta"] = {"resourceType": "Group" if principal.account_level else "WorkspaceGroup"}
    elif principal.kind == "Users":
        shown |= {"userName": principal.name, "active": True}
        shown["emails"] = [{"value": principal.name, "type": "work", "primary": True}]
    else:
        shown |= {"applicationId": principal.name, "active": True}
    if principal.roles:
        shown["roles"] = [{"value": arn} for arn in principal.roles]
    return shown


def _me(workspace: Workspace, request: Request) -> dict[str, Any]:
    shown = document(workspace.state, request.caller)
    # Here the service returns a service principal's application ID as its user name.
    return shown | {"userName": request.caller.name}


def _list(workspace: Workspace, request: Request) -> dict[str, Any]:
    """List one page; ``startIndex`` counts from 1."""
    state, kind = workspace.state, _kind(request)
    matching = [document(state, principal) for principal in state.principals.values() if principal.kind == kind]
    if condition := request.query.get("filter"):
        matching = [shown for shown in matching if _matches(shown, condition)]
    start, count = max(request.number("startIndex", 1), 1), min(request.number("count", PAGE), PAGE)
    page = matching[start - 1 : start - 1 + count]
    return {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": len(matching),
        "startIndex": start,
        "itemsPerPage": len(page),
        "Resources": page,
    }


def _matches(shown: dict[str, Any], condition: str) -> bool:
    if (parsed := _FILTER.fullmatch(condition)) is None:
        raise invalid(f"Filter {condition} is not supported")
    attribute, value = parsed[1].lower(), parsed[2].replace('\\"', '"').lower()
    # SCIM compares names case-insensitively (RFC 7643, 2.2).
    return any(str(shown[key]).lower() == value for key in shown if key.lower() == attribute)


def _get(workspace: Workspace, request: Request) -> dict[str, Any]:
    return document(workspace.state, _existing(workspace, request))


def _patch(workspace: Workspace, request: Request) -> Response:
    """Add and remove roles, the only changes that are supported here."""
    principal = _existing(workspace, request)
    roles = list(principal.roles)
    for operation in request.body["Operations"]:
        roles = _changed(roles, operation)
    if not principal.account_level:
        principal.roles = roles
    return Response(status=204)


def _changed(roles: list[str], operation: dict[str, Any]) -> list[str]:
    op, path, value = operation.get("op"), operation.get("path") or "", operation.get("value")
    if op == "add" and path == "roles":
        return list(dict.fromkeys([*roles, *_values(value)]))
    if op == "remove" and (role := _ONE_ROLE.fullmatch(path)):
        return [arn for arn in roles if arn != role[1]]
    raise invalid(f"Operation {op} with path '{path}' is not supported")


def _values(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(role, dict) and "value" in role for role in value):
        raise malformed("Request is unparsable, syntactically incorrect, or violates schema.")
    return [role["value"] for role in value]


def _kind(request: Request) -> Kind:
    return cast(Kind, request.path.split("/")[6])


def _existing(workspace: Workspace, request: Request) -> Principal:
    principal = workspace.state.principals.get(request.params["id"])
    if principal is None or principal.kind != _kind(request):
        noun = {"Groups": "Group", "Users": "User", "ServicePrincipals": "Service principal"}[_kind(request)]
        raise not_found(f"{noun} with id {request.params['id']} not found.")
    return principal


_API = "/api/2.0/preview/scim/v2"
ROUTES = (
    Route("GET", f"{_API}/Me", _me),
    *(
        route
        for kind in get_args(Kind)
        for route in (
            Route("GET", f"{_API}/{kind}", _list),
            Route("GET", f"{_API}/{kind}/{{id}}", _get),
            Route("PATCH", f"{_API}/{kind}/{{id}}", _patch, shape=_PATCH, admin=True),
        )
    ),
)
