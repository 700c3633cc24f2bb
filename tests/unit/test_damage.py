"""Damage to files: each function makes the change that its name states, and no other."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import pytest

from local.traffic import damage

TEXT = b"version srcaddr dstport\n2 10.0.0.1 22\n2 10.0.0.2 443\n2 10.0.0.3 80\n"
PACKED = gzip.compress(TEXT * 200, mtime=0)


def readable(data: bytes) -> bytes:
    """Return the text that can be decompressed before the damage."""
    stream, text = zlib.decompressobj(31), b""
    for place in range(len(data)):
        try:
            text += stream.decompress(data[place : place + 1])
        except zlib.error:
            break
    return text


def test_a_cut_file_is_a_truncated_copy_of_the_original() -> None:
    cut = damage.cut(PACKED, at=0.9)
    assert PACKED.startswith(cut)
    assert (TEXT * 200).startswith(readable(cut))
    with pytest.raises(EOFError):
        gzip.decompress(cut)


@pytest.mark.parametrize("count", [1, 5])
def test_exactly_the_given_number_of_bits_is_flipped_outside_the_checksum(count: int) -> None:
    flipped = damage.flip_bits(PACKED, count=count, seed=3)
    changes = [(old ^ new).bit_count() for old, new in zip(PACKED, flipped, strict=True)]
    assert sum(changes) == count
    assert flipped[-8:] == PACKED[-8:]
    assert flipped == damage.flip_bits(PACKED, count=count, seed=3)
    with pytest.raises((zlib.error, EOFError, gzip.BadGzipFile)):
        gzip.decompress(flipped)


def test_a_wrong_checksum_leaves_the_content_readable_but_gzip_rejects_the_file() -> None:
    wrong = damage.wrong_checksum(PACKED)
    assert zlib.decompressobj(-15).decompress(wrong[10:]) == TEXT * 200
    with pytest.raises(gzip.BadGzipFile, match="CRC"):
        gzip.decompress(wrong)


def test_gzip_rejects_trailing_garbage_and_accepts_zero_padding() -> None:
    with pytest.raises(gzip.BadGzipFile):
        gzip.decompress(damage.trailing_garbage(PACKED))
    assert readable(damage.trailing_garbage(PACKED)) == TEXT * 200
    assert gzip.decompress(damage.zero_padding(PACKED)) == TEXT * 200


def test_several_members_hold_the_same_text() -> None:
    members = damage.in_members(PACKED, count=3)
    stream = zlib.decompressobj(31)
    assert len(stream.decompress(members)) == len(TEXT) * 200 // 3
    assert stream.unused_data
    assert gzip.decompress(members) == TEXT * 200


@pytest.mark.parametrize(
    ("damage_line", "line"),
    [
        (lambda data: damage.bad_integer(data, line=3, field=3), b"2 10.0.0.2 12x4"),
        (lambda data: damage.bad_integer(data, line=3, field=1, value=b"9" * 20), b"99999999999999999999 10.0.0.2 443"),
        (lambda data: damage.too_few_fields(data, line=3), b"2 10.0.0.2"),
        (lambda data: damage.too_many_fields(data, line=3), b"2 10.0.0.2 443 surplus"),
        (lambda data: damage.not_utf8(data, line=3), b"2 10.0.0.2 443\xff\xfe"),
        (lambda data: damage.over_long(data, line=3, length=40), b"2 10.0.0.2 443" + b"x" * 26),
        (lambda data: damage.with_double_spaces(data, line=3), b"2  10.0.0.2  443"),
    ],
)
@pytest.mark.parametrize("packed", [True, False])
def test_damage_to_a_line_changes_only_that_line_in_gzip_and_in_plain_text(
    damage_line: Callable[[bytes], bytes], line: bytes, packed: bool
) -> None:
    damaged = damage_line(gzip.compress(TEXT) if packed else TEXT)
    assert damaged.startswith(b"\x1f\x8b") is packed
    lines = TEXT.split(b"\n")
    assert damage.plain(damaged).split(b"\n") == [*lines[:2], line, *lines[3:]]


def test_an_overlong_line_is_one_byte_longer_than_a_mebibyte() -> None:
    assert len(damage.over_long(TEXT, line=2).split(b"\n")[1]) == 1024 * 1024 + 1


@pytest.mark.parametrize("line", [0, 5, 99])
def test_a_line_number_outside_the_file_is_an_error(line: int) -> None:
    with pytest.raises(ValueError, match=f"no line {line}"):
        damage.not_utf8(TEXT, line=line)


def test_changes_to_the_whole_file_keep_the_rest_of_its_text() -> None:
    assert damage.headerless(TEXT) == TEXT[TEXT.index(b"\n") + 1 :]
    assert damage.with_byte_order_mark(TEXT) == TEXT.decode().encode("utf-8-sig")
    assert damage.with_carriage_returns(TEXT).split(b"\r\n") == TEXT.split(b"\n")
    assert damage.without_last_newline(TEXT) == TEXT[:-1]
    assert gzip.decompress(damage.joined(PACKED, gzip.compress(TEXT))) == TEXT * 201


def test_repacked_files_have_no_timestamp() -> None:
    assert damage.headerless(PACKED) == damage.headerless(PACKED)
    assert damage.headerless(PACKED)[4:8] == bytes(4)
