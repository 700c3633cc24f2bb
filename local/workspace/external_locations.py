"""Unity Catalog external locations."""

from __future__ import annotations

from typing import Any

from local.workspace.context import Workspace
from local.workspace.exchange import Request
from local.workspace.grants import is_visible
from local.workspace.paging import page_of
from local.workspace.route import Route
from local.workspace.state import ExternalLocation

# Small, so that a client reads several pages, some of them empty.
_PAGE = 3


def _list(workspace: Workspace, request: Request) -> dict[str, Any]:
    """List the external locations that the caller can see. An empty page can still have a next page."""
    state = workspace.state
    locations = [state.external_locations[name] for name in sorted(state.external_locations)]
    page, following = page_of(request, locations, size="max_results", default=_PAGE, most=1000)
    shown = [
        _document(location)
        for location in page
        if is_visible(state, request.caller, f"external_location {location.name}")
    ]
    return {**({"external_locations": shown} if shown else {}), **following}


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


ROUTES = (Route("GET", "/api/2.1/unity-catalog/external-locations", _list),)
