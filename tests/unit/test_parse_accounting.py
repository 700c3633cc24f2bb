"""Property tests of the parser: no line is lost, nothing raises, and fast paths give the result of the slow rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timezone
from unittest import mock

import pyarrow as pa
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from local.traffic import files as flow_log_files
from local.traffic.files import FlowLog
from tests.support.parsing import (
    DEFAULT,
    PATH,
    RECORD,
    Parsed,
    expected,
    fuzz,
    header,
    inflated,
    inflated_by,
    libraries,
    limits,
    packed,
    parquet_file,
    parsed,
    places,
    same,
    text,
)
from vpc_flow_logs.parser import records, small_files
from vpc_flow_logs.parser.layout import Layout, columns_of
from vpc_flow_logs.parser.quarantine import Entry
from vpc_flow_logs.parser.records import DeliveredFile, parse

pytestmark = pytest.mark.lts

FORMATS: list[tuple[str, ...]] = [
    ("srcaddr",),
    ("version",),
    ("srcaddr", "dstaddr"),
    ("version", "bytes"),
    ("version", "srcaddr", "bytes"),
    ("srcaddr", "version", "action"),
    ("start", "srcaddr", "end"),
    ("version", "account-id", "srcport", "start", "end", "action", "vpc-id"),
]
HEADERS = st.sampled_from(FORMATS)
NAMES = st.sampled_from(
    [
        *("version", "srcaddr", "bytes", "start", "end", "account-id", "log-status", "tcp_flags", "VPC-ID", "dstport"),
        *("accountid", "AccountID", "zoo", "zoo_2", "version_2", "a", "Src_Addr", "SRCADDR", "event_time"),
    ]
)
INVALID_NAMES = st.sampled_from(["-", "a--b", "-version", "version_", "7", "ver sion", "é", "x.y"])
VALUES = st.one_of(
    st.sampled_from(
        [
            *(b"-", b"--", b"0", b"-0", b"007", b"+5", b"1_000", b"0x10", b"-0X1", b"2147483647", b"2147483648"),
            *(b"9223372036854775807", b"9223372036854775808", b"-9223372036854775808", b"1418530010", b"1418530010123"),
            *(b"253402300800000", b"-62135596801", b"99999999999", b"100000000000", b"ACCEPT", b"unknown", b"NULL"),
            *(b"10.0.0.1", b"2001:db8::1", b"a\tb", b"\t", b"5\t", b"a\rb", b"\r", b"\0", b"a\0", b"\xff", b"\xc3\xa9"),
            *(
                b"\xc3",
                b"\xed\xa0\x80",
                b"\xef\xbb\xbf",
                b"\xef\xbb\xbf5",
                b'"',
                b'"a',
                b"\\",
                b"a,b",
                b"\xc2\xa0",
                b"1e5",
            ),
            *(b"version", b"srcaddr", b"nan", b"x" * 30, b"0" * 25 + b"7", "٥".encode(), b"\x1f\x8b", b"PAR1"),
        ]
    ),
    st.integers(-(2**64), 2**64).map(lambda number: b"%d" % number),
    st.binary(min_size=1, max_size=6).map(lambda value: value.replace(b"\n", b"").replace(b" ", b"") or b"-"),
)
PLAIN_VALUES = {
    "version": st.integers(0, 11),
    "bytes": st.integers(0, 2**40),
    "srcport": st.integers(0, 65535),
    "start": st.integers(1418530000, 1418530600),
    "end": st.integers(1418530000, 1418530600),
}
SIGNS = st.sampled_from(
    [
        *(b" ", b"  ", b"\n", b"\r\n", b"\r", b"\t", b"-", b"0", b"1", b"x", b"\0"),
        *(b"\xef\xbb\xbf", b"\xff", b"version", b"srcaddr"),
    ]
)
SPACES = st.sampled_from([b" "] * 20 + [b"  ", b"     "])
OUTER = st.sampled_from([b""] * 20 + [b" ", b"   "])
ENDS = st.sampled_from([b"\n"] * 12 + [b"\r\n"] * 4 + [b"\n\n", b"\r\r\n", b" \r\n", b"\r"])


@st.composite
def plain_records(draw: st.DrawFn, names: Sequence[str]) -> bytes:
    """Draw a valid record."""
    values = [draw(PLAIN_VALUES.get(name, st.sampled_from(["a", "10.0.0.1", "-"]))) for name in names]
    return " ".join(map(str, values)).encode()


@st.composite
def odd_lines(draw: st.DrawFn, names: Sequence[str]) -> bytes:
    """Draw a line of values of every kind, about as many as the format has fields."""
    count = max(1, len(names) + draw(st.sampled_from([0] * 8 + [-1, 1])))
    values = draw(st.lists(VALUES, min_size=count, max_size=count))
    line = values[0]
    for value in values[1:]:
        line += draw(SPACES) + value
    return draw(OUTER) + line + draw(OUTER)


@st.composite
def header_lines(draw: st.DrawFn) -> bytes:
    """Draw a header line, or a line that is almost one."""
    names = draw(st.lists(NAMES, min_size=1, max_size=5))
    if not draw(st.integers(0, 5)):
        names.insert(draw(st.integers(0, len(names))), draw(INVALID_NAMES))
    return draw(OUTER) + draw(SPACES).join(name.encode() for name in names) + draw(OUTER)


@st.composite
def texts(draw: st.DrawFn, headers: Sequence[str], *, most: int = 12) -> bytes:
    """Draw a text file: records mixed with every kind of odd line."""
    content = draw(st.sampled_from([b""] * 6 + [b"\xef\xbb\xbf", b"\n", b"  \r\n"]))
    names: Sequence[str] = headers
    if draw(st.booleans()):
        names = draw(HEADERS)
        content += header(names) + draw(ENDS)
    for _ in range(draw(st.integers(0, most))):
        kind = draw(st.integers(0, 19))
        if kind < 9:
            line = draw(plain_records(names))
        elif kind < 14:
            line = draw(odd_lines(names))
        elif kind == 14:
            line = draw(header_lines())
        elif kind == 15:
            names = draw(HEADERS)
            line = header(names)
        elif kind == 16:
            line = draw(st.sampled_from([b"", b" ", b"     ", b"\r", b"\r ", b"\t", b" \r"]))
        elif kind == 17:
            line = b" ".join([b"x" * draw(st.integers(1, 60)), *[b"1"] * (len(names) - 1)])
        elif kind == 18:
            line = b" " * draw(st.integers(20, 60))
        else:
            line = draw(st.binary(max_size=20))
        content += line + draw(ENDS)
    return content if draw(st.booleans()) else content.rstrip(b"\n")


@st.composite
def cases(draw: st.DrawFn) -> tuple[tuple[str, ...], tuple[str, ...], bytes]:
    """Draw Headers, the columns of the table, and a text file."""
    headers = draw(HEADERS)
    columns = headers if draw(st.booleans()) else draw(HEADERS)
    return headers, columns, draw(texts(headers))


def as_text(content: bytes) -> bool:
    """Return whether the parser reads the bytes as text."""
    return not content.startswith((b"\x1f\x8b", b"PAR1"))


@fuzz(150)
@given(case=cases(), bundles=st.booleans())
@example(case=(("srcaddr",), ("srcaddr",), b"srcaddr\n \xef\xbb\xbfa\n"), bundles=False)
def test_a_text_file_gives_the_result_of_the_rules_line_by_line(
    case: tuple[tuple[str, ...], tuple[str, ...], bytes], bundles: bool
) -> None:
    headers, columns, content = case
    assume(as_text(content))
    with limits(bundles=bundles):
        same(parsed(content, headers, columns=columns), expected(content, headers, columns=columns))


@fuzz(150)
@given(
    case=cases(),
    block=st.integers(1, 80),
    halved=st.sampled_from([1, 16, 64]),
    longest=st.integers(16, 60),
    compressed=st.booleans(),
)
def test_block_sizes_do_not_change_the_result(
    case: tuple[tuple[str, ...], tuple[str, ...], bytes], block: int, halved: int, longest: int, compressed: bool
) -> None:
    headers, columns, content = case
    assume(compressed or as_text(content))
    result = expected(content, headers, columns=columns, longest=longest)
    with limits(block=block, halved=halved, longest=longest, bundles=False):
        same(parsed(packed(content) if compressed else content, headers, columns=columns), result)


@fuzz(40)
@given(headers=HEADERS, data=st.data())
def test_files_of_almost_only_records_give_the_result_of_the_rules(
    headers: tuple[str, ...], data: st.DataObject
) -> None:
    record = data.draw(plain_records(headers))
    lines = [record] * data.draw(st.integers(50, 400))
    for _ in range(data.draw(st.integers(0, 3))):
        lines.insert(data.draw(st.integers(0, len(lines))), data.draw(odd_lines(headers)))
    content = text(header(headers), *lines, end=data.draw(st.sampled_from([b"\n", b"\r\n"])))
    with limits(block=data.draw(st.sampled_from([100, 1000, 1 << 20])), halved=200, bundles=data.draw(st.booleans())):
        same(parsed(content, headers), expected(content, headers))


@fuzz(150)
@given(content=st.binary(max_size=300), headers=HEADERS, block=st.integers(1, 50))
def test_arbitrary_bytes_never_raise_and_every_line_is_accounted_for(
    content: bytes, headers: tuple[str, ...], block: int
) -> None:
    assume(as_text(content))
    with limits(block=block, halved=8):
        same(parsed(content, headers), expected(content, headers))


@fuzz(150)
@given(
    content=st.lists(SIGNS, max_size=60).map(b"".join),
    headers=HEADERS,
    bundles=st.booleans(),
)
def test_any_order_of_special_characters_gives_the_result_of_the_rules(
    content: bytes, headers: tuple[str, ...], bundles: bool
) -> None:
    with limits(halved=8, bundles=bundles):
        same(parsed(content, headers), expected(content, headers))


# gzip


@pytest.mark.parametrize("library", libraries())
@fuzz(50)
@given(case=cases(), damage=st.data())
def test_a_damaged_gzip_file_gives_the_result_of_its_readable_part(
    library: str, case: tuple[tuple[str, ...], tuple[str, ...], bytes], damage: st.DataObject
) -> None:
    headers, columns, content = case
    data = bytearray(packed(content, damage.draw(st.sampled_from([0, 6]))))
    if damage.draw(st.booleans()):
        data += packed(damage.draw(texts(headers, most=3)))
    for _ in range(damage.draw(st.integers(1, 2))):
        at = damage.draw(st.integers(10, len(data) - 1))
        data[at] ^= damage.draw(st.integers(0, 255))
    data = data[: damage.draw(st.integers(10, len(data)))] + damage.draw(st.sampled_from([b"", b"", b"\0" * 9, b"x"]))
    left, damaged = inflated(bytes(data))
    with inflated_by(library):
        same(parsed(bytes(data), headers, columns=columns), expected(left, headers, columns=columns, damaged=damaged))


@pytest.mark.parametrize("library", libraries())
@fuzz(50)
@given(rest=st.binary(max_size=80), flags=st.integers(0, 255))
def test_arbitrary_bytes_after_the_gzip_magic_never_raise(library: str, rest: bytes, flags: int) -> None:
    with inflated_by(library):
        for data in (b"\x1f\x8b" + rest, b"\x1f\x8b\x08" + bytes([flags]) + rest):
            rows, entries = parsed(data)
            assert rows or entries or inflated(data) == (b"", False)


# Parquet


@fuzz(50)
@given(data=st.data())
def test_every_row_of_a_parquet_file_is_a_row_or_an_entry(data: st.DataObject) -> None:
    count = data.draw(st.integers(0, 12))
    kinds: list[st.SearchStrategy[pa.Array]] = [
        st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), min_size=count, max_size=count).map(
            lambda v: pa.array(v, pa.int64())
        ),
        st.lists(st.none() | st.sampled_from(["-", "1", "x", "", "é", "9" * 12]), min_size=count, max_size=count).map(
            lambda v: pa.array(v, pa.string())
        ),
        st.lists(st.none() | st.binary(max_size=4), min_size=count, max_size=count).map(
            lambda v: pa.array(v, pa.binary())
        ),
        st.lists(st.none() | st.floats(), min_size=count, max_size=count).map(lambda v: pa.array(v, pa.float64())),
        st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), min_size=count, max_size=count).map(
            lambda v: pa.array(v, pa.timestamp("us"))
        ),
    ]
    names = data.draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    table = pa.table({name: data.draw(st.one_of(kinds)) for name in names})
    content = parquet_file(table, row_group_size=data.draw(st.integers(1, 5)))
    rows, entries = parsed(content, data.draw(HEADERS))
    assert len(rows) + sum(entry.lines for entry in entries) == count
    if entries and entries[0].reason.startswith("Parquet without a flow log field"):
        assert (rows, len(entries)) == ([], 1)
        return
    assert all(entry.lines == 1 for entry in entries)
    assert len({entry.line_number for entry in entries}) == len(entries)


@fuzz(50)
@given(rest=st.binary(max_size=100), end=st.sampled_from([b"", b"PAR1", b"\x10\0\0\0PAR1"]))
def test_arbitrary_bytes_after_the_parquet_magic_are_one_entry(rest: bytes, end: bytes) -> None:
    with limits(bundles=False):
        rows, entries = parsed(b"PAR1" + rest + end)
    assert rows == []
    assert places(entries) == [(1, 1)]


# Many files


def test_among_many_small_files_only_those_with_bad_lines_are_read_separately() -> None:
    good, bad = packed(text(header(), *[RECORD] * 20)), packed(text(header(), RECORD, b"x" + RECORD, RECORD))
    joined = packed(text(header(), RECORD)) * 3
    files = [(f"{number}", {70: bad, 150: bad}.get(number, joined if number % 2 else good)) for number in range(200)]
    with mock.patch.object(records, "TextFile", wraps=records.TextFile) as text_file:
        rows, entries = parsed(files)
    assert [call.args[0] for call in text_file.call_args_list] == ["70", "150"]
    assert [(entry.source_file, entry.line_number) for entry in entries] == [("70", 3), ("150", 3)]
    assert len(rows) == 98 * 20 + 100 * 3 + 2 * 2


def test_a_small_file_with_a_very_long_first_line_is_not_bundled() -> None:
    """A thousand small gzip files of one long line each must not fill the memory of a worker."""
    data = b"x" * 9000 + b" y\n"
    bundle = small_files.Bundle(Layout(columns=columns_of(DEFAULT), headers=DEFAULT))
    assert bundle.small_file(PATH, pa.py_buffer(b"srcaddr\n1\n")) is not None
    assert bundle.small_file(PATH, pa.py_buffer(data)) is None
    assert parsed(data).entries == parsed(packed(data)).entries
    assert [entry.lines for entry in parsed(data).entries] == [1]


@fuzz(50)
@given(
    data=st.data(),
    headers=HEADERS,
    bundled=st.sampled_from([10, 100, 1 << 20]),
    most_rows=st.sampled_from([1, 5, 1 << 15]),
)
def test_many_small_files_together_give_the_same_result_as_one_by_one(
    data: st.DataObject, headers: tuple[str, ...], bundled: int, most_rows: int
) -> None:
    files = []
    result = Parsed([], [])
    name = data.draw(st.sampled_from(["file-{}", "x_20180620T16{:02}Z_a.log"]))
    for number in range(data.draw(st.integers(1, 8))):
        content = data.draw(texts(headers, most=3))
        if data.draw(st.booleans()):
            content = text(header(headers), *data.draw(st.lists(plain_records(headers), max_size=4)))
        assume(as_text(content))
        path = name.format(number)
        files.append((path, packed(content) if data.draw(st.booleans()) else content))
        part = expected(content, headers, path=path)
        result.rows.extend(part.rows)
        result.entries.extend(part.entries)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(small_files, "_BUNDLE_BYTES", bundled)
        patch.setattr(records, "BATCH_ROWS", most_rows)
        same(parsed(files, headers), result)


def batches_and_entries(files: Sequence[tuple[str, bytes]]) -> tuple[list[pa.RecordBatch], list[Entry]]:
    layout = Layout(columns_of(DEFAULT), DEFAULT)
    parts = list(parse((DeliveredFile(path, pa.py_buffer(data)) for path, data in files), layout))
    return [p for p in parts if not isinstance(p, Entry)], [p for p in parts if isinstance(p, Entry)]


def test_a_batch_may_hold_records_of_many_files() -> None:
    files = [(str(number), packed(text(header(), *[RECORD] * 10))) for number in range(300)]
    batches, entries = batches_and_entries(files)
    assert entries == []
    assert sum(batch.num_rows for batch in batches) == 3000
    assert len(batches) == 1
    counts = Counter(batches[0].column("source_file").to_pylist())
    assert counts == {str(number): 10 for number in range(300)}


def test_batches_of_many_files_are_limited_in_size() -> None:
    files = [(str(number), text(header(), *[RECORD] * 2000)) for number in range(60)]
    batches, _ = batches_and_entries(files)
    assert sum(batch.num_rows for batch in batches) == 120_000
    assert max(batch.num_rows for batch in batches) <= 2 * records.BATCH_ROWS


def test_a_bad_file_in_a_bundle_does_not_affect_the_other_files() -> None:
    good = text(header(), *[RECORD] * 5)
    files = [(str(number), good) for number in range(50)]
    files[20] = ("20", text(header(), RECORD, b"bad", RECORD))
    files[30] = ("30", text(header(), RECORD, b"", RECORD))
    files[40] = ("40", text(header(("srcaddr",)), b"a", header(), RECORD))
    rows, entries = parsed(files)
    counts = Counter(row["source_file"] for row in rows)
    assert counts == {**{str(number): 5 for number in range(50)}, "20": 2, "30": 2, "40": 2}
    assert [(entry.source_file, entry.line_number, entry.lines) for entry in entries] == [("20", 3, 1)]


def test_blank_lines_and_a_missing_last_line_end_do_not_mix_up_bundled_files() -> None:
    files = [
        ("a", text(b"srcaddr", b"1", b"", b"1")),
        ("b", text(b"srcaddr", b"2") + b"2"),
        ("c", text(b"srcaddr", b"3", b" ")),
        ("d", text(b"srcaddr", b"4 4")),
        ("e", text(b"srcaddr", b"5", end=b"\r\n")),
    ]
    rows, entries = parsed(files, ("srcaddr",))
    assert Counter((row["source_file"], row["srcaddr"]) for row in rows) == {
        ("a", "1"): 2,
        ("b", "2"): 2,
        ("c", "3"): 1,
        ("e", "5"): 1,
    }
    assert [(entry.source_file, entry.line_number) for entry in entries] == [("d", 2)]


def test_no_files_give_no_rows_and_no_entries() -> None:
    assert parsed([]) == ([], [])


# Files that the local stage delivers


@pytest.mark.parametrize("file_format", ["plain-text", "parquet"])
def test_generated_files_are_parsed_back_record_for_record(file_format: str) -> None:
    log = FlowLog("fl-1234abcd", "123456789012", "eu-west-1", file_format=file_format)  # type: ignore[arg-type]
    count = 500
    table = pa.table(
        {
            name: pa.array([number * 7 for number in range(count)], columns_of([name])[0].arrow_type)
            if columns_of([name])[0].type != "STRING"
            else pa.array([None if number % 5 == 0 else f"v{number}" for number in range(count)])
            for name in DEFAULT
        }
    )
    data = flow_log_files.encode(log, table)
    rows, entries = parsed([(flow_log_files.key(log, datetime(2026, 3, 4, tzinfo=timezone.utc)), data)])
    assert entries == []
    parsed_records = [{name: row[name.replace("-", "_")] for name in DEFAULT} for row in rows]
    assert parsed_records == table.to_pylist()
    assert all(row["event_time"].timestamp() == row["start"] for row in rows)
    assert PATH not in {row["source_file"] for row in rows}
