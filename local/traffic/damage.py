"""Ways in which flow log files are damaged or odd: bytes in, bytes out.

Functions of a line take and give gzip or plain text, whichever they are given; lines count from 1, which is the header
of a file that has one.
"""

from __future__ import annotations

import gzip
import random
import struct
from collections.abc import Callable
from itertools import pairwise

_GZIP = b"\x1f\x8b"
_TRAILER_BYTES = 8  # a member ends with the CRC-32 and the length of its content, four bytes each (RFC 1952)
MEBIBYTE = 1 << 20


# The compressed file, or a Parquet file


def cut(data: bytes, *, at: float = 0.5) -> bytes:
    """The file's beginning, ``at`` of its length (0 to 1): an upload that broke off."""
    return data[: int(len(data) * at)]


def flip_bits(data: bytes, *, count: int = 1, seed: int = 0, after: float = 0.2) -> bytes:
    """The file with ``count`` bits turned over, in the part that begins at ``after`` of its length (0 to 1).

    The last bytes of a gzip file are spared: a wrong checksum is another damage.
    """
    rng = random.Random(seed)
    changed = bytearray(data)
    first, last = 8 * int(len(data) * after), 8 * (len(data) - _TRAILER_BYTES)
    for bit in rng.sample(range(first, last), count):
        changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def wrong_checksum(data: bytes) -> bytes:
    """A gzip file, all of whose content can be read, but its checksum says something else."""
    (checksum,) = struct.unpack("<I", data[-_TRAILER_BYTES:-4])
    return data[:-_TRAILER_BYTES] + struct.pack("<I", checksum ^ 0xFFFFFFFF) + data[-4:]


def trailing_garbage(data: bytes, *, garbage: bytes = b"not a gzip member\n") -> bytes:
    """A file with bytes behind its end, which belong to nothing."""
    return data + garbage


# Odd, but nothing is wrong with it


def zero_padding(data: bytes, *, count: int = 512) -> bytes:
    """A gzip file filled up with zeros, as tape and block tools leave it. This is allowed."""
    return data + bytes(count)


def in_members(data: bytes, *, count: int = 2) -> bytes:
    """The same text as a gzip file of several members, broken between any two bytes. This is allowed."""
    text = plain(data)
    bounds = [len(text) * number // count for number in range(count + 1)]
    return b"".join(_compress(text[begin:end]) for begin, end in pairwise(bounds))


def plain(data: bytes) -> bytes:
    """The text of a file, without gzip."""
    return gzip.decompress(data) if data.startswith(_GZIP) else data


def with_byte_order_mark(data: bytes) -> bytes:
    """A file whose text begins with UTF-8's byte order mark."""
    return _on_text(data, lambda text: b"\xef\xbb\xbf" + text)


def with_carriage_returns(data: bytes) -> bytes:
    """A file whose lines end with CR LF."""
    return _on_text(data, lambda text: text.replace(b"\n", b"\r\n"))


def with_double_spaces(data: bytes, *, line: int) -> bytes:
    """A file with runs of spaces between a line's fields, as AWS prints one of its examples."""
    return on_line(data, line=line, edit=lambda text: text.replace(b" ", b"  "))


def without_last_newline(data: bytes) -> bytes:
    """A file whose last line has no end."""
    return _on_text(data, lambda text: text.removesuffix(b"\n"))


def headerless(data: bytes) -> bytes:
    """A file without its first line, as exports from CloudWatch Logs are."""
    return _on_text(data, lambda text: text.partition(b"\n")[2])


def joined(*files: bytes) -> bytes:
    """Files of one kind one behind the other, each with its header: several formats in a file."""
    return b"".join(files)


# Lines


def bad_integer(data: bytes, *, line: int, field: int, value: bytes = b"12x4") -> bytes:
    """A line whose n-th field (from 1) is ``value``: where that is an integer's place, the line cannot be read."""

    def edit(text: bytes) -> bytes:
        values = text.split(b" ")
        values[field - 1] = value
        return b" ".join(values)

    return on_line(data, line=line, edit=edit)


def too_few_fields(data: bytes, *, line: int, missing: int = 1) -> bytes:
    """A line without its last fields."""
    return on_line(data, line=line, edit=lambda text: b" ".join(text.split(b" ")[:-missing]))


def too_many_fields(data: bytes, *, line: int, more: bytes = b"surplus") -> bytes:
    """A line with one more field than the header names."""
    return on_line(data, line=line, edit=lambda text: text + b" " + more)


def not_utf8(data: bytes, *, line: int) -> bytes:
    """A line with two bytes that are not UTF-8 at the end of its last field."""
    return on_line(data, line=line, edit=lambda text: text + b"\xff\xfe")


def over_long(data: bytes, *, line: int, length: int = MEBIBYTE + 1) -> bytes:
    """A line of ``length`` bytes: its last field goes on and on."""
    return on_line(data, line=line, edit=lambda text: text + b"x" * (length - len(text)))


def on_line(data: bytes, *, line: int, edit: Callable[[bytes], bytes]) -> bytes:
    """The file with one line (from 1, without its end) changed by ``edit``."""

    def change(text: bytes) -> bytes:
        lines = text.split(b"\n")
        if not 1 <= line <= len(lines) - text.endswith(b"\n"):
            raise ValueError(f"the file has no line {line}")
        lines[line - 1] = edit(lines[line - 1])
        return b"\n".join(lines)

    return _on_text(data, change)


def _on_text(data: bytes, change: Callable[[bytes], bytes]) -> bytes:
    changed = change(plain(data))
    return _compress(changed) if data.startswith(_GZIP) else changed


def _compress(text: bytes) -> bytes:
    return gzip.compress(text, mtime=0)
