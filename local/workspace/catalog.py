"""Unity Catalog: catalogs, schemas and volumes, and whether a table exists."""

from __future__ import annotations

import re
from typing import Any

from databricks.sdk.service.catalog import SchemasAPI, VolumesAPI

from local.workspace.context import Workspace
from local.workspace.errors import denied, exists, invalid
from local.workspace.exchange import Request
from local.workspace.grants import may
from local.workspace.paging import page_of
from local.workspace.route import Route
from local.workspace.securables import find_catalog, find_schema, find_volume
from local.workspace.shape import of_method
from local.workspace.state import Schema, State, Volume

_NAME = re.compile(r"[^\s/.]{1,255}")


def _get_catalog(workspace: Workspace, request: Request) -> dict[str, Any]:
    return _catalog_document(workspace.state, find_catalog(workspace.state, request.params["name"]))


def _catalog_document(state: State, name: str) -> dict[str, Any]:
    return {"name": name, "full_name": name, "owner": state.catalogs[name], "catalog_type": "MANAGED_CATALOG"}


def _list_catalogs(workspace: Workspace, request: Request) -> dict[str, Any]:
    state = workspace.state
    page, following = page_of(request, sorted(state.catalogs), size="max_results", default=1000, most=10_000)
    return {"catalogs": [_catalog_document(state, name) for name in page], **following}


def _create_schema(workspace: Workspace, request: Request) -> dict[str, Any]:
    state, body = workspace.state, request.body
    catalog, name = find_catalog(state, body["catalog_name"]), _checked(body["name"])
    if not may(state, request.caller, [f"catalog {catalog}"], "CREATE_SCHEMA"):
        raise denied(f"User does not have CREATE SCHEMA on Catalog '{catalog}'.")
    if f"{catalog}.{name}" in state.schemas:
        raise exists(f"Schema '{name}' already exists", "SCHEMA_ALREADY_EXISTS")
    state.schemas[f"{catalog}.{name}"] = Schema(catalog, name, request.caller.name, body.get("comment"))
    return _schema_document(state.schemas[f"{catalog}.{name}"])


def _get_schema(workspace: Workspace, request: Request) -> dict[str, Any]:
    return _schema_document(find_schema(workspace.state, request.params["name"]))


def _schema_document(schema: Schema) -> dict[str, Any]:
    shown = {"name": schema.name, "catalog_name": schema.catalog, "full_name": f"{schema.catalog}.{schema.name}"}
    return {**shown, "owner": schema.owner} | ({"comment": schema.comment} if schema.comment else {})


def _create_volume(workspace: Workspace, request: Request) -> dict[str, Any]:
    state, body = workspace.state, request.body
    inside, name = find_schema(state, f"{body['catalog_name']}.{body['schema_name']}"), _checked(body["name"])
    schema = f"{inside.catalog}.{inside.name}"
    if not may(state, request.caller, [f"schema {schema}", f"catalog {inside.catalog}"], "CREATE_VOLUME"):
        raise denied(f"User does not have CREATE VOLUME on Schema '{schema}'.")
    full_name = f"{schema}.{name}"
    if full_name in state.volumes:
        raise exists(f"Volume '{full_name}' already exists", "ALREADY_EXISTS")
    kind, location = body["volume_type"], body.get("storage_location")
    if kind == "MANAGED" and location:
        raise invalid("CreateVolume storage_location can not be provided.")
    if kind == "EXTERNAL" and not location:
        raise invalid("CreateVolume Missing required field: storage_location")
    owner = request.caller.name
    managed = f"s3://workspace-root/{state.new_id()}/volumes"
    state.volumes[full_name] = Volume(
        inside.catalog, inside.name, name, kind, owner, (location or managed).rstrip("/"), body.get("comment")
    )
    return _volume_document(state.volumes[full_name])


def _get_volume(workspace: Workspace, request: Request) -> dict[str, Any]:
    return _volume_document(find_volume(workspace.state, request.params["name"]))


def _volume_document(volume: Volume) -> dict[str, Any]:
    shown = {
        "name": volume.name,
        "catalog_name": volume.catalog,
        "schema_name": volume.schema,
        "full_name": f"{volume.catalog}.{volume.schema}.{volume.name}",
        "volume_type": volume.volume_type,
        "storage_location": volume.storage_location,
        "owner": volume.owner,
    }
    return shown | ({"comment": volume.comment} if volume.comment else {})


def _table_exists(workspace: Workspace, request: Request) -> dict[str, Any]:
    return {"table_exists": request.params["name"].lower() in workspace.state.tables}


def _checked(name: str) -> str:
    """Return a new name as it is stored."""
    if not _NAME.fullmatch(name):
        raise invalid(f"Invalid name '{name}': no spaces, slashes or dots, 255 characters at most")
    return name.lower()


_API = "/api/2.1/unity-catalog"
ROUTES = (
    Route("GET", f"{_API}/catalogs", _list_catalogs),
    Route("GET", f"{_API}/catalogs/{{name}}", _get_catalog),
    Route("POST", f"{_API}/schemas", _create_schema, shape=of_method(SchemasAPI.create)),
    Route("GET", f"{_API}/schemas/{{name}}", _get_schema),
    Route("POST", f"{_API}/volumes", _create_volume, shape=of_method(VolumesAPI.create)),
    Route("GET", f"{_API}/volumes/{{name}}", _get_volume),
    Route("GET", f"{_API}/tables/{{name}}/exists", _table_exists),
)
