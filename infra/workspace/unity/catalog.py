"""Unity Catalog: the schema and the volume that the job writes to, created if they are missing, never dropped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import NotFound, PermissionDenied
from databricks.sdk.errors.base import DatabricksError
from databricks.sdk.service.catalog import VolumeType

from infra.workspace.errors import DeploymentError
from infra.workspace.explain import saying, words_of
from infra.workspace.step import Step
from infra.workspace.unity.unity_names import UnityNames


def problems(client: WorkspaceClient, names: UnityNames) -> list[str]:
    """Return one problem for each catalog that is not there."""
    found = []
    for catalog in names.catalogs:
        with saying(f"Looking for the catalog {catalog}"):
            if not _is_visible(client, catalog):
                found.append(
                    f"there is no catalog {catalog!r} (job.table, job.checkpoint_path), or the service principal may "
                    "not see it: create it, or grant USE CATALOG and CREATE SCHEMA on it"
                )
    return found


def notes(names: UnityNames, table: str) -> list[Step]:
    """Return a note for each name that cannot be checked."""
    if not names.unknown:
        return []
    text = (
        f"job.table {table!r} belongs to the workspace's default catalog, which cannot be read: neither catalog nor "
        "schema are checked or created. If the verify run cannot find them, name the table with all three parts "
        "(catalog.schema.name)"
    )
    return [Step("default catalog", "note", text)]


def create(client: WorkspaceClient, names: UnityNames) -> list[Step]:
    """Create the schemas and volumes that are missing.

    Raises:
        DeploymentError: a privilege is missing, or the workspace refuses.
    """
    return [
        *(_made(f"schema {name}", client.schemas.get, name, _schema(client, name)) for name in names.schemas),
        *(_made(f"volume {name}", client.volumes.read, name, _volume(client, name)) for name in names.volumes),
    ]


def _schema(client: WorkspaceClient, full_name: str) -> Callable[[], Any]:
    catalog, name = full_name.split(".")
    return lambda: client.schemas.create(name=name, catalog_name=catalog)


def _volume(client: WorkspaceClient, full_name: str) -> Callable[[], Any]:
    catalog, schema, name = full_name.split(".")
    return lambda: client.volumes.create(
        catalog_name=catalog, schema_name=schema, name=name, volume_type=VolumeType.MANAGED
    )


def _made(what: str, look: Callable[[str], Any], name: str, make: Callable[[], Any]) -> Step:
    with saying(f"Creating the {what}"):
        try:
            if _exists(look, name):
                return Step(what, "unchanged")
            make()
        except PermissionDenied as error:
            raise DeploymentError(
                f"The service principal may not create the {what}",
                words=words_of(error),
                advice="Grant it USE CATALOG and CREATE SCHEMA on the catalog (for a volume USE SCHEMA and CREATE "
                "VOLUME on the schema), or create it by hand, and deploy again",
            ) from error
        except DatabricksError:
            # Created in the meantime, or by an earlier request whose answer got lost.
            if not _exists(look, name):
                raise
        return Step(what, "created")


def _exists(look: Callable[[str], Any], name: str) -> bool:
    try:
        look(name)
    except NotFound:
        return False
    return True


def _is_visible(client: WorkspaceClient, catalog: str) -> bool:
    try:
        return _exists(client.catalogs.get, catalog)
    except PermissionDenied:
        return False
