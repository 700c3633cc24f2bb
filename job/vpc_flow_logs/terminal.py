"""Text of others, from lines and names of files, made safe to print.

A terminal obeys escape sequences, and marks that turn the direction of writing make a line look like another one.
"""

from __future__ import annotations


def printable(text: str) -> str:
    r"""Escape everything that has no glyph of its own: control characters, line ends, marks of direction, surrogates.

    >>> print(printable("a\x1b[31mb\u202e\n c"))
    a\x1b[31mb\u202e\n c
    """
    return text if text.isprintable() else "".join(map(_escaped, text))


def printable_lines(text: str) -> str:
    """Escape as `printable` does, but keep the line ends: for text of several lines that we put together ourselves."""
    return "\n".join(map(printable, text.split("\n")))


def _escaped(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
