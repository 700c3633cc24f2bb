"""The template of the dashboard: its document for any table.

The zip of the registration function holds one template for all environments. The deployment fills in the name of the
table.
"""

from __future__ import annotations

from typing import Final

NAME: Final = "dashboard.lvdash.json"
"""Name of the template in the zip of the registration function."""

TABLE: Final = "<table>"
"""The placeholder for the table's name. It is always inside backquotes, as part of a quoted name."""


def filled(template: str, table: str) -> str:
    """Return the document for a table.

    >>> filled("SELECT * FROM `<table>_all_fields`", "network.flow_logs.staging")
    'SELECT * FROM `network`.`flow_logs`.`staging_all_fields`'
    """
    return template.replace(TABLE, "`.`".join(table.split(".")))
