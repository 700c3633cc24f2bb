"""The job's names in Unity Catalog, and the default catalog for table names without a catalog.

In a workspace with Unity Catalog, a name without a catalog belongs to the workspace's default catalog. That is
``hive_metastore`` only in older workspaces.
Source: https://docs.databricks.com/aws/en/catalogs/default
"""

from __future__ import annotations

from dataclasses import dataclass

from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import BadRequest, NotFound, PermissionDenied

from infra.workspace.explain import explaining
from infra.workspace.spec import WorkspaceSpec

LEGACY = ("hive_metastore", "spark_catalog")
"""Catalogs outside Unity Catalog. Its API cannot create anything there, and only a run shows whether they work."""


@dataclass(frozen=True)
class UnityNames:
    """The names of a deployment in Unity Catalog.

    Attributes:
        schemas: full names of the schemas of the table and the volumes; a Hive metastore table adds none.
        volumes: full name of the checkpoint's volume, if the checkpoint is in a volume; tables cannot be.
        table: full name of the table; None if it is not in Unity Catalog, or its catalog is unknown.
        unknown: the table's name belongs to the default catalog, which cannot be read.
    """

    schemas: tuple[str, ...]
    volumes: tuple[str, ...]
    table: str | None
    unknown: bool = False

    @property
    def catalogs(self) -> tuple[str, ...]:
        """The catalogs of the schemas."""
        return tuple(sorted({schema.split(".")[0] for schema in self.schemas}))


def resolve(client: WorkspaceClient, spec: WorkspaceSpec) -> UnityNames:
    """Return the job's names in Unity Catalog; send requests only for a table name without a catalog."""
    volumes = _volumes(spec)
    parts = spec.table.split(".")
    default = None if len(parts) == 3 else default_catalog(client)
    # A name of one part is in the schema `default`, which every catalog has.
    full = parts if len(parts) == 3 else [default or "", *(["default"] if len(parts) == 1 else []), *parts]
    table = ".".join(full) if full[0] and full[0] not in LEGACY else None
    of_table = {".".join(full[:2])} if table and len(parts) > 1 else set()
    schemas = of_table | {volume.rpartition(".")[0] for volume in volumes}
    return UnityNames(
        schemas=tuple(sorted(schemas)), volumes=volumes, table=table, unknown=len(parts) < 3 and default is None
    )


def default_catalog(client: WorkspaceClient) -> str | None:
    """Return the workspace's default catalog; None if it cannot be read.

    The setting takes precedence over the metastore assignment, which is deprecated (databricks-sdk,
    MetastoreAssignment) and applies if the setting was never changed.
    """
    with explaining("Looking for the default catalog"):
        for read in (_by_setting, _by_assignment):
            try:
                name = read(client)
            except (BadRequest, NotFound, PermissionDenied):
                continue
            if name:
                return name
    return None


def in_unity_catalog(table: str) -> bool:
    """Return whether a table's name alone identifies it as a Unity Catalog table."""
    catalog, *rest = table.split(".")
    return len(rest) == 2 and catalog not in LEGACY


def _by_setting(client: WorkspaceClient) -> str | None:
    return client.settings.default_namespace.get().namespace.value


def _by_assignment(client: WorkspaceClient) -> str | None:
    return client.metastores.current().default_catalog_name


def _volumes(spec: WorkspaceSpec) -> tuple[str, ...]:
    names = spec.job.parameters["checkpoint-path"].split("/")
    is_in_volume = names[:2] == ["", "Volumes"] and len(names) > 4 and all(names[2:5])
    return (".".join(names[2:5]),) if is_in_volume else ()
