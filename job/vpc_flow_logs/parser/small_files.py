"""Parse small text files of one format together, so that the cost per file is paid once for many files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from vpc_flow_logs.parser.bulk import values_of
from vpc_flow_logs.parser.decompress import GZIP_MAGIC, whole_text
from vpc_flow_logs.parser.event_time import name_time
from vpc_flow_logs.parser.layout import Format, Layout, format_of
from vpc_flow_logs.parser.line_by_line import header_names, tokens_of
from vpc_flow_logs.parser.lines import line_ends
from vpc_flow_logs.parser.parquet_file import MAGIC
from vpc_flow_logs.parser.record_batch import Source, Values

SMALL_FILE = 64 * 1024
"""Maximum size in bytes of a file that is parsed together with others."""

_SMALL_TEXT = 1024 * 1024
_BUNDLE_BYTES = 2 * 1024 * 1024
_MOST_HEADERS = 1000
_LONGEST_HEADER = 8 * 1024


@dataclass(frozen=True)
class SmallFile:
    """An undamaged text file that starts with a header line.

    Attributes:
        path: Path of the file.
        content: The bytes of the file.
        format: The format in the header line.
        text: The lines after the header line, each with its line end.
    """

    path: str
    content: pa.Buffer
    format: Format
    text: bytes


@dataclass
class Bundle:
    """The small files of one format that are waiting to be parsed together."""

    layout: Layout
    files: list[SmallFile] = field(default_factory=list)
    _bytes: int = 0
    _formats: dict[bytes, Format | None] = field(default_factory=dict)

    def small_file(self, path: str, content: pa.Buffer) -> SmallFile | None:
        """Return the file if it is simple enough to be parsed together with others, else None."""
        if content.size > SMALL_FILE:
            return None
        text = content.to_pybytes()
        if text.startswith(GZIP_MAGIC):
            whole = whole_text(text, limit=_SMALL_TEXT)
            if whole is None:
                return None
            text = whole
        elif text.startswith(MAGIC):
            return None
        header, _, records = text.partition(b"\n")
        records = records.replace(b"\n" + header + b"\n", b"\n")  # headers of concatenated files
        format_ = self._format(header.removesuffix(b"\r"))
        # A CR at the very end is part of a value, so no line end may be added after it.
        if format_ is None or not records or records.endswith(b"\r"):
            return None
        return SmallFile(path, content, format_, records if records.endswith(b"\n") else records + b"\n")

    def _format(self, header: bytes) -> Format | None:
        if len(header) > _LONGEST_HEADER:
            return None  # too long for the cache
        if header not in self._formats:
            if len(self._formats) > _MOST_HEADERS:
                self._formats.clear()
            names = header_names(tokens_of(header))
            self._formats[header] = None if names is None else format_of(names, self.layout)
        return self._formats[header]

    def has_room_for(self, file: SmallFile) -> bool:
        """Return whether the file can be added: it has the format of the others, and the bundle is not full."""
        return not self.files or (self.files[0].format == file.format and self._bytes < _BUNDLE_BYTES)

    def add(self, file: SmallFile) -> None:
        """Add a file for which `has_room_for` returns True."""
        self.files.append(file)
        self._bytes += len(file.text)

    def take(self) -> list[SmallFile]:
        """Empty the bundle and return its files."""
        files, self.files, self._bytes = self.files, [], 0
        return files


def parsed_together(files: Sequence[SmallFile]) -> Iterator[tuple[Values, list[Source]] | SmallFile]:
    """Yield the records of small files of one format, and each file that must be read on its own.

    Files that cannot be parsed together are split in half, so that one irregular file does not slow down the others.
    """
    if not files:
        return
    values = values_of(b"".join(file.text for file in files), files[0].format)
    sources = [Source(file.path, name_time(file.path), line_ends(file.text)) for file in files]
    if values is not None and values.rows == sum(source.rows for source in sources):
        yield values, sources
    elif len(files) == 1:
        yield files[0]
    else:
        half = len(files) // 2
        yield from parsed_together(files[:half])
        yield from parsed_together(files[half:])
