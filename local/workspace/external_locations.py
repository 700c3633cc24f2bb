"""External locations of Unity Catalog."""

from __future__ import annotations

from typing import Any

from databricks.sdk.service.catalog import ExternalLocationsAPI

from local.workspace.context import Workspace
from local.workspace.errors import denied, exists
from local.workspace.exchange import Request
from local.workspace.grants import is_visible, may
from local.workspace.paging import page_of
from local.workspace.route import Route
from local.workspace.securables import find_location
from local.workspace.shape import of_method
from local.workspace.state import ExternalLocation

# Few, so that a client meets several pages, and empty ones between them.
_PAGE = 3


def _list(workspace: Workspace, request: Request) -> dict[str, Any]:
    """List what the caller may see. A page without any of it is empty and may still have a next one."""
    state = workspace.state
    every = [state.external_locations[name] for name in sorted(state.external_locations)]
    page, token = page_of(request, every, size="max_results", default=_PAGE, most=1000)
    shown = [_document(one) for one in page if is_visible(state, request.caller, f"external_location {one.name}")]
    answer: dict[str, Any] = {"external_locations": shown} if shown else {}
    return answer | ({"next_page_token": token} if token else {})


def _create(workspace: Workspace, request: Request) -> dict[str, Any]:
    state, body = workspace.state, request.body
    if not request.caller.admin:
        raise denied("User does not have CREATE EXTERNAL LOCATION on Metastore.")
    name = body["name"].lower()
    if name in state.external_locations:
        raise exists(f"External Location '{name}' already exists", "EXTERNAL_LOCATION_ALREADY_EXISTS")
    state.external_locations[name] = ExternalLocation(
        name,
        body["url"].rstrip("/"),
        body["credential_name"],
        request.caller.name,
        read_only=bool(body.get("read_only")),
        # New ones have file events unless they are switched off (databricks-sdk, ExternalLocationInfo).
        file_events=body.get("enable_file_events") is not False,
        fallback=bool(body.get("fallback")),
    )
    return _document(state.external_locations[name])


def _get(workspace: Workspace, request: Request) -> dict[str, Any]:
    found = find_location(workspace.state, request.params["name"])
    if not is_visible(workspace.state, request.caller, f"external_location {found.name}"):
        raise denied(f"User does not have any privilege on External Location '{found.name}'.")
    return _document(found)


def _delete(workspace: Workspace, request: Request) -> dict[str, Any]:
    found = find_location(workspace.state, request.params["name"])
    if not may(workspace.state, request.caller, [f"external_location {found.name}"], "MANAGE"):
        raise denied(f"User is not an owner of External Location '{found.name}'.")
    del workspace.state.external_locations[found.name]
    return {}


def _document(location: ExternalLocation) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "name": location.name,
        "url": location.url,
        "credential_name": location.credential_name,
        "owner": location.owner,
        "read_only": location.read_only,
        "fallback": location.fallback,
        "enable_file_events": location.file_events,
        "effective_enable_file_events": location.file_events,
    }
    if location.file_events:
        shown["effective_file_event_queue"] = {"managed_sqs": {"managed_resource_id": f"csms-{location.name}"}}
    return shown


_API = "/api/2.1/unity-catalog/external-locations"
ROUTES = (
    Route("GET", _API, _list),
    Route("POST", _API, _create, shape=of_method(ExternalLocationsAPI.create)),
    Route("GET", f"{_API}/{{name}}", _get),
    Route("DELETE", f"{_API}/{{name}}", _delete),
)
