"""The SQL warehouse that runs the queries of the dashboard."""

from __future__ import annotations

from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import InvalidParameterValue, NotFound

from infra.workspace.explain import explaining


def problems(client: WorkspaceClient, warehouse_id: str) -> list[str]:
    """Return a problem if the workspace does not have the warehouse."""
    with explaining("Looking up the SQL warehouse"):
        try:
            client.warehouses.get(warehouse_id)
        except (NotFound, InvalidParameterValue):
            others = [f"{each.id} ({each.name})" for each in client.warehouses.list()]
            offered = f"it has {', '.join(others[:3])}" if others else "it has none that the deployment can see"
            return [f"the workspace has no SQL warehouse {warehouse_id!r} (workspace.warehouse_id); {offered}"]
    return []
