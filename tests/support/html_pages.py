"""An HTML page as a browser sees it, and the rules that every page of this project obeys."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from tests.support.hostile import BIDI

EMPTY = ("meta",)
LOADING = {"src", "href", "srcset", "action", "data", "poster", "background", "xlink:href", "formaction"}
ACTIVE = {"script", "iframe", "img", "image", "link", "object", "embed", "base", "form", "foreignobject", "use", "a"}


class Page(HTMLParser):
    """A page as a browser sees it: elements with attributes, and the text; every element must be closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.rows: list[list[str]] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))
        if tag not in EMPTY:
            self._open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" in self._open:
            return
        self.text += data
        if {"td", "th"} & set(self._open):
            self.rows[-1][-1] += data

    def row(self, first: str) -> list[str]:
        return next(row for row in self.rows if row and row[0].startswith(first))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """Return the attributes of all elements with this tag."""
        return [attributes for name, attributes in self.elements if name == tag]


def page_of(text: str) -> Page:
    """Return the page, after checking that it loads nothing, runs nothing, and describes its charts and tables."""
    page = Page(text)
    assert {tag for tag, _ in page.elements}.isdisjoint(ACTIVE)
    names = [name for _, attributes in page.elements for name in attributes]
    assert not [name for name in names if name in LOADING or name.startswith("on")]
    assert not re.search(r"url\(|@import|https?://(?!www\.w3\.org/2000/svg\")", text)
    assert not re.search(f"[\x1b\x07\x9b{BIDI}]", text)
    (policy,) = (each for each in page.all("meta") if each.get("http-equiv"))
    assert policy["content"] == "default-src 'none'; style-src 'unsafe-inline'"
    assert page.all("html") == [{"lang": "en"}]
    assert len(page.all("h1")) == len(page.all("main")) == len(page.all("title")) - len(page.all("svg")) == 1
    assert all(chart["role"] == "img" and chart["aria-label"] for chart in page.all("svg"))
    assert len(page.all("desc")) == len(page.all("svg"))
    assert len(page.all("caption")) == len(page.all("table"))
    assert all(heading["scope"] in ("col", "row") for heading in page.all("th"))
    scrolling = [each for each in page.all("div") if each.get("class") == "scroll"]
    assert len(scrolling) == len(page.all("table"))
    # A tab index allows scrolling without a mouse.
    assert all(each["tabindex"] == "0" and each["aria-label"] for each in scrolling)
    return page
