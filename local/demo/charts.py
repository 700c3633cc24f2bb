"""Charts as inline SVG. The colors come from the style sheet of the page, by class."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from local.demo.html import Html, element, joined

_WIDTH, _HEIGHT = 960, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 8, 8, 24
_WORDS = 14  # the height of a line of text above the plot


@dataclass(frozen=True)
class Column:
    """A column of parts, stacked from the bottom. ``label`` is the text below it, if any."""

    parts: tuple[float, ...]
    label: str = ""
    tooltip: str = ""


@dataclass(frozen=True)
class Line:
    """A vertical line at a position on the x axis, counted in columns, with a label."""

    at: float
    label: str


def columns(
    data: Sequence[Column],
    *,
    classes: Sequence[str],
    summary: str,
    unit: Callable[[float], str],
    lines: Sequence[Line] = (),
    height: int = _HEIGHT,
    width: int = _WIDTH,
    whole: bool = False,
) -> Html:
    """Draw stacked columns with a grid.

    ``classes`` are the styles of the parts. ``unit`` formats a value of the y axis; ``whole`` limits the axis to
    integers. A screen reader reads ``summary`` instead of the picture.
    """
    top = max((sum(column.parts) for column in data), default=0.0)
    ticks = _ticks(top, whole=whole)
    above = _TOP + _WORDS * len(lines)
    plot_height, plot_width = height - _TOP - _BOTTOM, width - _LEFT - _RIGHT
    step = plot_width / max(1, len(data))
    scale = plot_height / ticks[-1]

    def y(value: float) -> float:
        return above + plot_height - value * scale

    grid = [
        joined(
            element("line", x1=_LEFT, x2=width - _RIGHT, y1=y(tick), y2=y(tick), class_="grid" if tick else "axis"),
            element("text", unit(tick), x=_LEFT - 8, y=y(tick) + 4, class_="tick end"),
        )
        for tick in ticks
    ]
    drawn = [_column(column, place, step, y, classes) for place, column in enumerate(data)]
    labels = [
        element("text", column.label, x=_LEFT + (place + 0.5) * step, y=y(0) + 18, class_="tick middle")
        for place, column in enumerate(data)
        if column.label
    ]
    # Text in a narrower chart would be too small to read; the chart scrolls instead.
    drawing = element(
        "svg",
        element("title", summary),
        grid,
        drawn,
        labels,
        [_line(line, x=_LEFT + line.at * step, y=_TOP + _WORDS * row, end=y(0)) for row, line in enumerate(lines)],
        viewBox=f"0 0 {width} {height + above - _TOP}",
        role="img",
        aria_label=summary,
        class_="chart",
        style=f"min-width: {0.95 * width:.0f}px",
    )
    return element("div", drawing, class_="scroll picture", tabindex="0", role="group", aria_label="Chart")


def _column(column: Column, place: int, step: float, y: Callable[[float], float], classes: Sequence[str]) -> Html:
    gap = min(2.0, step * 0.2)
    drawn, below = [], 0.0
    for value, style in zip(column.parts, classes, strict=True):
        if value:
            upper = y(below + value)
            drawn.append(
                element(
                    "rect",
                    x=_LEFT + place * step + gap / 2,
                    y=upper,
                    width=step - gap,
                    height=max(0.5, y(below) - upper),
                    class_=style,
                )
            )
        below += value
    return element("g", element("title", column.tooltip), drawn) if drawn else Html()


def _line(line: Line, *, x: float, y: float, end: float) -> Html:
    # The label goes to the side with more room.
    left = x > _WIDTH / 2
    return element(
        "g",
        element("line", x1=x, x2=x, y1=y - 4, y2=end, class_="mark"),
        element("text", line.label, x=x - 5 if left else x + 5, y=y + 5, class_="marked end" if left else "marked"),
    )


def bar(parts: Sequence[float], *, of: float, classes: Sequence[str]) -> Html:
    """Draw the bar of a table row. Its parts are shares of the longest bar; the cells of the row hold the numbers."""
    drawn, at = [], 0.0
    for value, style in zip(parts, classes, strict=True):
        share = 100 * value / of if of else 0.0
        if share:
            drawn.append(element("rect", x=at, y=0, width=share, height=10, class_=style))
        at += share
    return element("svg", drawn, viewBox="0 0 100 10", preserveAspectRatio="none", class_="bar", aria_hidden="true")


def histogram(values: Sequence[float], *, most: int = 12) -> list[tuple[float, float, int]]:
    """Count values in equal bins: begin, end, count. The last bin includes its end.

    >>> histogram([0.2, 1.1, 1.9, 3.0])
    [(0.0, 0.5, 1), (0.5, 1.0, 0), (1.0, 1.5, 1), (1.5, 2.0, 1), (2.0, 2.5, 0), (2.5, 3.0, 1)]
    """
    if not values:
        return []
    largest = max(values)
    width = next(size for size in _sizes() if size * most >= largest)
    count = max(1, math.ceil(largest / width - 1e-9))
    bins = [0] * count
    for value in values:
        bins[min(count - 1, int(value / width))] += 1
    return [(place * width, (place + 1) * width, number) for place, number in enumerate(bins)]


def _sizes() -> list[float]:
    return [size * 10.0**power for power in range(-1, 7) for size in (1, 2, 5)][2:]


def _ticks(top: float, *, whole: bool) -> list[float]:
    """Return ticks from 0 to at least ``top`` in about four round steps."""
    if top <= 0:
        return [0.0, 1.0]
    power = 10.0 ** math.floor(math.log10(top / 4))
    step = next(size * power for size in (1, 2, 2.5, 5, 10) if size * power >= top / 4.5)
    if whole:
        step = max(1.0, float(math.ceil(step)))
    return [step * number for number in range(math.ceil(top / step - 1e-9) + 1)]
