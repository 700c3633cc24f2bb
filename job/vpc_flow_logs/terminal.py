"""Functions that make untrusted text, such as lines and file names, safe to print.

A terminal obeys escape sequences, and bidirectional control characters can disguise a line as a different one.
"""

from __future__ import annotations


def printable(text: str) -> str:
    r"""Escape every nonprintable character: control characters, line ends, direction marks and surrogates.

    >>> print(printable("a\x1b[31mb\u202e\n c"))
    a\x1b[31mb\u202e\n c
    """
    return text if text.isprintable() else "".join(map(_escaped, text))


def printable_lines(text: str) -> str:
    """Escape as `printable` does, but keep line ends. Use it for multi-line text that the job itself composed."""
    return "\n".join(map(printable, text.split("\n")))


def _escaped(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
