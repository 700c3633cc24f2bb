"""gzip files: several members, padding, and every kind of damage."""

from __future__ import annotations

import gzip
import random
import struct
import zlib
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest

from local.traffic import damage
from tests.support.parsing import (
    MEBIBYTE,
    PATH,
    RECORD,
    Parsed,
    expected,
    header,
    inflated,
    inflated_by,
    libraries,
    limits,
    packed,
    parsed,
    places,
    same,
    text,
)
from vpc_flow_logs.parser import bulk, decompress

pytestmark = pytest.mark.lts

THREE = ("version", "srcaddr", "dstport")
SMALL = text(header(THREE), *(b"%d 10.0.0.%d %d" % (n, n, n * 7) for n in range(12)), b"broken", b"2 last 5")
TRAILER = 8


@pytest.fixture(autouse=True, params=["zlib", "isal"])
def library(request: pytest.FixtureRequest) -> Iterator[str]:
    """Run each test with both gzip libraries, if they are installed."""
    if request.param not in libraries():
        pytest.skip("isal is not installed")
    with inflated_by(request.param):
        yield request.param


def check(data: bytes, columns: tuple[str, ...] = THREE) -> Parsed:
    """Assert that a damaged file gives the result of its readable text, plus at most one entry for the damage."""
    content, damaged = inflated(data)
    actual = parsed(data, columns)
    same(actual, expected(content, columns, damaged=damaged))
    return actual


def test_a_gzip_file_gives_the_rows_of_its_text() -> None:
    for level in (0, 1, 6, 9):
        same(parsed(packed(SMALL, level), THREE), expected(SMALL, THREE))


def test_gzip_is_detected_by_its_first_bytes_and_not_by_the_file_name() -> None:
    for name in ("a.log", "a.parquet", "a"):
        rows, _ = parsed([(name, packed(text(b"srcaddr", b"a")))], THREE)
        assert [row["srcaddr"] for row in rows] == ["a"]


@pytest.mark.parametrize("count", [2, 3, 7, 50])
def test_several_members_are_one_text_even_if_lines_span_members(count: int) -> None:
    same(parsed(damage.in_members(SMALL, count=count), THREE), expected(SMALL, THREE))
    same(parsed(damage.in_members(packed(SMALL), count=count), THREE), expected(SMALL, THREE))


def test_a_member_may_end_at_any_byte_of_the_text() -> None:
    for at in range(len(SMALL) + 1):
        same(parsed(packed(SMALL[:at]) + packed(SMALL[at:]), THREE), expected(SMALL, THREE))


def test_a_later_member_may_begin_with_a_header_line() -> None:
    data = packed(text(b"version srcaddr", b"2 a")) + packed(text(b"srcaddr version", b"b 3"))
    assert [(row["version"], row["srcaddr"]) for row in parsed(data, THREE).rows] == [(2, "a"), (3, "b")]


def test_members_may_be_empty() -> None:
    assert parsed(packed(b"") * 3, THREE) == ([], [])
    same(parsed(packed(b"") + packed(SMALL) + packed(b""), THREE), expected(SMALL, THREE))


@pytest.mark.parametrize("count", [1, 2, 7, 8, 511, 512, 1023, 1024, 1025, 70_000])
def test_zero_padding_is_ignored(count: int) -> None:
    same(parsed(damage.zero_padding(packed(SMALL), count=count), THREE), expected(SMALL, THREE))
    assert parsed(damage.zero_padding(packed(b""), count=count), THREE) == ([], [])


@pytest.mark.parametrize(
    "garbage", [b"x", b"\n", b"\x1f", b"\x1f\x8c", b"not a gzip member\n", b"\0\0x", b"\0" * 2000 + b"\x01"]
)
def test_garbage_after_the_last_member_is_one_entry_and_all_lines_are_kept(garbage: bytes) -> None:
    actual = parsed(damage.trailing_garbage(packed(SMALL), garbage=garbage), THREE)
    same(actual, expected(SMALL, THREE, damaged=True))
    assert places(actual.entries) == [(14, 1), (16, 1)]


def test_an_incomplete_second_member_is_damage() -> None:
    for length in range(2, len(packed(SMALL))):
        actual = check(packed(SMALL) + packed(SMALL)[:length])
        assert len(actual.rows) >= 13


