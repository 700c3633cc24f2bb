"""Look up Unity Catalog objects and their owners by full name.

Unity Catalog stores names in lowercase, and lookups ignore case.
"""

from __future__ import annotations

from local.workspace.errors import not_found
from local.workspace.state import ExternalLocation, Schema, State, Volume


def find_catalog(state: State, name: str) -> str:
    """Return a catalog's name as it is stored.

    Raises:
        ApiError: if the catalog does not exist.
    """
    if name.lower() not in state.catalogs:
        raise not_found(f"Catalog '{name}' does not exist.", "CATALOG_DOES_NOT_EXIST")
    return name.lower()


def find_schema(state: State, full_name: str) -> Schema:
    """Return a schema.

    Raises:
        ApiError: if the schema or its catalog does not exist.
    """
    find_catalog(state, full_name.partition(".")[0])
    if full_name.lower() not in state.schemas:
        raise not_found(f"Schema '{full_name}' does not exist.", "SCHEMA_DOES_NOT_EXIST")
    return state.schemas[full_name.lower()]


def find_volume(state: State, full_name: str) -> Volume:
    """Return a volume.

    Raises:
        ApiError: if the volume, its schema or its catalog does not exist.
    """
    find_schema(state, full_name.rpartition(".")[0])
    if full_name.lower() not in state.volumes:
        raise not_found(f"Volume '{full_name}' does not exist.")
    return state.volumes[full_name.lower()]


def find_location(state: State, name: str) -> ExternalLocation:
    """Return an external location.

    Raises:
        ApiError: if it does not exist.
    """
    if name.lower() not in state.external_locations:
        raise not_found(f"External Location '{name}' does not exist.", "EXTERNAL_LOCATION_DOES_NOT_EXIST")
    return state.external_locations[name.lower()]


def owner_of(state: State, securable: str) -> str:
    """Return the owner of a securable, such as ``catalog main``: a catalog, schema or external location."""
    kind, _, name = securable.partition(" ")
    if kind == "catalog":
        return state.catalogs[name]
    return state.schemas[name].owner if kind == "schema" else state.external_locations[name].owner
