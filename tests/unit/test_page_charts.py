"""The charts of the pages: drawn to scale, in the colors of the style sheet, and with text that stays text."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from markupsafe import Markup

from local.answers.html_page import section
from local.answers.pictures import MOST_BARS, figures, picture
from local.answers.result import Cell, Result, of_answer
from local.page.charts import NARROW, PALETTE, WIDE, Picture, Series, bars, columns, over_time
from local.page.render import page
from tests.support.hostile import HOSTILE
from tests.support.html_pages import page_of
from vpc_flow_logs.answers.catalog import catalog
from vpc_flow_logs.answers.model import CHARTS, Chart, OutputColumn

ANSWERS = {answer.name: answer for answer in catalog()}
NOON = 1_790_000_040 // 60 * 60


def shapes(svg: Markup, color: str) -> list[tuple[float, float]]:
    """Return the width and height of the rectangles of this color, in their order."""
    paths = re.findall(rf'<path d="M[^"]*?h([\d.]+)v([\d.]+)h[^"]*" fill="var\(--{color}\)"', svg)
    return [(float(width), float(height)) for width, height in paths]


def texts(svg: Markup) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter() if element.tag.endswith("}text")]


def both(drawn: Picture) -> tuple[Markup, Markup]:
    return drawn.narrow, drawn.wide


def result(*rows: tuple[Cell, ...], kind: str, drawn: tuple[str, ...], columns: tuple[str, ...] = ()) -> Result:
    listed = [OutputColumn(name, "STRING" if name in ("x", "y") else "BIGINT", "") for name in (columns or drawn)]
    return Result("Title", "", "", listed, rows, Chart(kind, drawn))


def test_bars_are_to_scale_and_their_parts_next_to_each_other() -> None:
    drawn = bars("t", "d", ["a", "b"], [Series("x", [300, 100]), Series("y", [0, 200], "reject")], unit="bytes")
    for svg in both(drawn):
        (first, _), (second, _) = shapes(svg, "accept")
        rejected = [width for width, _ in shapes(svg, "reject") if width]
        assert first == pytest.approx(3 * second, rel=0.02)
        assert rejected == [pytest.approx(2 * second, rel=0.02)]
        assert {"a", "b", "bytes"} <= set(texts(svg))


def test_columns_are_to_scale_and_stand_for_each_label() -> None:
    drawn = columns("t", "d", ["1", "2", "3"], [Series("files", [4, 0, 1])], axis="seconds")
    for svg in both(drawn):
        heights = [height for _, height in shapes(svg, "accept")]
        assert heights[0] == pytest.approx(4 * heights[-1], rel=0.02)
        assert {"1", "2", "3", "seconds", "4"} <= set(texts(svg))


def test_minutes_are_in_utc_and_events_have_a_line_and_a_label() -> None:
    times = range(NOON, NOON + 3600, 60)
    series = [Series("a", [5] * 60), Series("b", [1] * 60, "reject")]
    drawn = over_time("t", "d", times, series, events=[(NOON + 90.0, "first"), (NOON + 3000.0, "second")])
    for svg in both(drawn):
        assert {"first", "second", "14:30"} <= set(texts(svg))
        assert svg.count("stroke-dasharray") == 2
        assert len(shapes(svg, "accept")) == len(shapes(svg, "reject")) == 60


def test_a_chart_is_one_image_for_a_screen_reader() -> None:
    for svg in both(bars("Top", "a has 1", ["a"], [Series("x", [1])])):
        image = ElementTree.fromstring(svg)
        assert image.attrib.keys() == {"viewBox", "role", "aria-label"}
        assert (image.get("role"), image.get("aria-label")) == ("img", "Top: a has 1")
        assert [child.text for child in image][:2] == ["Top", "a has 1"]
        assert not [each for each in image.iter() if each is not image and ("role" in each.attrib)]


def test_colors_come_from_the_style_sheet_in_light_and_dark() -> None:
    series = [Series(color, [1], color) for color in PALETTE]
    style = page("answer.html", answer=section(result(kind="table", drawn=("x",))))
    for svg in both(bars("t", "d", ["a"], series)):
        colors = set(re.findall(r'(?:fill|stroke)="([^"]+)"', svg)) - {"none", "transparent"}
        assert colors == {f"var(--{name})" for name in (*PALETTE, "muted", "grid")}
        for name in (*PALETTE, "muted", "grid", "ink"):
            assert style.count(f"--{name}: ") == 3  # light, dark and print


def test_text_is_readable_in_both_widths() -> None:
    drawn = bars("t", "d", ["2001:db8:1234:5678:9abc:def0:1234:5678", "a" * 200, "a" * 201], [Series("x", [1, 2, 3])])
    for svg, width in ((drawn.narrow, NARROW), (drawn.wide, drawn.width)):
        box = [float(number) for number in (ElementTree.fromstring(svg).get("viewBox") or "").split()]
        assert box[2] == pytest.approx(width, abs=2)
        assert {float(size) for size in re.findall(r'font-size="([\d.]+)px"', svg)} == {12}
        # A whole IPv6 address; longer text ends with an ellipsis, and equal beginnings are told apart.
        shown = texts(svg)
        assert "2001:db8:1234:5678:9abc:def0:1234:5678" in shown
        assert {"a" * 42 + "\N{HORIZONTAL ELLIPSIS}", "a" * 42 + "\N{HORIZONTAL ELLIPSIS} (2)"} <= set(shown)


def test_hostile_text_is_data_of_a_chart_and_never_its_markup() -> None:
    for kind, drawn, rows in (
        ("bar", ("x", "value"), [(HOSTILE, 1), ("datum.x]", 2), (None, 3)]),
        ("heatmap", ("x", "y", "value"), [(HOSTILE, HOSTILE, 1), ("a", HOSTILE, 2)]),
        ("sankey", ("x", "y", "value"), [(HOSTILE, "b", 1)]),
        ("line", ("x", HOSTILE), [("2026-11-01T00:00:00Z", 1), ("2026-11-01T01:00:00Z", 2)]),
    ):
        shown = section(replace(result(*rows, kind=kind, drawn=drawn), title=HOSTILE))
        assert shown.picture is not None
        page_of(page("answer.html", answer=shown))


@pytest.mark.parametrize("kind", CHARTS)
def test_every_kind_of_the_catalog_is_shown(kind: str) -> None:
    rows: list[tuple[Cell, ...]] = [("2026-11-01T00:00:00Z", "b", 3), ("2026-11-01T00:01:00Z", "c", None)]
    drawn = {"counter": ("value",), "bar": ("x", "value"), "line": ("x", "value"), "table": ()}
    shown = section(result(*rows, kind=kind, drawn=drawn.get(kind, ("x", "y", "value")), columns=("x", "y", "value")))
    document = page_of(page("answer.html", answer=shown))

    assert document.row("2026-11-01T00:00:00Z") == ["2026-11-01T00:00:00Z", "b", "3"]
    assert len(document.all("svg")) == (0 if kind in ("counter", "table") else 2)
    assert bool(shown.figures) == (kind == "counter")


def test_every_answer_of_the_catalog_has_a_page_with_and_without_rows() -> None:
    for answer in catalog():
        values: dict[str, Cell] = {"STRING": "a", "TIMESTAMP": "2026-11-01T00:00:00Z"}
        row = tuple(values.get(column.type, 7) for column in answer.columns)
        for rows in ([row], []):
            shown = of_answer(answer, "flow_logs", rows)
            assert (picture(shown) is not None) == (
                bool(rows) and answer.chart.kind in ("bar", "sankey", "line", "heatmap")
            )
            assert bool(figures(shown)) == (bool(rows) and answer.chart.kind == "counter")


def test_rows_with_the_same_label_are_one_bar_and_the_longest_come_first() -> None:
    rows = [("egress", "i-1", None, None, f"10.0.0.{n}", 1, 1, n) for n in range(1, 31)]
    rows += [("ingress", "i-1", None, None, "10.0.0.1", 1, 1, 1000)]
    drawn = picture(of_answer(ANSWERS["nat_gateway_bytes"], "", rows))
    assert drawn is not None
    labels = [text for text in texts(drawn.wide) if text.startswith("10.")]
    assert labels == ["10.0.0.1", *(f"10.0.0.{n}" for n in range(30, 30 - MOST_BARS + 1, -1))]
    assert drawn.description == "20 bars of 30; the longest is 10.0.0.1 with 1,001 bytes"
    assert drawn.width == WIDE


def test_a_sankey_is_shown_as_one_bar_per_pair() -> None:
    drawn = picture(of_answer(ANSWERS["total_bytes_transferred"], "", [("10.0.0.1", "10.0.0.2", 1, 1, 5)]))
    assert drawn is not None
    assert "10.0.0.1 \N{RIGHTWARDS ARROW} 10.0.0.2" in texts(drawn.narrow)


def test_causes_of_drops_are_series_with_a_legend() -> None:
    answer = ANSWERS["transit_gateway_drops"]
    row = tuple("tgw-attach-1" if column.type == "STRING" else 3 for column in answer.columns)
    shown = section(of_answer(answer, "", [row]))
    assert shown.picture is not None
    assert [series.name for series in shown.picture.series] == list(answer.chart.columns[1:])
    document = page_of(page("answer.html", answer=shown))
    assert [each["class"] for each in document.all("span") if "swatch" in (each["class"] or "")] == [
        f"swatch {color}" for color in PALETTE
    ]
