"""Whole lines of one format as arrays at Arrow's speed, where they hold nothing out of the ordinary."""

from __future__ import annotations

import re
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from vpc_flow_logs.assemble import Values
from vpc_flow_logs.layout import Format, is_header
from vpc_flow_logs.lines import BYTE_ORDER_MARK

_NAME = rb"[A-Za-z][A-Za-z0-9]*(?:[-_][A-Za-z0-9]+)*"
_MAYBE_HEADER = re.compile(rb"^ *%b(?: +%b)* *(?:\r(?=\n))?$" % (_NAME, _NAME), re.MULTILINE)
_PARSE = csv.ParseOptions(delimiter=" ", quote_char=False, escape_char=False)


def values_of(text: bytes, format_: Format) -> Values | None:
    """The records in ``text``, or None when it has to be looked at line by line.

    ``text`` holds whole lines that are all records of ``format_`` or blank. None is the answer whenever that, or
    the agreement of Arrow's CSV reader with the rules for values, is not certain.
    """
    if not text or _is_odd(text) or (not format_.has_integers and first_header(text, 0) is not None):
        return None
    values = _read(text, format_)
    if values is None:
        squeezed = _squeezed(text)
        return None if squeezed == text or _is_odd(squeezed) else _read(squeezed, format_)
    return values


def first_header(text: bytes, start: int) -> tuple[int, int, list[str]] | None:
    """The first header line at or after ``start``: where it starts and ends, and its names; None without one."""
    for match in _MAYBE_HEADER.finditer(text, start):
        names = match[0].decode("ascii").split()
        if is_header(names):
            return match.start(), match.end(), names
    return None


def _is_odd(text: bytes) -> bool:
    """Whether Arrow would read something of this differently: it trims tabs around numbers, reads 0x10 as 16, ends
    lines at a lone CR and drops a byte order mark.
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
    """Whether a value is empty, which only a run of spaces makes."""
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
    """The same records without runs of spaces, and without spaces around lines."""
    text = re.sub(rb" {2,}", b" ", text).replace(b" \r\n", b"\r\n").replace(b" \n", b"\n").replace(b"\n ", b"\n")
    return text.strip(b" ")
