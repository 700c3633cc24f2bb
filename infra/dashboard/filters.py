"""The global filters: the time range, and the values of accounts, VPCs and actions."""

from __future__ import annotations

from typing import Any, Final

from infra.dashboard.datasets import FILTER_VALUES, datasets
from infra.dashboard.sources import FILTERED

TYPES: Final = {"time_range": "filter-date-range-picker", **dict.fromkeys(FILTERED, "filter-multi-select")}
"""The type of the widget of each parameter."""

VERSION: Final = 2
"""Version of the specification of a filter."""

_TITLES = {"time_range": "Time range", "account": "Account", "vpc": "VPC", "action": "Action"}


def page() -> dict[str, Any]:
    """Return the page with the filters, which apply to all pages."""
    layout = [
        {"widget": _filter(keyword), "position": {"x": 0, "y": 2 * number, "width": 4, "height": 2}}
        for number, keyword in enumerate(TYPES)
    ]
    return {
        "name": "filters",
        "displayName": "Filters",
        "pageType": "PAGE_TYPE_GLOBAL_FILTERS",
        "layoutVersion": "GRID_V1",
        "layout": layout,
    }


def _filter(keyword: str) -> dict[str, Any]:
    """Return a filter that sets a parameter of all datasets that have it."""
    title = _TITLES[keyword]
    queries, fields = [], []
    if column := FILTERED.get(keyword):
        name = f"{keyword}-values"
        values = {"datasetName": FILTER_VALUES, "fields": [{"name": column, "expression": f"`{column}`"}]}
        queries.append({"name": name, "query": {**values, "disaggregated": False}})
        fields.append({"fieldName": column, "queryName": name, "displayName": title})
    for dataset in datasets().values():
        if keyword in dataset.parameters:
            name = f"{keyword}-{dataset.name}"
            parameters = [{"name": keyword, "keyword": keyword}]
            query = {"datasetName": dataset.name, "parameters": parameters, "disaggregated": False}
            queries.append({"name": name, "query": query})
            fields.append({"parameterName": keyword, "queryName": name, "displayName": title})
    spec = {
        "version": VERSION,
        "widgetType": TYPES[keyword],
        "encodings": {"fields": fields},
        "frame": {"title": title, "showTitle": True},
    }
    return {"name": f"filter-{keyword.replace('_', '-')}", "queries": queries, "spec": spec}
