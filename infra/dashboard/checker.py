"""The rules that a dashboard must keep. The service accepts a document that breaks them, and then shows no data.

Databricks publishes no schema of the document. The rules are those that public dashboards keep and that the guides of
Databricks for dashboards as code name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from infra.dashboard import dataset_rules, widget_rules

COLUMNS = 12
"""Columns of the grid of a page with the layout version GRID_V1."""

_CANVAS, _FILTERS = "PAGE_TYPE_CANVAS", "PAGE_TYPE_GLOBAL_FILTERS"
_TOP_KEYS = {"datasets", "pages", "uiSettings"}


class BrokenDashboardError(Exception):
    """A document breaks a rule. The text lists the problems."""


def problems(document: Mapping[str, Any]) -> list[str]:
    """Return the problems of a document; an empty list if it keeps all rules."""
    return [*_of_the_top(document), *_of_the_datasets(document), *_of_the_pages(document)]


def _of_the_top(document: Mapping[str, Any]) -> Iterator[str]:
    if unknown := sorted(set(document) - _TOP_KEYS):
        yield f"unknown top-level keys: {', '.join(unknown)}"
    kinds = [page.get("pageType") for page in document.get("pages", [])]
    if _CANVAS not in kinds:
        yield f"no page has the type {_CANVAS}"
    if kinds.count(_FILTERS) > 1:
        yield f"more than one page has the type {_FILTERS}"


def _of_the_datasets(document: Mapping[str, Any]) -> Iterator[str]:
    datasets = document.get("datasets", [])
    yield from _repeated("dataset", (dataset.get("name", "") for dataset in datasets))
    for dataset in datasets:
        for problem in dataset_rules.problems(dataset):
            yield f"dataset {dataset.get('name')}: {problem}"


def _of_the_pages(document: Mapping[str, Any]) -> Iterator[str]:
    datasets = {dataset.get("name", ""): dataset for dataset in document.get("datasets", [])}
    pages = document.get("pages", [])
    yield from _repeated("page", (page.get("name", "") for page in pages))
    names = (item.get("widget", {}).get("name", "") for page in pages for item in page.get("layout", []))
    yield from _repeated("widget", names)
    for page in pages:
        where = f"page {page.get('name')}"
        for key in ("name", "displayName"):
            if not page.get(key):
                yield f"{where}: {key} is missing"
        if page.get("pageType") not in (_CANVAS, _FILTERS):
            yield f"{where}: {page.get('pageType')} is not a valid pageType"
        if page.get("layoutVersion") != "GRID_V1":
            yield f"{where}: layoutVersion is not GRID_V1, so the grid has 6 columns instead of {COLUMNS}"
        for problem in _of_the_layout(page.get("layout", [])):
            yield f"{where}: {problem}"
        for item in page.get("layout", []):
            widget = item.get("widget", {})
            for problem in widget_rules.problems(widget, datasets):
                yield f"{where}, widget {widget.get('name')}: {problem}"


def _of_the_layout(layout: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    cells: dict[tuple[int, int], str] = {}
    for item in layout:
        name = item.get("widget", {}).get("name", "")
        x, y, width, height = (item.get("position", {}).get(key, -1) for key in ("x", "y", "width", "height"))
        if min(x, y) < 0 or min(width, height) < 1 or x + width > COLUMNS:
            yield f"the position of {name} is outside the grid of {COLUMNS} columns"
            continue
        covered = {(column, row) for column in range(x, x + width) for row in range(y, y + height)}
        if others := sorted({cells[cell] for cell in covered if cell in cells}):
            yield f"{name} overlaps {', '.join(others)}"
        cells.update(dict.fromkeys(covered, name))


def _repeated(noun: str, names: Iterable[str]) -> Iterator[str]:
    for name, count in Counter(names).items():
        if count > 1:
            yield f"{count} {noun}s have the name {name!r}"
