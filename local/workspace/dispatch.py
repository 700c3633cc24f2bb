"""Dispatch a raw request: find the endpoint, identify the caller, check the body, and respond."""

from __future__ import annotations

import json
from dataclasses import dataclass
from email.message import Message
from typing import Any

from local.workspace import (
    catalog,
    clusters,
    dashboard_permissions,
    dashboards,
    external_locations,
    files,
    grants,
    job_permissions,
    jobs,
    metastore,
    principals,
    profiles,
    run_api,
    run_page,
    signing_in,
    warehouses,
)
from local.workspace.context import Workspace
from local.workspace.errors import ApiError, denied, malformed
from local.workspace.exchange import Request, Response
from local.workspace.route import Route, find
from local.workspace.shape import check
from local.workspace.state import Principal

ROUTES: tuple[Route, ...] = (
    *signing_in.ROUTES,
    *principals.ROUTES,
    *profiles.ROUTES,
    *files.ROUTES,
    *clusters.ROUTES,
    *jobs.ROUTES,
    *run_api.ROUTES,
    *run_page.ROUTES,
    *job_permissions.ROUTES,
    *dashboards.ROUTES,
    *dashboard_permissions.ROUTES,
    *warehouses.ROUTES,
    *catalog.ROUTES,
    *external_locations.ROUTES,
    *metastore.ROUTES,
    *grants.ROUTES,
)
_NOBODY = Principal("Users", "", "", "")


@dataclass(frozen=True)
class RawRequest:
    """A request as it arrived, with its path decoded."""

    method: str
    path: str
    query: dict[str, str]
    headers: Message
    content: bytes


def respond(workspace: Workspace, raw: RawRequest) -> tuple[Response, str]:
    """Answer a request.

    Returns:
        The response, and the caller's name, which is empty if the caller was not identified.
    """
    caller = _NOBODY
    try:
        endpoint = find(ROUTES, raw.method, raw.path)
        if endpoint is None:
            raise ApiError(
                404, "ENDPOINT_NOT_FOUND", f"No API found for '{raw.method} {raw.path.removeprefix('/api')}'"
            )
        route, params = endpoint
        if not route.open:
            caller = signing_in.caller_of(workspace.state, raw.headers.get("Authorization", ""))
        if route.admin and not caller.admin:
            raise denied("Only admins can perform this operation")
        request = Request(
            raw.path,
            raw.query,
            params,
            _json_body(raw, route),
            raw.content,
            caller,
            raw.headers.get("Authorization", ""),
        )
        answer = route.handler(workspace, request)
        return answer if isinstance(answer, Response) else Response(answer), caller.name
    except ApiError as error:
        return refusal(error), caller.name


def refusal(error: ApiError) -> Response:
    """Return an error in the service's format."""
    return Response(
        {"error_code": error.code, "message": error.message}, status=error.status, headers=dict(error.headers)
    )


def _json_body(raw: RawRequest, route: Route) -> dict[str, Any]:
    body: dict[str, Any] = {}
    if raw.content and (route.shape or raw.headers.get("Content-Type", "").startswith("application/json")):
        try:
            parsed = json.loads(raw.content)
        except ValueError:
            raise malformed("Invalid JSON given in the body of the request - failed to parse given JSON") from None
        if not isinstance(parsed, dict):
            raise malformed("Invalid JSON given in the body of the request - expected a map")
        body = parsed
    if route.shape is not None:
        check(body, route.shape)
    return body
