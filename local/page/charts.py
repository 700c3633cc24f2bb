"""Charts as inline SVG, drawn by Vega-Lite. Their colors are those of the style sheet, also in the dark.

Labels and values go to Vega-Lite as data and never as a part of the specification, so text from logs is only text.
Specification: https://vega.github.io/vega-lite/docs/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

import vl_convert
from markupsafe import Markup

from vpc_flow_logs.terminal import printable

NARROW, HALF, WIDE = 340, 500, 920
"""Widths of charts in pixels: on a phone, in a column of the page, and across the page."""

PALETTE = ("accept", "reject", "quarantine", "good")
"""Names of colors in the style sheet, in the order in which series get them."""

_SVG = "http://www.w3.org/2000/svg"
_LONGEST_LABEL = 42  # an IPv6 address has at most 39 characters
_CONFIG = {
    "background": None,
    "aria": False,
    "view": {"stroke": None},
    "axis": {
        "labelColor": "var(--muted)",
        "titleColor": "var(--muted)",
        "gridColor": "var(--grid)",
        "domainColor": "var(--muted)",
        "tickColor": "var(--grid)",
        "labelLimit": 0,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": 400,
    },
}
_LABELS_ABOVE = {"labelAlign": "left", "labelPadding": -4, "labelOffset": -14, "ticks": False}

Spec = Mapping[str, Any]


@dataclass(frozen=True)
class Series:
    """Values of one kind, one per label. ``color`` is one of the `PALETTE`."""

    name: str
    values: Sequence[float]
    color: str = PALETTE[0]


@dataclass(frozen=True)
class Picture:
    """A chart that the page shows in one of two widths.

    Attributes:
        title: The name of the chart.
        description: The most important numbers. A screen reader reads it instead of the picture.
        series: The series, for the legend.
        narrow: The chart as SVG for a narrow column.
        wide: The chart as SVG for a wide one.
        width: Width of the wide chart in pixels.
    """

    title: str
    description: str
    series: Sequence[Series]
    narrow: Markup
    wide: Markup
    width: int


def bars(title: str, description: str, labels: Sequence[str], series: Sequence[Series], *, unit: str = "",
         width: int = HALF) -> Picture:  # fmt: skip
    """Return horizontal bars from top to bottom, one per label, whose parts are the series."""
    spec = {
        "data": {"values": _values(_unique(labels), series)},
        "mark": {"type": "bar", "height": 12},
        "height": {"step": 40},
        "encoding": {
            # The labels are above the bars, because an IPv6 address next to its bar would fill a phone.
            "y": {"field": "x", "type": "nominal", "sort": None, "title": None, "axis": _LABELS_ABOVE},
            "x": {"field": "value", **_quantity(unit)},
            **_by_color(series),
        },
    }
    return _picture(title, description, series, spec, width)


def columns(title: str, description: str, labels: Sequence[str], series: Sequence[Series], *, unit: str = "",
            axis: str | None = None, width: int = HALF) -> Picture:  # fmt: skip
    """Return columns from left to right, one per label."""
    spec = {
        "data": {"values": _values(_unique(labels), series)},
        "mark": "bar",
        "height": 190,
        "encoding": {
            "x": {"field": "x", "type": "nominal", "sort": None, "title": axis, "axis": {"labelAngle": 0}},
            "y": {"field": "value", **_quantity(unit)},
            **_by_color(series),
        },
    }
    return _picture(title, description, series, spec, width)


def over_time(
    title: str,
    description: str,
    times: Sequence[int],
    series: Sequence[Series],
    *,
    unit: str = "",
    mark: str = "bar",
    events: Sequence[tuple[float, str]] = (),
) -> Picture:
    """Return columns or lines over time in UTC.

    Args:
        title: The name of the chart.
        description: The most important numbers.
        times: Times in Unix seconds, at full minutes for columns.
        series: The values at these times. The parts of a column are stacked.
        unit: Unit of the values.
        mark: ``bar`` for columns of a minute, or ``line``.
        events: Times in Unix seconds with a label, shown as vertical lines.
    """
    time: dict[str, Any] = {"field": "x", "type": "temporal", "title": None, "scale": {"type": "utc"}}
    if mark == "bar":
        time |= {"timeUnit": "utcyearmonthdatehoursminutes", "axis": {"format": "%H:%M"}}
    stack = "zero" if mark == "bar" else None
    values = {"mark": mark, "encoding": {"x": time, "y": {"field": "value", **_quantity(unit), "stack": stack},
                                         **_by_color(series)}}  # fmt: skip
    layers: list[Spec] = [values]
    for place, (at, label) in enumerate(events):
        is_late = bool(times) and at > (times[0] + times[-1]) / 2
        data = {"values": [{"x": at * 1000, "label": _label(label)}]}
        at_x = {"x": {"field": "x", "type": "temporal", "scale": {"type": "utc"}}}
        text = {"type": "text", "align": "right" if is_late else "left", "dx": -5 if is_late else 5, "fontSize": 12,
                "color": "var(--ink)"}  # fmt: skip
        rule = {"type": "rule", "color": "var(--ink)", "strokeDash": [3, 3], "opacity": 0.65}
        layers.append({"data": data, "mark": rule, "encoding": at_x})
        layers.append(
            {
                "data": data,
                "mark": text,
                "encoding": {**at_x, "text": {"field": "label"}, "y": {"value": -8 - 14 * (len(events) - 1 - place)}},
            }
        )
    spec = {"data": {"values": _values([second * 1000 for second in times], series)}, "height": 190, "layer": layers}
    return _picture(title, description, series, spec, WIDE)


def heatmap(
    title: str, description: str, cells: Sequence[tuple[str, str, float]], *, axes: tuple[str, str], width: int = WIDE
) -> Picture:
    """Return a grid of cells (x, y, value); the larger the value, the stronger the color."""
    values = [{"x": _label(x), "y": _label(y), "value": value} for x, y, value in cells]
    opacity = {"field": "value", "type": "quantitative", "legend": None, "scale": {"range": [0.15, 1]}}
    spec = {
        "data": {"values": values},
        "mark": {"type": "rect", "color": f"var(--{PALETTE[0]})"},
        "height": {"step": 24},
        "encoding": {
            "x": {"field": "x", "type": "nominal", "sort": None, "title": axes[0]},
            "y": {"field": "y", "type": "nominal", "sort": None, "title": axes[1]},
            "opacity": opacity,
        },
    }
    return _picture(title, description, [], spec, width)


def _label(text: str) -> str:
    """Return a label without control characters. A long one ends with an ellipsis; the table has the whole text."""
    text = printable(text)  # before it is cut, because escapes are longer
    return text if len(text) <= _LONGEST_LABEL else f"{text[:_LONGEST_LABEL]}\N{HORIZONTAL ELLIPSIS}"


def _unique(labels: Sequence[str]) -> list[str]:
    """Return the labels, with a number after those that would look like an earlier one."""
    shown: list[str] = []
    for label in map(_label, labels):
        again = shown.count(label)
        shown.append(f"{label} ({again + 1})" if again else label)
    return shown


def _values(xs: Sequence[Any], series: Sequence[Series]) -> list[dict[str, Any]]:
    return [
        {"x": x, "series": number, "value": value}
        for number, each in enumerate(series)
        for x, value in zip(xs, each.values, strict=True)
    ]


def _quantity(unit: str) -> dict[str, Any]:
    return {"type": "quantitative", "title": unit or None, "axis": {"format": "~s", "tickCount": 5, "tickMinStep": 1}}


def _by_color(series: Sequence[Series]) -> dict[str, Any]:
    colors = [f"var(--{each.color})" for each in series]
    scale = {"domain": list(range(len(series))), "range": colors}
    return {
        "color": {"field": "series", "type": "nominal", "scale": scale, "legend": None},
        "order": {"field": "series"},
    }


def _picture(title: str, description: str, series: Sequence[Series], spec: Spec, width: int) -> Picture:
    title, description, clean = printable(title), printable(description), _printable(spec)
    narrow, wide = (_drawn(clean, each, title=title, description=description) for each in (NARROW, width))
    return Picture(title, description, series, narrow, wide, width)


def _printable(spec: Any) -> Any:
    """Return a specification without control characters, because vl-convert aborts the process if a title has one."""
    if isinstance(spec, Mapping):
        return {key: _printable(value) for key, value in spec.items()}
    if isinstance(spec, list | tuple):
        return [_printable(value) for value in spec]
    return printable(spec) if isinstance(spec, str) else spec


def _drawn(spec: Spec, width: int, *, title: str, description: str) -> Markup:
    """Return the SVG, as one image for a screen reader."""
    fit = {"width": width, "autosize": {"type": "fit-x", "contains": "padding"}, "padding": 2, "config": _CONFIG}
    image = ElementTree.fromstring(vl_convert.vegalite_to_svg({**spec, **fit}))
    for element in image.iter():
        for name in [name for name in element.attrib if name == "role" or name.startswith("aria-")]:
            del element.attrib[name]
    for name in ("width", "height", "class", "version"):
        image.attrib.pop(name, None)
    image.set("role", "img")
    image.set("aria-label", f"{title}: {description}")
    for place, (name, text) in enumerate((("title", title), ("desc", description))):
        child = ElementTree.Element(f"{{{_SVG}}}{name}")
        child.text = text
        image.insert(place, child)
    ElementTree.register_namespace("", _SVG)
    return Markup(ElementTree.tostring(image, encoding="unicode"))
