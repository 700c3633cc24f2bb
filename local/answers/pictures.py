"""The chart of a result, by the kind that the catalog names. A result of kind ``table`` has none."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from local.answers.cells import shown
from local.answers.result import Cell, Result
from local.page.charts import PALETTE, WIDE, Picture, Series, bars, heatmap, over_time
from vpc_flow_logs.progress import counted

MOST_BARS = 20


def figures(result: Result) -> list[tuple[str, str]]:
    """Return the names and values of a ``counter``, which a page shows as large numbers; else none."""
    if result.chart.kind != "counter" or not result.rows:
        return []
    return [(name, shown(_column(result, name)[0], "BIGINT")) for name in result.chart.columns]


def picture(result: Result, *, width: int = WIDE) -> Picture | None:
    """Return the chart of a result; None without rows, and for kinds that are not drawn.

    A ``sankey`` has one bar per pair, because Vega-Lite does not draw flows between nodes.

    Args:
        result: The result.
        width: Width of the chart in pixels where the page has room.
    """
    kind, names = result.chart.kind, result.chart.columns
    if not result.rows:
        return None
    if kind == "bar":
        return _bars(result, names[:1], names[1:], width)
    if kind == "sankey":
        return _bars(result, names[:2], names[2:], width)
    if kind == "line":
        return _line(result, names[0], names[1:])
    if kind == "heatmap":
        return _heatmap(result, names)
    return None


def _bars(result: Result, keys: Sequence[str], values: Sequence[str], width: int) -> Picture:
    """Draw the labels with the largest sums. Rows of an answer may have the same label."""
    labels = [
        " \N{RIGHTWARDS ARROW} ".join(map(shown, row))
        for row in zip(*(_column(result, key) for key in keys), strict=True)
    ]
    sums: dict[str, list[float]] = {label: [0.0] * len(values) for label in labels}
    for place, name in enumerate(values):
        for label, value in zip(labels, _column(result, name), strict=True):
            sums[label][place] += value or 0
    largest = sorted(sums, key=lambda label: -sum(sums[label]))[:MOST_BARS]
    series = _series(values, [[sums[label][place] for label in largest] for place in range(len(values))])
    first = f"{largest[0]} with {sum(sums[largest[0]]):,.0f}"
    description = f"{counted(len(largest), 'bar')} of {len(sums):,}; the longest is {first} {_words(values)}"
    return bars(result.title, description, largest, series, unit=_words(values), width=width)


def _line(result: Result, key: str, values: Sequence[str]) -> Picture:
    times = [datetime.fromisoformat(str(time).replace("Z", "+00:00")).timestamp() for time in _column(result, key)]
    series = _series(values, [[value or 0 for value in _column(result, name)] for name in values])
    description = f"{_words(values)}, {counted(len(times), 'point')} in time"
    return over_time(result.title, description, [int(time) for time in times], series, unit=_words(values), mark="line")


def _heatmap(result: Result, names: Sequence[str]) -> Picture:
    x, y, value = (_column(result, name) for name in names)
    cells = [(shown(a), shown(b), float(c or 0)) for a, b, c in zip(x, y, value, strict=True)]
    largest = max(cells, key=lambda cell: cell[2])
    description = f"{names[2]}, most for {largest[0]} and {largest[1]}: {largest[2]:,.0f}"
    return heatmap(result.title, description, cells, axes=(names[0], names[1]))


def _series(names: Sequence[str], values: Sequence[Sequence[float]]) -> list[Series]:
    return [
        Series(name, each, PALETTE[place % len(PALETTE)])
        for place, (name, each) in enumerate(zip(names, values, strict=True))
    ]


def _words(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else "all together"


def _column(result: Result, name: str) -> list[Cell]:
    place = [column.name for column in result.columns].index(name)
    return [row[place] for row in result.rows]
