"""Blocks of text as blocks of whole lines, with bounded memory whatever the length of a line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from vpc_flow_logs.decompress import Damaged

LONGEST_LINE = 1024 * 1024
"""Bytes of the longest line that is read, without its line end."""

_SHOWN_BYTES = 4 * 4096
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Lines:
    """Whole lines, each at most `LONGEST_LINE` bytes; only the last line of a file may lack its line end."""

    text: bytes


@dataclass(frozen=True)
class LongLine:
    """A line of more than `LONGEST_LINE` bytes: how it begins, and whether it is all spaces."""

    start: bytes
    is_blank: bool


@dataclass(frozen=True)
class Damage:
    """Why the file cannot be read on, and what there was of the line in which that happened."""

    reason: str
    half_line: bytes


Piece = Lines | LongLine | Damage


def whole_lines(blocks: Iterator[bytes]) -> Iterator[Piece]:
    """Cut blocks of text at line ends. A byte order mark at the start is skipped."""
    carry, long_line, is_first = b"", None, True
    try:
        for block in blocks:
            data = carry + block
            if is_first and len(data) < len(BYTE_ORDER_MARK):
                carry = data
                continue
            if is_first:
                data, is_first = data.removeprefix(BYTE_ORDER_MARK), False
            if long_line is not None:
                end = data.find(b"\n")
                long_line = _longer(long_line, data if end < 0 else data[:end])
                if end < 0:
                    carry = b""
                    continue
                yield long_line
                long_line, data = None, data[end + 1 :]
            cut = data.rfind(b"\n") + 1
            if cut:
                yield from _apart(data[:cut])
            carry = data[cut:]
            if len(carry) > LONGEST_LINE + 1:  # one more for the CR of a line end that may follow
                long_line, carry = LongLine(start=carry[:_SHOWN_BYTES], is_blank=not carry.strip(b" ")), b""
    except Damaged as damage:
        yield Damage(reason=str(damage), half_line=long_line.start if long_line else carry)
        return
    if long_line is not None:
        yield long_line
    elif carry:
        yield from _apart(carry.removeprefix(BYTE_ORDER_MARK) if is_first else carry)


def _longer(line: LongLine, more: bytes) -> LongLine:
    start = line.start if len(line.start) >= _SHOWN_BYTES else (line.start + more)[:_SHOWN_BYTES]
    return LongLine(start=start, is_blank=line.is_blank and not more.strip(b" \r"))


def _apart(text: bytes) -> Iterator[Piece]:
    """Whole lines with the ones that are too long apart; costs a look per `LONGEST_LINE` bytes."""
    start = position = 0
    while len(text) - position > LONGEST_LINE:
        last = text.rfind(b"\n", position, position + LONGEST_LINE + 2)
        first = text.find(b"\n", position)
        end = len(text) if first < 0 else first
        if last > first >= 0 or _length(text, position, end) <= LONGEST_LINE:
            position = max(last, end) + 1 if last > first else end + 1
            continue
        if start < position:
            yield Lines(text[start:position])
        line = text[position:end]
        yield LongLine(start=line[:_SHOWN_BYTES], is_blank=not line.strip(b" \r"))
        start = position = end + 1
    if start < len(text):
        yield Lines(text[start:])


def _length(text: bytes, start: int, end: int) -> int:
    return end - start - (1 if end < len(text) and text[end - 1 : end] == b"\r" else 0)
