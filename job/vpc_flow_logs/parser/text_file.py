"""The parser of one text file, block by block: its header lines, its records, and the lines that are neither."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass

from vpc_flow_logs.parser.bulk import first_header, values_by_format, values_of
from vpc_flow_logs.parser.layout import Format, Layout, format_of
from vpc_flow_logs.parser.line_by_line import Rejected, header_names, read_lines, split_lines, tokens_of
from vpc_flow_logs.parser.lines import LONGEST_LINE, Lines, LongLine, line_ends, whole_lines
from vpc_flow_logs.parser.quarantine import Entry, shown
from vpc_flow_logs.parser.record_batch import Values
from vpc_flow_logs.progress import counted

_HALVED_DOWN_TO = 64 * 1024
"""Size in bytes above which text with lines that are not records is split; smaller text is read line by line."""

Parts = Iterator[Values | Entry]


@dataclass
class _Unexplained:
    """Lines before the first header line that do not match Headers either. They become one entry."""

    line_number: int
    line: bytes
    fields: int
    lines: int = 0


class TextFile:
    """The parser of one file. Its state is the current line number and the format that applies there."""

    def __init__(self, path: str, layout: Layout) -> None:
        self._path = path
        self._layout = layout
        self._line = 1
        self._format: Format | None = None
        self._unexplained: _Unexplained | None = None
        self._has_more_headers = False

    def read(self, blocks: Iterator[bytes]) -> Parts:
        """Yield the records and the quarantine entries of the file with the text ``blocks``."""
        for piece in whole_lines(blocks):
            if isinstance(piece, Lines):
                yield from self._lines(piece.text)
            elif isinstance(piece, LongLine):
                yield from self._long_line(piece)
            else:
                yield from self._end_unexplained()
                yield self._entry(self._line, piece.half_line, piece.reason)
        yield from self._end_unexplained()

    def _lines(self, text: bytes) -> Parts:
        if self._format is None and self._unexplained is None:
            text = self._begin(text)
        if self._unexplained is not None:
            text = yield from self._look_for_header(text)
        if self._format is not None and text:
            yield from self._records(text)

    def _begin(self, text: bytes) -> bytes:
        """Determine the format from the first line that is not blank; return the text that is left to read."""
        start = 0
        while start < len(text):
            end = text.find(b"\n", start)
            # A CR is part of the line end only if an LF follows.
            line = text[start:] if end < 0 else text[start:end].removesuffix(b"\r")
            end = len(text) if end < 0 else end
            tokens = tokens_of(line)
            if tokens:
                break
            start, self._line = end + 1, self._line + 1
        else:
            return b""
        names = header_names(tokens)
        if names is not None:
            self._format = format_of(names, self._layout)
            self._line += 1
            return text[end + 1 :]
        if len(tokens) == len(self._layout.headers):
            self._format = format_of(self._layout.headers, self._layout)
        else:
            self._unexplained = _Unexplained(line_number=self._line, line=line, fields=len(tokens))
        return text[start:]

    def _look_for_header(self, text: bytes) -> Generator[Entry, None, bytes]:
        assert self._unexplained is not None
        header = first_header(text, 0)
        before = text if header is None else text[: header[0]]
        self._unexplained.lines += sum(1 for line in split_lines(before) if line.strip(b" "))
        self._line += line_ends(before)
        if header is None:
            return b""
        _, end, names = header
        yield from self._end_unexplained()
        self._format = format_of(names, self._layout)
        self._line += 1
        after = text.find(b"\n", end)
        return b"" if after < 0 else text[after + 1 :]

    def _records(self, text: bytes) -> Parts:
        """Read lines after the first header line, or of a file that matches Headers."""
        texts = [text]
        while texts:
            text = texts.pop()
            assert self._format is not None
            values = self._values(text, self._format)
            middle = text.find(b"\n", len(text) // 2) + 1
            if values is not None:
                yield from values
            elif len(text) > _HALVED_DOWN_TO and 0 < middle < len(text):
                texts += [text[middle:], text[:middle]]
                continue
            else:
                yield from self._careful(text, self._format)
            self._line += line_ends(text)

    def _values(self, text: bytes, format_: Format) -> list[Values] | None:
        """Return the records in ``text`` if all its lines are records, header lines or blank, else None."""
        if not self._has_more_headers:
            values = values_of(text, format_)
            if values is not None:
                return [values]
        result = values_by_format(text, format_, self._layout)
        if result is not None:
            self._has_more_headers = True
            records, self._format = result
            return records
        values = values_of(text, format_) if self._has_more_headers else None
        return None if values is None else [values]

    def _careful(self, text: bytes, format_: Format) -> Parts:
        parts = read_lines(text, format_, self._layout)
        while True:
            try:
                part = next(parts)
            except StopIteration as end:
                self._format = end.value
                return
            if isinstance(part, Rejected):
                yield self._entry(self._line + part.index, part.line, part.reason)
            else:
                yield part

    def _long_line(self, piece: LongLine) -> Parts:
        if self._unexplained is not None and not piece.is_blank:
            self._unexplained.lines += 1
        elif not piece.is_blank:
            yield self._entry(self._line, piece.start, f"line of more than {LONGEST_LINE} bytes")
        self._line += 1

    def _end_unexplained(self) -> Iterator[Entry]:
        if self._unexplained is None:
            return
        first, headers = self._unexplained, len(self._layout.headers)
        self._unexplained = None
        reason = f"no header line, and {counted(first.fields, 'field')} instead of the {headers} in Headers"
        yield self._entry(first.line_number, first.line, reason, lines=first.lines)

    def _entry(self, line_number: int, line: bytes, reason: str, *, lines: int = 1) -> Entry:
        return Entry(source_file=self._path, line_number=line_number, lines=lines, line=shown(line), reason=reason)