def test_garbage_after_a_last_line_without_a_line_end_loses_no_line() -> None:
    for content in (text(b"srcaddr") + b"a", b"\n\nsrcaddr\na b"):
        rows, entries = parsed(packed(content) + b"garbage", THREE)
        assert len(entries) <= 2
        assert b"a" in b" ".join(
            [(row["srcaddr"] or "").encode() for row in rows] + [(e.line or "").encode() for e in entries]
        )


# Many members


@pytest.mark.parametrize("size", [1000, 64 * 1024])
def test_the_number_of_blocks_depends_on_the_text_size_and_not_on_the_number_of_members(size: int) -> None:
    content = text(header(), *[RECORD.replace(b"20641", b"%d" % number) for number in range(2000)])
    for count in (1, 2, 50, 2000):
        blocks = list(decompress.text_blocks(memoryview(damage.in_members(content, count=count)), size=size))
        assert b"".join(blocks) == content
        assert max(map(len, blocks)) <= size
        assert len(blocks) <= 2 * len(content) / size + 1


def test_each_byte_of_many_members_is_decompressed_at_most_a_few_times() -> None:
    rng = random.Random(5)
    data = b"".join(packed(rng.randbytes(3000)) for _ in range(300))
    consumed = 0

    class Counting:
        def __init__(self, stream: Any) -> None:
            self._stream = stream

        def decompress(self, piece: Any, *limit: int) -> Any:
            nonlocal consumed
            consumed += len(piece)
            return self._stream.decompress(piece, *limit)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._stream, name)

    library = decompress._FAST
    with mock.patch.object(decompress, "_FAST") as counting:
        counting.decompressobj.side_effect = lambda **options: Counting(library.decompressobj(**options))
        assert sum(map(len, decompress.text_blocks(memoryview(data), size=2 * MEBIBYTE))) == 300 * 3000
    assert consumed <= 3 * len(data)


def test_the_number_of_parser_calls_does_not_grow_with_the_number_of_members() -> None:
    lines = [RECORD.replace(b"20641", b"%d" % number) for number in range(2000)]
    calls = {}
    for rows in (2000, 100, 10):
        texts = [text(header(), *lines[begin : begin + rows]) for begin in range(0, 2000, rows)]
        with mock.patch.object(bulk, "_read", wraps=bulk._read) as read, limits(bundles=False):
            assert len(parsed(b"".join(map(packed, texts))).rows) == 2000
        calls[rows] = read.call_count
    assert calls[2000] == 1
    assert calls[100] == calls[10] <= 3


