"""The bulk parser: converts whole lines of one format to arrays at Arrow's speed, if every line is regular."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from vpc_flow_logs.parser.layout import Format, Layout, format_of, is_header
from vpc_flow_logs.parser.lines import BYTE_ORDER_MARK
from vpc_flow_logs.parser.record_batch import Values

_NAME = rb"[A-Za-z][A-Za-z0-9]*(?:[-_][A-Za-z0-9]+)*"
_MAYBE_HEADER = re.compile(rb"^ *%b(?: +%b)* *(?:\r(?=\n))?$" % (_NAME, _NAME), re.MULTILINE)
_CAN_BEGIN_HEADER = np.array([chr(byte).isalpha() or byte == ord(" ") for byte in range(128)] + [False] * 128)
_TEXT_WORTH_A_CALL = 4 * 1024
_PARSE = csv.ParseOptions(delimiter=" ", quote_char=False, escape_char=False)


def values_of(text: bytes, format_: Format) -> Values | None:
    """Return the records in ``text``, or None if it must be read line by line.

    The records are returned only if every line is blank or a record of ``format_``, and if Arrow's CSV reader is
    certain to follow the rules for values. ``text`` must hold whole lines.
    """
    if not text or _is_odd(text) or (not format_.has_integers and first_header(text, 0) is not None):
        return None
    values = _read(text, format_)
    if values is None:
        squeezed = _squeezed(text)
        return None if squeezed == text or _is_odd(squeezed) else _read(squeezed, format_)
    return values


def first_header(text: bytes, start: int) -> tuple[int, int, list[str]] | None:
    """Return the first header line at or after ``start``: its start, its end and its names; None if there is none."""
    for match in _MAYBE_HEADER.finditer(text, start):
        names = match[0].decode("ascii").split()
        if is_header(names):
            return match.start(), match.end(), names
    return None


def values_by_format(text: bytes, format_: Format, layout: Layout) -> tuple[list[Values], Format] | None:
    """Return the records in text that has header lines, and the format that applies at its end.

    The lines of one format are parsed together: one call per format, not one per header line. The result is None if the
    text has no header line, or if it must be read line by line, as for `values_of`.
    """
    run = _Run(format_)
    runs = {format_: run}
    by_header: dict[bytes, _Run] = {}
    start = 0
    for begin, end in _maybe_headers(text):
        header = text[begin:end]
        if header not in by_header:
            names = header.decode("ascii").split()
            if not is_header(names):
                continue
            format_ = format_of(names, layout)
            by_header[header] = runs.setdefault(format_, _Run(format_))
            if len(runs) * _TEXT_WORTH_A_CALL > len(text):
                return None
        run.texts.append(text[start:begin])
        run, start = by_header[header], end + 1
    if not by_header:
        return None
    run.texts.append(text[start:])
    results = [values_of(b"".join(each.texts), each.format) for each in runs.values() if any(each.texts)]
    values = [result for result in results if result is not None]
    return (values, run.format) if len(values) == len(results) else None


@dataclass(frozen=True)
class _Run:
    """The lines of one format, in pieces."""

    format: Format
    texts: list[bytes] = field(default_factory=list)


def _maybe_headers(text: bytes) -> Iterator[tuple[int, int]]:
    """Yield the start and the end of each line that could be a header line."""
    data = np.frombuffer(text, np.uint8)
    starts = np.concatenate([[0], np.flatnonzero(data[:-1] == ord("\n")) + 1])
    for start in starts[_CAN_BEGIN_HEADER[data[starts]]].tolist():
        match = _MAYBE_HEADER.match(text, start)
        if match is not None:
            yield start, match.end()


def _is_odd(text: bytes) -> bool:
    """Return whether Arrow would read the text differently.

    Arrow trims tabs around numbers, reads 0x10 as 16, ends lines at a lone CR and drops a byte order mark.
    """
    return (
        b"\t" in text
        or (b"\r" in text and text.count(b"\r") != text.count(b"\r\n"))
        or (b"x" in text and b"0x" in text)
        or (b"X" in text and b"0X" in text)
        or text.startswith(BYTE_ORDER_MARK)
    )


def _read(text: bytes, format_: Format) -> Values | None:
    names, convert = _options(format_)
    read = csv.ReadOptions(use_threads=False, column_names=names, block_size=len(text) + 1)
    try:
        table = csv.read_csv(pa.py_buffer(text), read_options=read, parse_options=_PARSE, convert_options=convert)
    except pa.ArrowInvalid:
        return None
    arrays = [column.chunk(0) if column.num_chunks == 1 else column.combine_chunks() for column in table.columns]
    return None if any(map(_has_empty, arrays)) else Values(format=format_, arrays=arrays)


def _has_empty(array: pa.Array) -> bool:
    """Return whether a value is empty. Only several spaces in a row cause that."""
    return bool(pa.types.is_string(array.type) and pc.min(pc.binary_length(array)).as_py() == 0)


@lru_cache(maxsize=64)
def _options(format_: Format) -> tuple[list[str], csv.ConvertOptions]:
    names = [str(i) for i in range(len(format_.places))]
    types = {
        name: place.column.arrow_type if place.column is not None else pa.string()
        for name, place in zip(names, format_.places, strict=True)
    }
    return names, csv.ConvertOptions(
        column_types=types, null_values=["-"], strings_can_be_null=True, quoted_strings_can_be_null=False
    )


def _squeezed(text: bytes) -> bytes:
    """Return the text with single spaces between values, and without spaces around lines."""
    text = re.sub(rb" {2,}", b" ", text) if b"  " in text else text
    text = text.replace(b" \r\n", b"\r\n").replace(b" \n", b"\n").replace(b"\n ", b"\n")
    return text.strip(b" ")
