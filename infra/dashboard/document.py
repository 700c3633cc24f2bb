"""The document of the dashboard: its template, and the document of a table. The same input gives the same text."""

from __future__ import annotations

import json
from functools import cache

from infra.dashboard import checker, filters, pages
from infra.dashboard.datasets import datasets
from infra.workspace.dashboard.template import filled


@cache
def template() -> str:
    """Return the document with a placeholder for the table's name."""
    document = {
        "datasets": [dataset.document() for dataset in datasets().values()],
        "pages": [*(page.document() for page in pages.PAGES), filters.page()],
        "uiSettings": {"theme": {"widgetHeaderAlignment": "ALIGNMENT_UNSPECIFIED"}},
    }
    return json.dumps(document, indent=2) + "\n"


def document(table: str) -> str:
    """Return the document for a table, checked.

    Args:
        table: The table's name, ``[catalog.][schema.]name``.

    Raises:
        BrokenDashboardError: The document breaks a rule. That is a mistake in this package.
    """
    text = filled(template(), table)
    if problems := checker.problems(json.loads(text)):
        raise checker.BrokenDashboardError("; ".join(problems))
    return text
