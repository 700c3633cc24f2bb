"""Decompress files into blocks of text: gzip with any number of members, or plain text."""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Generator, Iterator
from typing import Any


def _fastest() -> Any:
    """Return ISA-L if it is installed, because it takes half the time of zlib. Databricks Runtime has only zlib."""
    try:
        return importlib.import_module("isal.isal_zlib")
    except ImportError:
        return zlib


_FAST = _fastest()
_ERRORS: tuple[type[Exception], ...] = (zlib.error, _FAST.error)

GZIP_MAGIC = b"\x1f\x8b"
_GZIP_WINDOW = 31  # zlib's window bits for a gzip header and trailer and a 32 KiB window
_RAW_WINDOW = -15
_FIRST_STEP = 1024
_CAREFUL_STEP = 16 * 1024
_NAME_STEP = 64 * 1024
_FHCRC, _FEXTRA, _FNAME, _FCOMMENT = 2, 4, 8, 16


class Damaged(Exception):
    """The compressed bytes are truncated or invalid. All bytes that can be decompressed are yielded first."""


def text_blocks(content: memoryview, *, size: int) -> Iterator[bytes]:
    """Yield the decompressed bytes in blocks of at most ``size`` bytes. Memory use does not grow with the file.

    Blocks are filled across gzip members, so their number depends on the bytes, not on the number of members.

    Raises:
        Damaged: The gzip is truncated, has bit errors or a wrong checksum, or is followed by bytes that are neither a
            gzip member nor zero padding. Raised after the last byte that can be decompressed.
    """
    content = content.cast("B")
    if bytes(content[:2]) != GZIP_MAGIC:
        for start in range(0, len(content), size):
            yield bytes(content[start : start + size])
        return
    yield from _filled(_members(content, size), size)


def _filled(blocks: Iterator[bytes], size: int) -> Iterator[bytes]:
    """Join blocks up to ``size`` bytes. The blocks before damage are yielded before `Damaged` is raised."""
    waiting: list[bytes] = []
    length = 0
    try:
        for block in blocks:
            if length + len(block) > size:
                yield b"".join(waiting)
                waiting, length = [], 0
            waiting.append(block)
            length += len(block)
    except Damaged:
        if waiting:
            yield b"".join(waiting)
        raise
    if waiting:
        yield b"".join(waiting)


def _members(content: memoryview, size: int) -> Iterator[bytes]:
    position = 0
    while position < len(content):
        position = yield from _member(content, position, size)
        position = _after_padding(content, position)


def _after_padding(content: memoryview, position: int) -> int:
    rest = bytes(content[position : position + 1024])
    while rest and not rest.strip(b"\0"):
        position += len(rest)
        rest = bytes(content[position : position + 1024])
    position += len(rest) - len(rest.lstrip(b"\0"))
    if position < len(content) and bytes(content[position : position + 2]) != GZIP_MAGIC:
        raise Damaged("garbage after the last gzip member")
    return position


def _member(content: memoryview, start: int, size: int) -> Generator[bytes, None, int]:
    """Yield the bytes of one gzip member and return its end position; switch to `_careful_member` if it is damaged."""
    inflate, position, given = _FAST.decompressobj(wbits=_GZIP_WINDOW), start, 0
    # Bytes after the end of a member are copied (`unused_data`), so a step is not longer than the member so far.
    # The longest step inflates to about one block.
    step, longest_step = _FIRST_STEP, max(size // 4, _FIRST_STEP)
    try:
        while not inflate.eof and position < len(content):
            data = content[position : position + step]
            position += len(data)
            step = min(2 * step, longest_step)
            while data and not inflate.eof:
                block = inflate.decompress(data, size)
                if block:
                    given += len(block)
                    yield block
                data = inflate.unconsumed_tail
    except _ERRORS:
        # Read the member again from its start, so that the bytes before the error are not lost.
        return (yield from _careful_member(content, start, given))
    if inflate.eof:
        return position - len(inflate.unused_data)
    return (yield from _careful_member(content, start, given))


def _careful_member(content: memoryview, start: int, given: int) -> Generator[bytes, None, int]:
    """Read a damaged member again; yield all bytes before the damage, except the first ``given`` of them."""
    position = _after_gzip_header(content, start)
    inflate, checksum, length = zlib.decompressobj(wbits=_RAW_WINDOW), 0, 0
    while not inflate.eof and position < len(content):
        before = inflate.copy()
        step = content[position : position + _CAREFUL_STEP]
        damage = None
        try:
            block = inflate.decompress(step)
        except zlib.error as error:
            block, damage = _up_to_error(before, step), error
        position += len(step)
        checksum, length = zlib.crc32(block, checksum), length + len(block)
        fresh = block[max(0, given - (length - len(block))) :]
        if fresh:
            yield fresh
        if damage is not None:
            raise Damaged(f"damaged gzip: {damage}")
    if not inflate.eof:
        raise Damaged("damaged gzip: the file is truncated")
    end = position - len(inflate.unused_data)
    _check_trailer(bytes(content[end : end + 8]), checksum, length)
    return end + 8


def _up_to_error(inflate: Any, data: memoryview) -> bytes:
    """Return all bytes that can be decompressed from ``data`` before its error.

    zlib discards the output of a failing call, so each call is as small as possible: one byte in, one byte out.
    """
    out = bytearray()
    try:
        for byte in data:
            piece = inflate.decompress(bytes([byte]), 1)
            while piece or inflate.unconsumed_tail:
                out += piece
                piece = inflate.decompress(inflate.unconsumed_tail, 1)
    except zlib.error:
        return bytes(out)
    return bytes(out)


def _after_gzip_header(content: memoryview, start: int) -> int:
    """Return the start position of a member's deflate stream (RFC 1952 section 2.3)."""
    fixed = bytes(content[start : start + 10])
    if len(fixed) < 10 or fixed[2] != 8:
        raise Damaged("damaged gzip: the header is truncated, or its compression method is not deflate")
    flags, position = fixed[3], start + 10
    if flags & _FEXTRA:
        position += 2 + int.from_bytes(content[position : position + 2], "little")
    for flag in (_FNAME, _FCOMMENT):
        if flags & flag:
            position = _after_zero(content, position)
    return position + (2 if flags & _FHCRC else 0)


def _after_zero(content: memoryview, start: int) -> int:
    """Return the position after a zero-terminated text in a member's header."""
    for position in range(start, len(content), _NAME_STEP):
        end = bytes(content[position : position + _NAME_STEP]).find(b"\0")
        if end >= 0:
            return position + end + 1
    raise Damaged("damaged gzip: the header is truncated")


def _check_trailer(trailer: bytes, checksum: int, length: int) -> None:
    if len(trailer) < 8:
        raise Damaged("damaged gzip: the file is truncated")
    if int.from_bytes(trailer[:4], "little") != checksum or int.from_bytes(trailer[4:], "little") != length % 2**32:
        raise Damaged("damaged gzip: wrong checksum or length")


def whole_text(content: bytes, *, limit: int) -> bytes | None:
    """Return the text of an undamaged gzip if it has at most ``limit`` bytes, else None."""
    inflate = _FAST.decompressobj(wbits=_GZIP_WINDOW)
    try:
        text = inflate.decompress(content, limit)
        if inflate.eof and inflate.unused_data:  # several members, or garbage
            blocks = text_blocks(memoryview(content), size=limit)
            text = next(blocks, b"")
            return text if next(blocks, None) is None else None
    except Damaged:
        return None
    except _ERRORS:
        return None
    return bytes(text) if inflate.eof else None
