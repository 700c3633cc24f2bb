"""Markup that escapes by construction: a string that is not `Html` becomes text."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape


class Html(str):
    """Text that is already markup."""

    __slots__ = ()


Content = str | int | None | Sequence["Content"]
"""Markup, text, a number, nothing, or a sequence of these."""

_EMPTY = frozenset({"meta", "rect", "line", "path", "circle"})
"""Elements without content."""


def element(name: str, /, *content: Content, **attributes: str | float | None) -> Html:
    """Return an element. In attribute names, ``_`` becomes ``-`` and a final one is dropped; None omits the attribute.

    >>> element("a", "1 < 2", class_="x", aria_label='"')
    '<a class="x" aria-label="&quot;">1 &lt; 2</a>'
    """
    rendered = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_number(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _EMPTY:
        return Html(f"<{name}{rendered}>" if name == "meta" else f"<{name}{rendered}/>")
    return Html(f"<{name}{rendered}>{joined(*content)}</{name}>")


def joined(*content: Content) -> Html:
    """Concatenate pieces. Text is escaped, and control characters become dots."""
    return Html("".join(_text(piece) for piece in content))


def _text(piece: Content) -> str:
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
