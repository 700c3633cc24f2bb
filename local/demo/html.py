"""Markup that escapes by construction: what is no markup already becomes text."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


Content = str | int | None | Sequence["Content"]
"""Markup, text, a number, nothing, or several of these."""

_EMPTY = frozenset({"meta", "rect", "line", "path", "circle"})
"""Elements that have no content."""


def element(name: str, /, *content: Content, **attributes: str | float | None) -> Html:
    """An element. ``_`` in an attribute's name stands for ``-``, one at its end for nothing; None leaves it out.

    >>> element("a", "1 < 2", class_="x", aria_label='"')
    '<a class="x" aria-label="&quot;">1 &lt; 2</a>'
    """
    told = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_number(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _EMPTY:
        return Html(f"<{name}{told}>" if name == "meta" else f"<{name}{told}/>")
    return Html(f"<{name}{told}>{joined(*content)}</{name}>")


def joined(*content: Content) -> Html:
    """Pieces one after the other; what is no markup is escaped, control characters are shown as dots."""
    return Html("".join(_told(piece) for piece in content))


def _told(piece: Content) -> str:
    if piece is None:
        return ""
    if isinstance(piece, Html):
        return piece
    if isinstance(piece, int):
        return f"{piece:,}"
    if isinstance(piece, str):
        return escape("".join(character if character.isprintable() else "\N{MIDDLE DOT}" for character in piece))
    return joined(*piece)


def _number(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")
