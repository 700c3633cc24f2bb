"""Prose of a file: documents, docstrings, comments and messages, without code and with the line of each word."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property
from typing import Literal

Kind = Literal["document", "docstring", "comment", "message"]

CODE = "…"
"""Stands for code that is left out."""

_FENCE = re.compile(r"^ *(```|~~~).*?^ *\1[^\n]*$", re.DOTALL | re.MULTILINE)
_HTML_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_LINK_TARGET = re.compile(r"(?<=\])\([^)\s]*\)")
_BACKQUOTES = re.compile(r"(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
_URL = re.compile(r"https?://\S+")
_DOCTEST = re.compile(r"^ *>>> .*?(?=^ *$|\Z)", re.DOTALL | re.MULTILINE)
_DIRECTIVE = re.compile(r"^#(?:!| *(?:noqa|type:|ruff:|mypy:|pragma))")
_PARAGRAPH = re.compile(r"\n[ \t]*\n")
# A regular expression is not a message.
_PATTERN = re.compile(r"\(\?[:<=!P-]")
# Messages are sentences; shorter literals are names.
_FEWEST_WORDS = 3


class Text:
    """A piece of prose.

    Attributes:
        file: The path of the file, as findings name it.
        kind: Where the prose stands.
        words: The words with one space between them, and a mark between paragraphs.
    """

    def __init__(self, file: str, kind: Kind, text: str, line: int, *, source: tuple[str, ...] = ()) -> None:
        """Split the prose into words.

        Args:
            file: The path of the file.
            kind: Where the prose stands.
            text: The prose, with its line breaks.
            line: The line of the file on which ``text`` begins, counted from 1.
            source: For a string literal, the lines of the file that it spans. Its own line breaks do not match them.
        """
        self.file = file
        self.kind = kind
        self._line = line
        self._source = source
        self._text = _without_code(text)
        self._places = [(match.start(), match[0]) for match in re.finditer(r"\S+", self._text)]
        self.words = " ".join(word for _, word in self._places)

    @cached_property
    def _starts(self) -> list[int]:
        starts, at = [], 0
        for _, word in self._places:
            starts.append(at)
            at += len(word) + 1
        return starts

    def line_of(self, place: int) -> int:
        """Return the line of the file that the word at a place of ``words`` is on."""
        number = bisect_right(self._starts, place) - 1
        if self._source:
            return self._line + self._line_in_source(number)
        start, _ = self._places[number]
        return self._line + self._text.count("\n", 0, start + place - self._starts[number])

    def _line_in_source(self, number: int) -> int:
        """Return the first line that has the word and the next one; a literal may continue on another line."""
        following = [word for _, word in self._places[number : number + 2]]
        for words in (" ".join(following), following[0]):
            for line, text in enumerate(self._source):
                if words in text:
                    return line
        return 0


def texts_of(file: str, content: str) -> Iterator[Text]:
    """Yield the prose of a file, by the ending of its name."""
    if file.endswith(".md"):
        yield Text(file, "document", content, 1)
    elif file.endswith(".py"):
        yield from _of_python(file, content)
    else:
        yield from _of_lines(file, content)


def _without_code(text: str) -> str:
    """Replace code with a mark, and keep the line breaks."""
    for pattern in (_HTML_COMMENT, _FENCE, _DOCTEST, _BACKQUOTES, _LINK_TARGET, _URL):
        text = pattern.sub(lambda match: CODE + "\n" * match[0].count("\n"), text)
    return _PARAGRAPH.sub(lambda match: f"{match[0]}¶ ", text)


def _of_python(file: str, content: str) -> Iterator[Text]:
    tree = ast.parse(content)
    lines = content.splitlines()
    documented = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            documented.add(id(node.value))
            yield Text(file, "docstring", node.value.value, node.lineno)
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if id(node) not in documented | inside:
            message = _message(node)
            if len(re.findall("[A-Za-z]{2,}", message)) >= _FEWEST_WORDS and not _PATTERN.search(message):
                assert isinstance(node, ast.expr)
                source = tuple(lines[node.lineno - 1 : node.end_lineno])
                yield Text(file, "message", message, node.lineno, source=source)
    yield from _comments(file, content)


def _message(node: ast.AST) -> str:
    """Return the text of a string or an f-string; empty for anything else."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else CODE for part in node.values)
    return ""


def _comments(file: str, content: str) -> Iterator[Text]:
    """Yield each comment, consecutive lines as one."""
    block: list[tuple[int, int, str]] = []
    for token in tokenize.generate_tokens(io.StringIO(content).readline):
        if token.type != tokenize.COMMENT or _DIRECTIVE.match(token.string):
            continue
        line, column = token.start
        alone = not token.line[:column].strip()
        if block and not (alone and line == block[-1][0] + 1 and column == block[-1][1]):
            yield _comment(file, block)
            block = []
        block.append((line, column, token.string.lstrip("#")))
    if block:
        yield _comment(file, block)


def _comment(file: str, block: list[tuple[int, int, str]]) -> Text:
    return Text(file, "comment", "\n".join(text for _, _, text in block), block[0][0])


def _of_lines(file: str, content: str) -> Iterator[Text]:
    """Yield the comments of a TOML, YAML or Makefile, consecutive lines as one; ``## help`` of a target among them."""
    block: list[str] = []
    lines = content.splitlines()
    for number, line in enumerate([*lines, ""], 1):
        match = re.search(r"(?:^|\s)#+(?: |$)(.*)", re.sub(r'"[^"\n]*"', lambda quoted: "_" * len(quoted[0]), line))
        if match:
            block.append(line[match.start(1) :])
        elif block:
            yield Text(file, "comment", "\n".join(block), number - len(block))
            block = []
