"""Unity Catalog schemas and volumes that the job writes to. They are created if missing and never dropped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import NotFound, PermissionDenied
from databricks.sdk.errors.base import DatabricksError
from databricks.sdk.service.catalog import VolumeType

from infra.workspace.errors import DeploymentError
from infra.workspace.explain import explaining, message_of
from infra.workspace.step import Step
from infra.workspace.unity.unity_names import UnityNames


def problems(client: WorkspaceClient, names: UnityNames) -> list[str]:
    """Return one problem for each catalog that is missing or not visible."""
    missing = []
    for catalog in names.catalogs:
        with explaining(f"Looking for the catalog {catalog}"):
            if not _is_visible(client, catalog):
                missing.append(
                    f"there is no catalog {catalog!r} (job.table, job.checkpoint_path), or the service principal "
                    "cannot see it: create it, or grant USE CATALOG and CREATE SCHEMA on it"
                )
    return missing


def notes(names: UnityNames, table: str) -> list[Step]:
    """Return a note if the table's name cannot be checked."""
    if not names.unknown:
        return []
    text = (
        f"job.table {table!r} belongs to the workspace's default catalog, which cannot be read, so the catalog and the "
        "schema are neither checked nor created. If the verify run cannot find them, use a table name with all three "
        "parts (catalog.schema.name)"
    )
    return [Step("default catalog", "note", text)]


def create(client: WorkspaceClient, names: UnityNames) -> list[Step]:
    """Create the schemas and volumes that are missing.

    Raises:
        DeploymentError: a privilege is missing, or the workspace rejects the request.
    """
    return [
        *(_ensure(f"schema {name}", client.schemas.get, name, _schema(client, name)) for name in names.schemas),
        *(_ensure(f"volume {name}", client.volumes.read, name, _volume(client, name)) for name in names.volumes),
    ]


def _schema(client: WorkspaceClient, full_name: str) -> Callable[[], Any]:
    catalog, name = full_name.split(".")
    return lambda: client.schemas.create(name=name, catalog_name=catalog)


def _volume(client: WorkspaceClient, full_name: str) -> Callable[[], Any]:
    catalog, schema, name = full_name.split(".")
    return lambda: client.volumes.create(
        catalog_name=catalog, schema_name=schema, name=name, volume_type=VolumeType.MANAGED
    )


def _ensure(what: str, read: Callable[[str], Any], name: str, create: Callable[[], Any]) -> Step:
    with explaining(f"Creating the {what}"):
        try:
            if _exists(read, name):
                return Step(what, "unchanged")
            create()
        except PermissionDenied as error:
            raise DeploymentError(
                f"The service principal is not allowed to create the {what}",
                detail=message_of(error),
                advice="Grant it USE CATALOG and CREATE SCHEMA on the catalog (for a volume, USE SCHEMA and CREATE "
                f"VOLUME on the schema), or create the {what} by hand. Then deploy again",
            ) from error
        except DatabricksError:
            # It may exist now: another principal or an earlier request whose response was lost may have created it.
            if not _exists(read, name):
                raise
        return Step(what, "created")


def _exists(read: Callable[[str], Any], name: str) -> bool:
    try:
        read(name)
    except NotFound:
        return False
    return True


def _is_visible(client: WorkspaceClient, catalog: str) -> bool:
    try:
        return _exists(client.catalogs.get, catalog)
    except PermissionDenied:
        return False
