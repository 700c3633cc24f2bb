"""Helpers for the parser tests: the rows and entries that files give, and those that the rules expect.

`expected` applies the rules for text files one line at a time, as simply as possible. It shares no code with the
parser, not even the list of fields. `FUZZ=20` in the environment lets every property test try twenty times as many
examples.
"""

from __future__ import annotations

import gzip
import os
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta, timezone
from io import BytesIO
from typing import Any, NamedTuple
from unittest import mock

import pyarrow as pa
from hypothesis import HealthCheck, settings
from pyarrow import parquet

from vpc_flow_logs.parser import bulk, decompress, lines, records, small_files, text_file
from vpc_flow_logs.parser.layout import Layout, columns_of
from vpc_flow_logs.parser.quarantine import Entry
from vpc_flow_logs.parser.records import DeliveredFile, parse

MEBIBYTE = 1 << 20
PATH = "s3://logs/AWSLogs/123456789012/vpcflowlogs/eu-west-1/2026/03/04/plain.log.gz"
"""A path whose file name contains no time."""


def words(names: str) -> tuple[str, ...]:
    """Split a text into its names."""
    return tuple(names.split())


DEFAULT = words(
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"
)
RECORD = (
    b"2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 "
    b"1418530010 1418530070 ACCEPT OK"
)

Row = dict[str, Any]


class Parsed(NamedTuple):
    """Rows and entries that the parser returns for files."""

    rows: list[Row]
    entries: list[Entry]


def fuzz(examples: int) -> settings:
    """Return the settings of a property test: the number of examples, times `FUZZ` if it is set."""
    times = int(os.environ.get("FUZZ", "1"))
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]
    return settings(max_examples=examples * times, deadline=None, suppress_health_check=checks)


# The result of the parser


def parsed(
    content: bytes | Sequence[tuple[str, bytes]],
    headers: Sequence[str] = DEFAULT,
    *,
    columns: Sequence[str] | None = None,
) -> Parsed:
    """Parse one file (at `PATH`) or several; the table has the columns of Headers unless ``columns`` is given."""
    files = [(PATH, content)] if isinstance(content, bytes) else content
    layout = Layout(columns_of(headers if columns is None else columns), tuple(headers))
    rows: list[Row] = []
    entries: list[Entry] = []
    for part in parse((DeliveredFile(path, pa.py_buffer(data)) for path, data in files), layout):
        if isinstance(part, Entry):
            _check_entry(part)
            entries.append(part)
        else:
            assert part.schema.equals(layout.schema)
            part.validate(full=True)
            rows += map(_plain, part.to_pylist())
    return Parsed(rows, entries)


def _check_entry(entry: Entry) -> None:
    assert entry.line_number >= 1
    assert entry.lines >= 1
    assert entry.reason
    entry.reason.encode()
    if entry.line is not None:
        assert len(entry.line) <= 4096
        entry.line.encode()


def _plain(row: Row) -> Row:
    others = row["other_fields"]
    if others is not None:
        assert others, "an empty map should be null"
        row["other_fields"] = dict(others)
        assert len(row["other_fields"]) == len(others), "duplicate key in other_fields"
    return row


def filled(row: Row) -> Row:
    """Return a row without its NULLs and without `source_file`."""
    return {name: value for name, value in row.items() if value is not None and name != "source_file"}


def only_row(content: bytes, headers: Sequence[str] = DEFAULT, *, columns: Sequence[str] | None = None) -> Row:
    """Return the row, without NULLs, of a file that yields exactly one row and no entry."""
    rows, entries = parsed(content, headers, columns=columns)
    assert entries == []
    assert len(rows) == 1
    return filled(rows[0])


def only_entry(content: bytes, headers: Sequence[str] = DEFAULT) -> Entry:
    """Return the entry of a file that yields exactly one entry and no row."""
    rows, entries = parsed(content, headers)
    assert rows == []
    assert len(entries) == 1
    return entries[0]


def places(entries: Iterable[Entry]) -> list[tuple[int, int]]:
    """Return the line number and the number of lines of each entry."""
    return [(entry.line_number, entry.lines) for entry in entries]


