"""Unity Catalog: the schema and the volume that the job writes to, made if they are missing, and never dropped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import NotFound, PermissionDenied
from databricks.sdk.errors.base import DatabricksError
from databricks.sdk.service.catalog import VolumeType

from infra.workspace.answers import saying
from infra.workspace.errors import DeploymentError
from infra.workspace.outcome import Step
from infra.workspace.spec import WorkspaceSpec

# Catalogs that are not Unity Catalog's: nothing can be made there, and the job finds out what works.
_LEGACY = ("hive_metastore", "spark_catalog")


def volumes(spec: WorkspaceSpec) -> list[str]:
    """Full name of the volume that the checkpoint lies in, if it lies in one; a table cannot."""
    names = spec.job.parameters["checkpoint-path"].split("/")
    return [".".join(names[2:5])] if names[:2] == ["", "Volumes"] and len(names) > 4 and all(names[2:5]) else []


def schemas(spec: WorkspaceSpec) -> list[str]:
    """Full names of the schemas of table and volumes; none for tables of the Hive metastore."""
    table = spec.table.split(".")
    of_table = {".".join(table[:2])} if len(table) == 3 and table[0] not in _LEGACY else set()
    return sorted(of_table | {volume.rpartition(".")[0] for volume in volumes(spec)})


def problems(client: WorkspaceClient, spec: WorkspaceSpec) -> list[str]:
    """One problem for each catalog that is not there."""
    found = []
    for catalog in sorted({schema.split(".")[0] for schema in schemas(spec)}):
        with saying(f"Looking for the catalog {catalog}"):
            if not _is_visible(client, catalog):
                found.append(
                    f"there is no catalog {catalog!r} (job.table, job.checkpoint_path), or the service principal may "
                    "not see it: make it, or grant USE CATALOG and CREATE SCHEMA on it"
                )
    return found


def create(client: WorkspaceClient, spec: WorkspaceSpec) -> list[Step]:
    """Make the schemas and volumes that are missing.

    Raises:
        DeploymentError: a privilege is missing, or the workspace refuses.
    """
    return [
        *(_made(f"schema {name}", client.schemas.get, name, _schema(client, name)) for name in schemas(spec)),
        *(_made(f"volume {name}", client.volumes.read, name, _volume(client, name)) for name in volumes(spec)),
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
    with saying(f"Making the {what}"):
        try:
            if _exists(look, name):
                return Step(what, "unchanged")
            make()
        except PermissionDenied as error:
            raise DeploymentError(
                f"The service principal may not make the {what}: grant it USE CATALOG and CREATE SCHEMA on the catalog "
                "(for a volume USE SCHEMA and CREATE VOLUME on the schema), or make it by hand, and deploy again"
            ) from error
        except DatabricksError:
            # Made meanwhile, or by a request before, whose answer got lost.
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