@pytest.mark.parametrize("count", [3, 40])
def test_damage_in_one_of_many_small_members_keeps_every_complete_line_before_it(count: int) -> None:
    members = [packed(text(b"%d m %d" % (number, number))) for number in range(count)]
    data = packed(text(header(THREE))) + b"".join(members)
    at = len(packed(text(header(THREE)))) + sum(map(len, members[: count // 2]))
    for place in range(at, at + len(members[count // 2])):
        changed = bytearray(data)
        changed[place] ^= 0xFF
        check(bytes(changed))


# Flags in the header of a member


def with_flags(
    content: bytes, *, extra: bytes | None = None, name: bytes = b"", comment: bytes = b"", crc: bool = False
) -> bytes:
    """Return a gzip member with optional header fields (RFC 1952 section 2.3)."""
    flags = (4 if extra is not None else 0) | (8 if name else 0) | (16 if comment else 0) | (2 if crc else 0)
    head = b"\x1f\x8b\x08" + bytes([flags]) + b"\0\0\0\0\0\x03"
    if extra is not None:
        head += struct.pack("<H", len(extra)) + extra
    head += name + b"\0" * bool(name) + comment + b"\0" * bool(comment)
    if crc:
        head += struct.pack("<H", zlib.crc32(head) & 0xFFFF)
    return head + packed(content)[10:]


FLAGS = [
    {"name": b"a file.log"},
    {"comment": b"no comment"},
    {"extra": b""},
    {"extra": b"ab\4\0\0\x1f\x8b\0"},
    {"extra": b"\0" * 65535},
    {"crc": True},
    {"extra": b"xy\0\0", "name": b"n" * 3000, "comment": b"c", "crc": True},
]


@pytest.mark.parametrize("flags", FLAGS, ids="+".join)
def test_a_member_header_may_have_every_optional_field(flags: dict[str, object]) -> None:
    data = with_flags(SMALL, **flags)  # type: ignore[arg-type]
    same(parsed(data, THREE), expected(SMALL, THREE))
    same(parsed(packed(SMALL) + data, THREE), expected(SMALL * 2, THREE))


@pytest.mark.parametrize("flags", FLAGS, ids="+".join)
def test_a_damaged_member_with_optional_fields_is_read_up_to_the_damage(flags: dict[str, object]) -> None:
    data = with_flags(SMALL, **flags)  # type: ignore[arg-type]
    for cut in (10, 12, 15, len(data) - 9, len(data) - 8, len(data) - 1):
        actual = check(data[:cut])
        assert len(actual.entries) >= 1
    same(parsed(damage.wrong_checksum(data), THREE), expected(SMALL, THREE, damaged=True))


# Damage


def test_a_truncated_file_keeps_every_complete_line() -> None:
    data, whole = packed(SMALL), expected(SMALL, THREE)
    counts = []
    for length in range(2, len(data)):
        actual = check(data[:length])
        assert actual.rows == whole.rows[: len(actual.rows)]
        assert actual.entries
        assert actual.entries[-1].lines == 1
        counts.append(len(actual.rows))
    assert counts == sorted(counts)
    assert counts[0] == 0
    assert counts[-1] == 13


def test_the_first_byte_of_a_gzip_file_alone_is_text() -> None:
    assert places(parsed(packed(SMALL)[:1], THREE).entries) == [(1, 1)]


def test_the_entry_of_a_truncated_file_shows_the_incomplete_last_line() -> None:
    data = packed(SMALL, 0)  # stored, so that the file contains the text unchanged
    at = data.index(b"10.0.0.5") + len(b"10.0.0.5")
    rows, entries = parsed(data[:at], THREE)
    assert len(rows) == 5
    assert [(entry.source_file, entry.line_number, entry.lines, entry.line) for entry in entries] == [
        (PATH, 7, 1, "5 10.0.0.5")
    ]


def test_every_flipped_bit_is_damage_that_is_reported_once() -> None:
    data, whole = packed(SMALL), expected(SMALL, THREE)
    for bit in range(8 * len(data)):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        if changed[:2] != data[:2]:
            same(parsed(bytes(changed), THREE), expected(bytes(changed), THREE))
            continue
        content, damaged = inflated(bytes(changed))
        actual = parsed(bytes(changed), THREE)
        if damaged:
            same(actual, expected(content, THREE, damaged=True))
        else:  # a bit without meaning, or a bit of the header that another reader may reject
            assert content == SMALL
            assert actual.rows == whole.rows
            assert len(actual.entries) in (len(whole.entries), len(whole.entries) + 1)


def test_a_flipped_bit_in_the_second_member_leaves_the_first_unchanged() -> None:
    first, second = packed(SMALL), packed(text(*[b"%d b %d" % (n, n) for n in range(30)]))
    rows = expected(SMALL, THREE).rows
    for bit in range(0, 8 * len(second), 3):
        changed = bytearray(second)
        changed[bit // 8] ^= 1 << bit % 8
        content, damaged = inflated(first + bytes(changed))
        actual = parsed(first + bytes(changed), THREE)
        assert [row for row in actual.rows if row["srcaddr"] != "b"][:13] == rows
        if damaged:
            same(actual, expected(content, THREE, damaged=True))


def test_bit_errors_in_a_larger_file_keep_the_lines_before_the_error() -> None:
    rng = random.Random(7)
    content = text(header(), *[RECORD.replace(b"20641", b"%d" % rng.randrange(65536)) for _ in range(700)])
    data = packed(content)
    for seed in range(2):
        changed = damage.flip_bits(data, seed=seed)
        text_left, damaged = inflated(changed)
        assert damaged
        for block in (500, 10_000, 2 * MEBIBYTE):
            with limits(block=block):
                same(parsed(changed), expected(text_left, damaged=True))


@pytest.mark.parametrize("block", [50, 1000, 5000])
def test_the_block_size_does_not_change_the_result_of_damage(block: int) -> None:
    data = packed(text(header(THREE), *(b"%d 10.0.%d.%d 80" % (n, n % 256, n % 7) for n in range(300))))
    with limits(block=block, halved=64, bundles=False):
        for cut in range(20, len(data), 211):
            check(data[:cut])
            check(damage.flip_bits(data, seed=cut))
        check(damage.wrong_checksum(data))
        check(damage.trailing_garbage(data))


def test_a_wrong_checksum_is_one_entry_and_all_lines_are_kept() -> None:
    actual = parsed(damage.wrong_checksum(packed(SMALL)), THREE)
    same(actual, expected(SMALL, THREE, damaged=True))
    assert places(actual.entries) == [(14, 1), (16, 1)]


@pytest.mark.parametrize("change", [1, -1, 255, 2**31])
def test_a_wrong_length_is_one_entry_and_all_lines_are_kept(change: int) -> None:
    length = struct.pack("<I", (len(SMALL) + change) % 2**32)
    same(parsed(packed(SMALL)[:-4] + length, THREE), expected(SMALL, THREE, damaged=True))


def test_a_wrong_checksum_in_the_first_member_ends_the_file() -> None:
    actual = check(damage.wrong_checksum(packed(SMALL)) + packed(SMALL))
    assert len(actual.rows) == 13


def test_a_last_line_without_a_line_end_before_a_wrong_checksum_is_shown() -> None:
    rows, entries = parsed(damage.wrong_checksum(packed(text(b"srcaddr", b"a") + b"b")), THREE)
    assert [row["srcaddr"] for row in rows] == ["a"]
    assert [(entry.line_number, entry.lines, entry.line) for entry in entries] == [(3, 1, "b")]


def test_damage_in_lines_without_a_header_is_a_separate_entry() -> None:
    data = damage.wrong_checksum(packed(text(b"2 a", b"2 b", b"2 c") + b"2 d"))
    rows, entries = parsed(data, THREE)
    assert rows == []
    assert [(entry.line_number, entry.lines, entry.line) for entry in entries] == [(1, 3, "2 a"), (4, 1, "2 d")]


def test_damage_before_the_first_line_is_reported_on_line_1() -> None:
    for data in (b"\x1f\x8b", packed(SMALL)[:10], b"\x1f\x8b\x09" + packed(SMALL)[3:], b"\x1f\x8b" + b"\xff" * 50):
        rows, entries = parsed(data, THREE)
        assert rows == []
        assert places(entries) == [(1, 1)]


@pytest.mark.parametrize("content", [b"a\n", b"a\nb", b"\n", b"a", b"1 2\n", b"ab\n"])
def test_damage_after_a_very_short_text_keeps_its_complete_line(content: bytes) -> None:
    for data in (damage.wrong_checksum(packed(content)), packed(content)[:-1], packed(content, 0)[:-TRAILER]):
        same(parsed(data, ("srcaddr",)), expected(content, ("srcaddr",), damaged=True))


def test_damage_in_an_oversized_line_is_one_entry() -> None:
    content = text(b"srcaddr", b"a") + b"x" * (3 * MEBIBYTE)
    data = packed(content, 1)
    rows, entries = parsed(data[: len(data) - TRAILER - 2], THREE)
    assert [row["srcaddr"] for row in rows] == ["a"]
    assert [(entry.line_number, entry.lines, entry.line) for entry in entries] == [(3, 1, "x" * 4096)]


def test_damage_in_one_file_does_not_affect_other_files() -> None:
    good, bad = packed(text(header(THREE), *[b"2 a 3"] * 20)), packed(SMALL)
    files = [
        ("1", good),
        ("2", bad[:-20]),
        ("3", good),
        ("4", damage.wrong_checksum(bad)),
        ("5", good),
        ("6", b"\x1f\x8b"),
    ]
    rows, entries = parsed(files, THREE)
    for path in "135":
        assert sum(row["source_file"] == path for row in rows) == 20
    assert sum(row["source_file"] == "4" for row in rows) == 13
    assert {entry.source_file for entry in entries} == set("246")


def test_gzip_within_gzip_is_text_without_a_header_line() -> None:
    inner = gzip.compress(SMALL, mtime=0)
    same(parsed(packed(inner), THREE), expected(inner, THREE))


@pytest.mark.parametrize(
    "rest", [b"", b"\0" * 512, b"garbage", packed(text(b"2 a 3"))], ids=["nothing", "zeros", "garbage", "member"]
)
def test_a_member_larger_than_a_block_may_be_followed_by_anything(rest: bytes) -> None:
    content = text(header(THREE), *[b"2 %b 3" % (b"x" * 100_000)] * 40)
    rows, entries = parsed(packed(content) + rest, THREE)
    assert len(rows) == 40 + rest.startswith(b"\x1f\x8b")
    assert places(entries) == ([(42, 1)] if rest == b"garbage" else [])


def test_highly_compressed_text_is_read_completely() -> None:
    content = text(header(THREE), *[b"2 a 3"] * 200_000)
    data = packed(content, 9)
    assert len(data) * 200 < len(content)
    rows, entries = parsed(data, THREE)
    assert len(rows) == 200_000
    assert entries == []