def same(actual: Parsed, reference: Parsed) -> None:
    """Assert that rows and entries are equal, in any order and without the reasons of the entries."""
    assert Counter(map(_entry_key, actual.entries)) == Counter(map(_entry_key, reference.entries))
    assert Counter(map(_row_key, actual.rows)) == Counter(map(_row_key, reference.rows))


def _entry_key(entry: Entry) -> tuple[str, int, int, str]:
    return entry.source_file, entry.line_number, entry.lines, entry.line or ""


def _row_key(row: Row) -> tuple[tuple[str, str], ...]:
    others = row["other_fields"]
    plain = {**row, "other_fields": others and sorted(others.items())}
    return tuple((name, repr(_utc(value))) for name, value in plain.items())


def _utc(value: Any) -> Any:
    return value.replace(tzinfo=timezone.utc) if isinstance(value, datetime) else value


@contextmanager
def limits(
    *, block: int | None = None, halved: int | None = None, longest: int | None = None, bundles: bool = True
) -> Iterator[None]:
    """Patch sizes in the parser: a block, the text that it no longer halves, and the longest line."""
    with ExitStack() as changes:
        if block is not None:
            changes.enter_context(mock.patch.object(records, "BLOCK_BYTES", block))
        if halved is not None:
            changes.enter_context(mock.patch.object(text_file, "_HALVED_DOWN_TO", halved))
            changes.enter_context(mock.patch.object(bulk, "_TEXT_WORTH_A_CALL", halved // 16))
        if longest is not None:
            changes.enter_context(mock.patch.object(lines, "LONGEST_LINE", longest))
            changes.enter_context(mock.patch.object(text_file, "LONGEST_LINE", longest))
            changes.enter_context(mock.patch.object(lines, "_SHOWN_BYTES", longest))
        if not bundles:
            changes.enter_context(mock.patch.object(small_files, "SMALL_FILE", -1))
        yield


@contextmanager
def inflated_by(library: str) -> Iterator[None]:
    """Make the parser decompress with one of the two gzip libraries, ``zlib`` or ``isal``."""
    if library == "zlib":
        fast: Any = zlib
    else:
        from isal import isal_zlib

        fast = isal_zlib
    errors = (zlib.error, fast.error)
    with mock.patch.object(decompress, "_FAST", _Watched(fast)), mock.patch.object(decompress, "_ERRORS", errors):
        yield


class _Watched:
    """A gzip library that fails if the parser keeps reading past the end of a member."""

    def __init__(self, library: Any) -> None:
        self._library = library

    def decompressobj(self, *args: Any, **options: Any) -> _WatchedStream:
        return _WatchedStream(self._library.decompressobj(*args, **options))


class _WatchedStream:
    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._calls_after_end = 0

    def decompress(self, *args: Any) -> Any:
        self._calls_after_end += self._stream.eof
        assert self._calls_after_end < 10, "the parser keeps reading past the end of a gzip member"
        return self._stream.decompress(*args)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def libraries() -> list[str]:
    """Return the names of the installed gzip libraries."""
    try:
        import isal  # noqa: F401
    except ImportError:
        return ["zlib"]
    return ["zlib", "isal"]


# Files


def text(*lines_: bytes, end: bytes = b"\n") -> bytes:
    """Join lines, each with its line end."""
    return b"".join(line + end for line in lines_)


def header(names: Sequence[str] = DEFAULT) -> bytes:
    """Return a header line without its line end."""
    return " ".join(names).encode()


def packed(content: bytes, level: int = 6) -> bytes:
    """Compress content to a gzip file of one member."""
    return gzip.compress(content, level, mtime=0)


def parquet_file(table: pa.Table | dict[str, Any], **options: Any) -> bytes:
    """Return a Parquet file as other writers create it: gzip compression, without Arrow's own schema."""
    sink = BytesIO()
    table = table if isinstance(table, pa.Table) else pa.table(table)
    parquet.write_table(table, sink, **{"compression": "gzip", "store_schema": False, **options})
    return sink.getvalue()


# The rules

_INT = frozenset(words("version srcport dstport protocol tcp-flags traffic-path encryption-status"))
_BIGINT = frozenset(
    words(
        "packets bytes start end packets-lost-no-route packets-lost-blackhole packets-lost-mtu-exceeded "
        "packets-lost-ttl-expired"
    )
)
_TEXTS = frozenset(
    words(
        "account-id interface-id srcaddr dstaddr action log-status vpc-id subnet-id instance-id type pkt-srcaddr "
        "pkt-dstaddr region az-id sublocation-type sublocation-id pkt-src-aws-service pkt-dst-aws-service "
        "flow-direction resource-type tgw-id tgw-attachment-id tgw-src-vpc-account-id tgw-dst-vpc-account-id "
        "tgw-src-vpc-id tgw-dst-vpc-id tgw-src-subnet-id tgw-dst-subnet-id tgw-src-eni tgw-dst-eni tgw-src-az-id "
        "tgw-dst-az-id tgw-pair-attachment-id ecs-cluster-arn ecs-cluster-name ecs-container-instance-arn "
        "ecs-container-instance-id ecs-container-id ecs-second-container-id ecs-service-name "
        "ecs-task-definition-arn ecs-task-arn ecs-task-id reject-reason resource-id instance-tag instance-tag-2 "
        "interface-tag interface-tag-2 asg-tag asg-tag-2 interface-type next-hop-interface-id next-hop-subnet-id "
        "next-hop-az-id next-hop-vpc-id next-hop-interface-type"
    )
)
KNOWN = _INT | _BIGINT | _TEXTS
_GUIDES = {"accountid": "account-id", "interfaceid": "interface-id", "logstatus": "log-status"}
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_WIDTH = {**dict.fromkeys(_INT, 31), **dict.fromkeys(_BIGINT, 63)}


def expected(
    content: bytes,
    headers: Sequence[str] = DEFAULT,
    *,
    columns: Sequence[str] | None = None,
    path: str = PATH,
    damaged: bool = False,
    longest: int = MEBIBYTE,
) -> Parsed:
    """Apply the rules to a text file.

    Args:
        content: The text.
        headers: The fields of lines without a header line.
        columns: The fields that are columns of the table; those of ``headers`` by default.
        path: The path of the file.
        damaged: Whether decompression failed at the end of the text.
        longest: The longest line that is read, in bytes.
    """
    result = Parsed([], [])
    columns = headers if columns is None else columns
    names: Sequence[str] | None = None
    run: list[int | str] | None = None  # lines that match neither a header nor Headers: first line, number, text
    *whole, last = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    whole = [line.removesuffix(b"\r") for line in whole]
    if not damaged:
        whole.append(last)
    number = 0
    for number, line in enumerate(whole, start=1):
        tokens = [token for token in line.split(b" ") if token]
        if not tokens:
            continue
        if len(line) > longest:
            # The rules leave open whether such a line can be a header, or can show that a file has none. Here, it
            # does neither.
            if run is not None:
                run[1] = int(run[1]) + 1
            else:
                result.entries.append(_entry(path, number, line[:longest]))
            continue
        if _is_header(tokens):
            if run is not None:
                result.entries.append(Entry(path, int(run[0]), int(run[1]), str(run[2]), "no header"))
            names, run = [token.decode() for token in tokens], None
            continue
        if names is None and run is None:
            if len(tokens) == len(headers):
                names = headers
            else:
                run = [number, 0, _shown(line)]
        if run is not None:
            run[1] = int(run[1]) + 1
            continue
        assert names is not None
        row = _row(line, tokens, names, columns, path)
        if row is None:
            result.entries.append(_entry(path, number, line))
        else:
            result.rows.append(row)
    if run is not None:
        result.entries.append(Entry(path, int(run[0]), int(run[1]), str(run[2]), "no header"))
    if damaged:
        result.entries.append(_entry(path, number + 1, last[:longest] if len(last) > longest else last))
    return result


def _entry(path: str, number: int, line: bytes) -> Entry:
    return Entry(path, number, 1, _shown(line), "quarantined")


def _shown(line: bytes) -> str:
    return line.decode("utf-8", "backslashreplace")[:4096]


def _same_name(name: str) -> str:
    name = name.lower().replace("_", "-")
    return _GUIDES.get(name, name)


def _is_header(tokens: Sequence[bytes]) -> bool:
    return all(map(_could_be_name, tokens)) and any(_same_name(token.decode()) in KNOWN for token in tokens)


def _could_be_name(token: bytes) -> bool:
    if not re.fullmatch(rb"[A-Za-z0-9_-]+", token) or not token[:1].isalpha():
        return False
    return all(re.split(rb"[-_]", token))  # an empty part means a separator at the end, or two in a row


def _row(line: bytes, tokens: Sequence[bytes], names: Sequence[str], columns: Sequence[str], path: str) -> Row | None:
    """Return the row of a line, or None if the line is quarantined."""
    try:
        line.decode()
    except UnicodeDecodeError:
        return None
    if len(tokens) != len(names):
        return None
    by_column: Row = {_same_name(name): None for name in columns}
    others: dict[str, str] = {}
    times: dict[str, str | None] = {}
    seen: Counter[str] = Counter()
    for name, token in zip(names, tokens, strict=True):
        field = _same_name(name)
        seen[field] += 1
        value = None if token == b"-" else token.decode()
        if seen[field] == 1:
            times[field] = value
        if seen[field] == 1 and field in by_column:
            number = None if value is None or field not in _WIDTH else _integer(value)
            if value is not None and field in _WIDTH:
                if number is None or not -(2 ** _WIDTH[field]) <= number < 2 ** _WIDTH[field]:
                    return None
                by_column[field] = number
            else:
                by_column[field] = value
        elif value is not None:
            key, count = name, seen[field]
            while count > 1 and (key == name or key in names):
                key, count = f"{name}_{count}", count + 1
            others[key] = value
    return {
        **{name.replace("-", "_"): value for name, value in by_column.items()},
        "event_time": _event_time(times, path),
        "other_fields": others or None,
        "source_file": path,
    }


def _integer(value: str) -> int | None:
    if not re.fullmatch("-?[0-9]+", value):
        return None
    digits = value.lstrip("-").lstrip("0")[:30] or "0"
    return -int(digits) if value.startswith("-") else int(digits)


def _event_time(times: dict[str, str | None], path: str) -> datetime | None:
    for name in ("start", "end"):
        value = times.get(name)
        number = None if value is None else _integer(value)
        if number is not None:
            try:
                return _EPOCH + (timedelta(milliseconds=number) if number >= 10**11 else timedelta(seconds=number))
            except OverflowError:
                return None
    match = re.search(r"_([0-9]{8}T[0-9]{4})Z_", path.rpartition("/")[2])
    try:
        return match and datetime.strptime(match[1], "%Y%m%dT%H%M").replace(tzinfo=timezone.utc)
    except ValueError:
        return None


def inflated(data: bytes) -> tuple[bytes, bool]:
    """Return the readable text of a gzip file and whether the file is damaged (RFC 1952, one byte at a time)."""
    content, position = b"", 0
    while position < len(data):
        rest = data[position:]
        if position and not rest.strip(b"\0"):
            return content, False
        if position:
            position += len(rest) - len(rest.lstrip(b"\0"))
            rest = data[position:]
        begin = _after_header(rest)
        if begin is None:
            return content, True
        stream, member = zlib.decompressobj(-15), bytearray()
        end = begin
        try:
            while not stream.eof and end < len(rest):
                piece = stream.decompress(rest[end : end + 1], 1)
                end += 1
                while piece or stream.unconsumed_tail:
                    member += piece
                    piece = stream.decompress(stream.unconsumed_tail, 1)
        except zlib.error:
            return content + bytes(member), True
        content += bytes(member)
        trailer = rest[end : end + 8]
        if not stream.eof or trailer != zlib.crc32(member).to_bytes(4, "little") + len(member).to_bytes(4, "little"):
            return content, True
        position += end + 8
    return content, False


def _after_header(data: bytes) -> int | None:
    """Return the position of the deflate stream, or None if the gzip header is incomplete."""
    if len(data) < 10 or data[:3] != b"\x1f\x8b\x08":
        return None
    flags, position = data[3], 10
    if flags & 4:
        position += 2 + int.from_bytes(data[position : position + 2], "little")
    for flag in (8, 16):
        if flags & flag:
            end = data.find(b"\0", position)
            if end < 0:
                return None
            position = end + 1
    if flags & 2:
        position += 2
    return position if position <= len(data) else None
