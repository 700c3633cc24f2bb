"""Text of an attacker who can write log lines, for the tests of everything that shows text."""

from __future__ import annotations

ESCAPE = "\x1b[2J\x1b]0;title\x07\x9b31m"
BIDI = "\u200e\u200f\u202a-\u202e\u2066-\u2069"
"""Marks that change the direction of text, for a character class of a regular expression."""

HOSTILE = (
    "<script>alert('1')</script>&\"x\"onload='y' '; DROP TABLE t; -- "
    f"{ESCAPE}\u202etxt.exe\u2066 \u200f[red]{{{{7*7}}}}"
)
"""HTML, a template, markup of rich, SQL, escape sequences, and marks that reverse the direction of text."""

FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x")')
"""Text that a spreadsheet takes for a formula."""

DISGUISED_FORMULAS = (
    *("＝1+1", "＋1", "－1", "＠SUM(A1)", "﹢1", "﹣1", "﹦1", "﹫SUM(A1)"),
    *("  =1+1", "\n@SUM(A1)", "\x00+1", "\x1b=1+1", "\u200b=1+1", "\u202e-1", "\xa0＝1", "\ufeff=1"),
)
"""Formulas in full-width or small characters, and after characters that a spreadsheet may drop."""
