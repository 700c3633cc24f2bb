"""The rules for a widget: texts, charts and filters."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_VERSIONS = {
    "counter": 2, "table": 2, "symbol-map": 2, "bar": 3, "line": 3, "pie": 3, "area": 3, "scatter": 3, "histogram": 3,
    "heatmap": 3, "pivot": 3, "choropleth-map": 1, "combo": 1, "forecast-line": 1, "sankey": 1, "funnel": 1,
}  # fmt: skip
"""Version of the specification of each chart. Of tables, only version 2 shows every value as plain text."""

_FILTER_VERSION = 2
_FILTERS = ("filter-single-select", "filter-multi-select", "filter-date-picker", "filter-date-range-picker")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,60}")
_EXPRESSION = re.compile(
    r"`[^`]+`|(?:SUM|AVG|COUNT|MIN|MAX)\(`[^`]+`\)|COUNT\(DISTINCT `[^`]+`\)"
    r'|DATE_TRUNC\("(?:HOUR|DAY|WEEK|MONTH|QUARTER|YEAR)", `[^`]+`\)'
)
_TABLE_COLUMN = {"fieldName", "displayName"}

Datasets = Mapping[str, Mapping[str, Any]]


def problems(widget: Mapping[str, Any], datasets: Datasets) -> Iterator[str]:
    """Yield the problems of a widget.

    Args:
        widget: The widget.
        datasets: The datasets of the document by name.
    """
    if not _NAME.fullmatch(widget.get("name", "")):
        yield "the name does not consist of at most 60 letters, digits, hyphens and underscores"
    if "multilineTextboxSpec" in widget:
        yield from _of_a_text(widget)
        return
    spec, queries = widget.get("spec", {}), widget.get("queries", [])
    kind = spec.get("widgetType")
    if kind not in _VERSIONS and kind not in _FILTERS:
        yield f"{kind} is not a known widgetType"
        return
    version = _VERSIONS.get(kind, _FILTER_VERSION)
    if spec.get("version") != version:
        yield f"the version of a {kind} is {version}, not {spec.get('version')}"
    if not spec.get("frame", {}).get("showTitle") or not spec["frame"].get("title"):
        yield "the frame shows no title"
    for query in queries:
        yield from _of_a_query(query.get("query", {}), datasets)
    yield from _of_a_filter(spec, queries, datasets) if kind in _FILTERS else _of_a_chart(spec, queries)


def _of_a_text(widget: Mapping[str, Any]) -> Iterator[str]:
    if "spec" in widget or "queries" in widget:
        yield "a text widget has neither spec nor queries"
    lines = widget["multilineTextboxSpec"].get("lines", [])
    if not lines or any(not line.endswith("\n") for line in lines[:-1]):
        yield "a line of the text does not end with a line break; the service joins the lines without a separator"


def _of_a_query(query: Mapping[str, Any], datasets: Datasets) -> Iterator[str]:
    if query.get("datasetName") not in datasets:
        yield f"there is no dataset {query.get('datasetName')}"
    fields = query.get("fields", [])
    if len({field.get("name") for field in fields}) < len(fields):
        yield "two fields have the same name"
    for field in fields:
        if not _EXPRESSION.fullmatch(field.get("expression", "")):
            yield f"{field.get('expression')} is not a column in backquotes, alone or in an aggregate function"


def _of_a_chart(spec: Mapping[str, Any], queries: list[Mapping[str, Any]]) -> Iterator[str]:
    if [query.get("name") for query in queries] != ["main_query"]:
        yield "a chart has exactly one query, main_query"
        return
    query = queries[0].get("query", {})
    if "parameters" in query:
        yield "the query of a chart has parameters; only those of filters do"
    fields = {field.get("name") for field in query.get("fields", [])}
    used = set(_field_names(spec.get("encodings", {})))
    if not used:
        yield "no field is encoded"
    for name in sorted(used - fields):
        yield f"the encodings use {name}, which is not the name of a field"
    for name in sorted(map(str, fields - used)):
        yield f"the encodings do not use the field {name}"
    if spec.get("widgetType") == "table":
        columns = spec.get("encodings", {}).get("columns", [])
        if any(set(column) - _TABLE_COLUMN for column in columns):
            yield "a column of a table has other keys than fieldName and displayName"
        if not query.get("disaggregated"):
            yield "a table aggregates its rows; set disaggregated to true"


def _of_a_filter(spec: Mapping[str, Any], queries: list[Mapping[str, Any]], datasets: Datasets) -> Iterator[str]:
    named = {query.get("name"): query.get("query", {}) for query in queries}
    if len(named) < len(queries):
        yield "two queries have the same name"
    bound = set()
    for field in spec.get("encodings", {}).get("fields", []):
        query = named.get(field.get("queryName"))
        if query is None:
            yield f"there is no query {field.get('queryName')}"
            continue
        bound.add(field["queryName"])
        if "fieldName" in field and field["fieldName"] not in {each.get("name") for each in query.get("fields", [])}:
            yield f"the query {field['queryName']} has no field {field['fieldName']}"
        if "parameterName" in field:
            yield from _of_a_parameter(field, query, datasets)
    for name, query in named.items():
        if name not in bound:
            yield f"the filter does not use the query {name}"
        if query.get("disaggregated") is not False:
            yield f"the query {name} of a filter does not have disaggregated = false"


def _of_a_parameter(field: Mapping[str, Any], query: Mapping[str, Any], datasets: Datasets) -> Iterator[str]:
    keyword = field["parameterName"]
    if keyword not in {each.get("keyword") for each in query.get("parameters", [])}:
        yield f"the query {field['queryName']} does not set the parameter {keyword}"
    declared = datasets.get(query.get("datasetName", ""), {}).get("parameters", [])
    if keyword not in {each.get("keyword") for each in declared}:
        yield f"the dataset {query.get('datasetName')} has no parameter {keyword}"


def _field_names(encodings: Any) -> Iterator[str]:
    if isinstance(encodings, dict):
        if "fieldName" in encodings:
            yield encodings["fieldName"]
        for value in encodings.values():
            yield from _field_names(value)
    elif isinstance(encodings, list):
        for value in encodings:
            yield from _field_names(value)
