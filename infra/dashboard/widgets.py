"""The widgets: the chart of a dataset, or a text, as JSON of the service.

A widget reads its dataset with one query. The name of a field in the query is the field name in the encodings.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from infra.dashboard.datasets import Dataset
from vpc_flow_logs.answers.model import OutputColumn

VERSIONS = {"counter": 2, "bar": 3, "line": 3, "table": 2, "heatmap": 3, "sankey": 1}
"""Version of the specification of each kind of chart that the answers can have."""

QUERY = "main_query"
"""Name of the query of a chart."""

_QUANTITATIVE = {"type": "quantitative"}
_CATEGORICAL = {"type": "categorical"}


def text(name: str, lines: Sequence[str]) -> dict[str, Any]:
    """Return a text widget. The service joins the lines without a separator."""
    last = len(lines) - 1
    joined = [line if number == last else f"{line}\n\n" for number, line in enumerate(lines)]
    return {"name": name, "multilineTextboxSpec": {"lines": joined}}


def counter(name: str, dataset: Dataset, column: str) -> dict[str, Any]:
    """Return a counter of one column of a dataset with one row."""
    value = _sum(column)
    number = {"type": "number", "abbreviation": "compact", "decimalPlaces": {"type": "max", "places": 2}}
    encodings = {"value": {"fieldName": value["name"], "displayName": _label(column), "format": number}}
    meaning = {each.name: each.meaning for each in dataset.answer.columns}[column]
    frame = {"title": f"{dataset.answer.title}: {_label(column)}", "showTitle": True}
    frame |= {"description": meaning, "showDescription": True}
    return _widget(name, "counter", dataset, fields=[value], encodings=encodings, frame=frame, rows=False)


def chart(name: str, dataset: Dataset, kind: str) -> dict[str, Any]:
    """Return the chart of a dataset.

    Args:
        name: Name of the widget.
        dataset: The dataset.
        kind: The kind of its answer's chart, or ``table`` to show all columns.

    Raises:
        ValueError: The dataset has another kind of chart.
    """
    answer = dataset.answer
    frame = {"title": answer.title, "showTitle": True, "description": answer.question, "showDescription": True}
    if kind == "table":
        fields, encodings = _table(answer.columns)
    elif kind == answer.chart.kind and kind in _ENCODERS:
        fields, encodings = _ENCODERS[kind](answer.chart.columns)
    else:
        raise ValueError(f"{answer.name} is not a {kind}")
    return _widget(name, kind, dataset, fields=fields, encodings=encodings, frame=frame, rows=kind == "table")


def _widget(
    name: str,
    kind: str,
    dataset: Dataset,
    *,
    fields: list[dict[str, str]],
    encodings: dict[str, Any],
    frame: dict[str, Any],
    rows: bool,
) -> dict[str, Any]:
    """Return a widget. With ``rows`` it shows the rows of the dataset as they are."""
    query = {"datasetName": dataset.name, "fields": fields, "disaggregated": rows}
    spec = {"version": VERSIONS[kind], "widgetType": kind, "encodings": encodings, "frame": frame}
    return {"name": name, "queries": [{"name": QUERY, "query": query}], "spec": spec}


def _table(columns: Sequence[OutputColumn]) -> tuple[list[dict[str, str]], dict[str, Any]]:
    shown = [{"fieldName": column.name, "displayName": _label(column.name)} for column in columns]
    return [_column(column.name) for column in columns], {"columns": shown}


def _bar(columns: Sequence[str]) -> tuple[list[dict[str, str]], dict[str, Any]]:
    """Return horizontal bars for one value, and groups of vertical bars for several."""
    category, *values = columns
    sums = [_sum(value) for value in values]
    if len(sums) == 1:
        sort = {"by": "x-reversed"}
        encodings: dict[str, Any] = {
            "x": {"fieldName": sums[0]["name"], "scale": _QUANTITATIVE, "displayName": _label(values[0])},
            "y": {"fieldName": category, "scale": {**_CATEGORICAL, "sort": sort}, "displayName": _label(category)},
        }
    else:
        series = [{"fieldName": s["name"], "displayName": _label(v)} for s, v in zip(sums, values, strict=True)]
        encodings = {
            "x": {"fieldName": category, "scale": _CATEGORICAL, "displayName": _label(category)},
            "y": {"scale": _QUANTITATIVE, "fields": series},
        }
    return [_column(category), *sums], encodings


def _line(columns: Sequence[str]) -> tuple[list[dict[str, str]], dict[str, Any]]:
    time, series, value = columns
    total = _sum(value)
    encodings = {
        "x": {"fieldName": time, "scale": {"type": "temporal"}, "displayName": _label(time)},
        "y": {"fieldName": total["name"], "scale": _QUANTITATIVE, "displayName": _label(value)},
        "color": {"fieldName": series, "scale": _CATEGORICAL, "displayName": _label(series)},
    }
    return [_column(time), total, _column(series)], encodings


def _heatmap(columns: Sequence[str]) -> tuple[list[dict[str, str]], dict[str, Any]]:
    x, y, value = columns
    total = _sum(value)
    encodings = {
        "x": {"fieldName": x, "scale": _CATEGORICAL, "displayName": _label(x)},
        "y": {"fieldName": y, "scale": _CATEGORICAL, "displayName": _label(y)},
        "color": {"fieldName": total["name"], "scale": _QUANTITATIVE, "displayName": _label(value)},
    }
    return [_column(x), _column(y), total], encodings


def _sankey(columns: Sequence[str]) -> tuple[list[dict[str, str]], dict[str, Any]]:
    *stages, value = columns
    total = _sum(value)
    encodings = {
        "value": {"fieldName": total["name"], "displayName": _label(value)},
        "stages": [{"fieldName": stage, "displayName": _label(stage)} for stage in stages],
    }
    return [*map(_column, stages), total], encodings


_ENCODERS = {"bar": _bar, "line": _line, "heatmap": _heatmap, "sankey": _sankey}


def _column(name: str) -> dict[str, str]:
    return {"name": name, "expression": f"`{name}`"}


def _sum(name: str) -> dict[str, str]:
    return {"name": f"sum({name})", "expression": f"SUM(`{name}`)"}


def _label(name: str) -> str:
    return name.replace("_", " ")
