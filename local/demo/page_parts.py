"""The building blocks of the page: panels, tables, lists of names and values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from local.demo.html import Content, Html, element, joined

ACCEPT, REJECT = "accept", "reject"
_NUMBER = "number"


def panel(title: str, *content: Content, note: Content = None) -> Html:
    """Return a section with a heading and, below it, an optional note."""
    return element(
        "section", element("h2", title), element("p", note, class_="note") if note else None, *content, class_="panel"
    )


def table(head: Sequence[str], rows: Sequence[Sequence[Content]], *, foot: Sequence[Content] = ()) -> Html:
    """Return a table. Columns of numbers and their headings are right-aligned; the first cell of a row is its name."""
    filled = [row for row in rows if row]
    numeric = [bool(filled) and all(_is_number(row[place]) for row in filled) for place in range(len(head))]
    styles = [_NUMBER if right else None for right in numeric]
    headings = [element("th", name, scope="col", class_=style) for name, style in zip(head, styles, strict=True)]
    body = [element("tr", _cells(row, styles)) for row in rows]
    return element(
        "div",
        element(
            "table",
            element("thead", element("tr", headings)),
            element("tbody", body),
            element("tfoot", element("tr", _cells(foot, styles))) if foot else None,
        ),
        class_="scroll",
        tabindex="0",
        role="group",
        aria_label="Table",
    )


def number(text: str) -> Html:
    """Return a number with its unit, aligned as a number."""
    return element("span", text, class_=_NUMBER)


def _is_number(cell: Content) -> bool:
    return isinstance(cell, int) or (isinstance(cell, Html) and cell.startswith(f'<span class="{_NUMBER}"'))


def _cells(row: Sequence[Content], styles: Sequence[str | None]) -> list[Html]:
    return [
        element("td", cell, class_="wide" if isinstance(cell, Html) and cell.startswith("<svg") else style)
        for cell, style in zip(row, styles, strict=True)
    ]


def facts(named: Mapping[str, Content]) -> Html:
    """Return a list of names and values."""
    return element(
        "dl", [joined(element("dt", name), element("dd", value)) for name, value in named.items()], class_="facts"
    )


def folded(summary: str, *content: Content) -> Html:
    """Return content that is folded until the reader opens it."""
    return element("details", element("summary", summary), *content)


def mono(text: str) -> Html:
    """Return an ID or a name in a monospaced font."""
    return element("span", text, class_="mono")


def address(text: str) -> Html:
    """Return an address that never wraps: a part of an address looks like another address."""
    return element("span", text, class_="mono address")


def legend(**named: str) -> Html:
    """Return the meaning of each color, by style class."""
    return element(
        "p",
        [
            element(
                "span",
                element(
                    "svg", element("rect", width=10, height=10, class_=style), viewBox="0 0 10 10", aria_hidden="true"
                ),
                words,
                class_="key",
            )
            for style, words in named.items()
        ],
    )
