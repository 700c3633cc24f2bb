"""Functions that damage flow log files or make them unusual: bytes in, bytes out.

Functions that change the text accept gzip or plain text, and return the same kind. Lines count from 1; in a file with
a header line, line 1 is the header.
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
    """Truncate a file at a fraction ``at`` of its length, like an interrupted upload."""
    return data[: int(len(data) * at)]


def flip_bits(data: bytes, *, count: int = 1, seed: int = 0, after: float = 0.2) -> bytes:
    """Flip ``count`` bits after a fraction ``after`` of the file's length.

    The trailer of a gzip file stays intact, because a wrong checksum is a different kind of damage.
    """
    rng = random.Random(seed)
    changed = bytearray(data)
    first, last = 8 * int(len(data) * after), 8 * (len(data) - _TRAILER_BYTES)
    for bit in rng.sample(range(first, last), count):
        changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def wrong_checksum(data: bytes) -> bytes:
    """Make the checksum of a gzip file wrong; its content stays readable."""
    (checksum,) = struct.unpack("<I", data[-_TRAILER_BYTES:-4])
    return data[:-_TRAILER_BYTES] + struct.pack("<I", checksum ^ 0xFFFFFFFF) + data[-4:]


def trailing_garbage(data: bytes, *, garbage: bytes = b"not a gzip member\n") -> bytes:
    """Append bytes that do not belong to the file."""
    return data + garbage


# Unusual, but valid


def zero_padding(data: bytes, *, count: int = 512) -> bytes:
    """Pad a gzip file with zeros, as tape and block tools do. The result is valid."""
    return data + bytes(count)


def in_members(data: bytes, *, count: int = 2) -> bytes:
    """Compress the text as a gzip file of several members, split at any byte. The result is valid."""
    text = plain(data)
    bounds = [len(text) * number // count for number in range(count + 1)]
    return b"".join(_compress(text[begin:end]) for begin, end in pairwise(bounds))


def plain(data: bytes) -> bytes:
    """Return the decompressed text of a file."""
    return gzip.decompress(data) if data.startswith(_GZIP) else data


def with_byte_order_mark(data: bytes) -> bytes:
    """Put the UTF-8 byte order mark before the text."""
    return _on_text(data, lambda text: b"\xef\xbb\xbf" + text)


def with_carriage_returns(data: bytes) -> bytes:
    """End the lines with CR LF."""
    return _on_text(data, lambda text: text.replace(b"\n", b"\r\n"))


def with_double_spaces(data: bytes, *, line: int) -> bytes:
    """Separate the fields of a line with two spaces, as in an example of AWS's documentation."""
    return on_line(data, line=line, edit=lambda text: text.replace(b" ", b"  "))


def without_last_newline(data: bytes) -> bytes:
    """Remove the newline at the end of the file."""
    return _on_text(data, lambda text: text.removesuffix(b"\n"))


def headerless(data: bytes) -> bytes:
    """Remove the first line, as in exports from CloudWatch Logs."""
    return _on_text(data, lambda text: text.partition(b"\n")[2])


def joined(*files: bytes) -> bytes:
    """Concatenate files of one kind, each with its header line, so that one file has several formats."""
    return b"".join(files)


# Lines


def bad_integer(data: bytes, *, line: int, field: int, value: bytes = b"12x4") -> bytes:
    """Replace the n-th field (from 1) of a line; if the field is an integer, the line is then unreadable."""

    def edit(text: bytes) -> bytes:
        values = text.split(b" ")
        values[field - 1] = value
        return b" ".join(values)

    return on_line(data, line=line, edit=edit)


def too_few_fields(data: bytes, *, line: int, missing: int = 1) -> bytes:
    """Remove the last fields of a line."""
    return on_line(data, line=line, edit=lambda text: b" ".join(text.split(b" ")[:-missing]))


def too_many_fields(data: bytes, *, line: int, more: bytes = b"surplus") -> bytes:
    """Append a field to a line, so that it has one field more than the header line."""
    return on_line(data, line=line, edit=lambda text: text + b" " + more)


def not_utf8(data: bytes, *, line: int) -> bytes:
    """Append two bytes that are not valid UTF-8 to the last field of a line."""
    return on_line(data, line=line, edit=lambda text: text + b"\xff\xfe")


def over_long(data: bytes, *, line: int, length: int = MEBIBYTE + 1) -> bytes:
    """Extend the last field of a line, so that the line has ``length`` bytes."""
    return on_line(data, line=line, edit=lambda text: text + b"x" * (length - len(text)))


def on_line(data: bytes, *, line: int, edit: Callable[[bytes], bytes]) -> bytes:
    """Change one line (from 1, without its newline) with ``edit``."""

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
