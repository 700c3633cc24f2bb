"""Unity Catalog: catalogs, schemas, volumes and tables."""

from __future__ import annotations

import re
from typing import Any

from databricks.sdk.service.catalog import CatalogsAPI, SchemasAPI, VolumesAPI

from local.workspace.context import Workspace
from local.workspace.errors import ApiError, denied, exists, invalid
from local.workspace.exchange import Request
from local.workspace.grants import may
from local.workspace.paging import page_of
from local.workspace.route import Route
from local.workspace.securables import find_catalog, find_schema, find_table, find_volume
from local.workspace.shape import of_method
from local.workspace.state import Schema, State, Table, Volume

_NAME = re.compile(r"[^\s/.]{1,255}")


def _get_catalog(workspace: Workspace, request: Request) -> dict[str, Any]:
    return _catalog_document(workspace.state, find_catalog(workspace.state, request.params["name"]))


def _catalog_document(state: State, name: str) -> dict[str, Any]:
    return {"name": name, "full_name": name, "owner": state.catalogs[name], "catalog_type": "MANAGED_CATALOG"}


def _list_catalogs(workspace: Workspace, request: Request) -> dict[str, Any]:
    state = workspace.state
    return _page(request, "catalogs", [_catalog_document(state, name) for name in sorted(state.catalogs)])


def _create_catalog(workspace: Workspace, request: Request) -> dict[str, Any]:
    state, name = workspace.state, _checked(request.body["name"])
    if not request.caller.admin:
        raise denied("User does not have CREATE CATALOG on Metastore.")
    if name in state.catalogs:
        raise exists(f"Catalog '{name}' already exists", "CATALOG_ALREADY_EXISTS")
    state.catalogs[name] = request.caller.name
    return _catalog_document(state, name)


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


def _list_schemas(workspace: Workspace, request: Request) -> dict[str, Any]:
    catalog = find_catalog(workspace.state, request.required("catalog_name"))
    found = [one for one in workspace.state.schemas.values() if one.catalog == catalog]
    return _page(request, "schemas", [_schema_document(one) for one in found])


def _delete_schema(workspace: Workspace, request: Request) -> dict[str, Any]:
    state, full_name = workspace.state, request.params["name"].lower()
    find_schema(state, full_name)
    inside = [name for name in (*state.volumes, *state.tables) if name.startswith(f"{full_name}.")]
    if inside:
        raise ApiError(
            400, "INVALID_STATE", f"Schema '{full_name}' is not empty. The schema has {len(inside)} object(s)"
        )
    del state.schemas[full_name]
    return {}


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


def _list_volumes(workspace: Workspace, request: Request) -> dict[str, Any]:
    schema = f"{request.required('catalog_name')}.{request.required('schema_name')}".lower()
    find_schema(workspace.state, schema)
    found = [one for name, one in workspace.state.volumes.items() if name.rpartition(".")[0] == schema]
    return _page(request, "volumes", [_volume_document(one) for one in found])


def _delete_volume(workspace: Workspace, request: Request) -> dict[str, Any]:
    full_name, state = request.params["name"].lower(), workspace.state
    find_volume(state, full_name)
    del state.volumes[full_name]
    root = "/Volumes/" + full_name.replace(".", "/")
    state.volume_files = {path: content for path, content in state.volume_files.items() if not path.startswith(root)}
    return {}


def _get_table(workspace: Workspace, request: Request) -> dict[str, Any]:
    return _table_document(find_table(workspace.state, request.params["name"]))


def _table_document(table: Table) -> dict[str, Any]:
    return {
        "name": table.name,
        "catalog_name": table.catalog,
        "schema_name": table.schema,
        "full_name": f"{table.catalog}.{table.schema}.{table.name}",
        "table_type": table.table_type,
        "data_source_format": "DELTA",
        "storage_location": table.storage_location,
        "owner": table.owner,
    }


def _table_exists(workspace: Workspace, request: Request) -> dict[str, Any]:
    return {"table_exists": request.params["name"].lower() in workspace.state.tables}


def _list_tables(workspace: Workspace, request: Request) -> dict[str, Any]:
    schema = f"{request.required('catalog_name')}.{request.required('schema_name')}".lower()
    find_schema(workspace.state, schema)
    found = [one for name, one in workspace.state.tables.items() if name.rpartition(".")[0] == schema]
    return _page(request, "tables", [_table_document(one) for one in found])


def _checked(name: str) -> str:
    """Return a new name as it is kept."""
    if not _NAME.fullmatch(name):
        raise invalid(f"Invalid name '{name}': no spaces, slashes or dots, 255 characters at most")
    return name.lower()


def _page(request: Request, key: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    page, token = page_of(request, items, size="max_results", default=1000, most=10_000)
    return {key: page} | ({"next_page_token": token} if token else {})


_API = "/api/2.1/unity-catalog"
ROUTES = (
    Route("GET", f"{_API}/catalogs", _list_catalogs),
    Route("POST", f"{_API}/catalogs", _create_catalog, shape=of_method(CatalogsAPI.create)),
    Route("GET", f"{_API}/catalogs/{{name}}", _get_catalog),
    Route("GET", f"{_API}/schemas", _list_schemas),
    Route("POST", f"{_API}/schemas", _create_schema, shape=of_method(SchemasAPI.create)),
    Route("GET", f"{_API}/schemas/{{name}}", _get_schema),
    Route("DELETE", f"{_API}/schemas/{{name}}", _delete_schema),
    Route("GET", f"{_API}/volumes", _list_volumes),
    Route("POST", f"{_API}/volumes", _create_volume, shape=of_method(VolumesAPI.create)),
    Route("GET", f"{_API}/volumes/{{name}}", _get_volume),
    Route("DELETE", f"{_API}/volumes/{{name}}", _delete_volume),
    Route("GET", f"{_API}/tables", _list_tables),
    Route("GET", f"{_API}/tables/{{name}}", _get_table),
    Route("GET", f"{_API}/tables/{{name}}/exists", _table_exists),
)
