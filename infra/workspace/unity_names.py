"""Names of Unity Catalog: which of the job's names are in it, and in which catalog those with fewer parts are.

In a workspace with Unity Catalog a name without a catalog belongs to the workspace's default catalog. That is
``hive_metastore`` only in older workspaces.
Source: https://docs.databricks.com/aws/en/catalogs/default
"""

from __future__ import annotations

LEGACY = ("hive_metastore", "spark_catalog")
"""Catalogs that are not Unity Catalog's: nothing can be created there by its API, and the job finds out what works."""


def in_unity_catalog(table: str) -> bool:
    """Return whether a table's name alone says that it is a table of Unity Catalog."""
    catalog, *rest = table.split(".")
    return len(rest) == 2 and catalog not in LEGACY
