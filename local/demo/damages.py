"""The three kinds of damage in the demo: the records each one keeps, and the lines that become unreadable."""

from __future__ import annotations

import random
import zlib
from dataclasses import dataclass

import pyarrow as pa

from local.traffic import damage
from local.traffic.files import FlowLog

_GZIP_WINDOW = 31


@dataclass(frozen=True)
class Result:
    """A damaged file: its bytes, the readable records, the number of unreadable lines, and the damage in words."""

    data: bytes
    readable: pa.Table
    lines: int
    damage: str


def cut(data: bytes, table: pa.Table, log: FlowLog, chance: random.Random) -> Result:
    """Cut a gzip file off in the middle of a line, as an aborted upload does; the lines before it stay readable."""
    share = 60
    while True:
        begun = damage.cut(data, at=share / 100)
        text = zlib.decompressobj(_GZIP_WINDOW).decompress(begun)
        if text and not text.endswith(b"\n"):
            break
        share -= 1
    header = 1
    return Result(begun, table.slice(0, text.count(b"\n") - header), 1, f"cut off at {share}% of its length")


def bad_lines(data: bytes, table: pa.Table, log: FlowLog, chance: random.Random) -> Result:
    """Corrupt five lines of a file; all other lines stay readable."""
    rows = sorted(chance.sample(range(table.num_rows), 5))
    lines = [row + 2 for row in rows]  # numbered from 1, the header line
    fields = log.fields
    data = damage.bad_integer(data, line=lines[0], field=1 + fields.index("srcport"), value=b"12x4")
    data = damage.bad_integer(data, line=lines[1], field=1 + fields.index("dstport"), value=b"4294967296")
    data = damage.too_few_fields(data, line=lines[2], missing=3)
    data = damage.too_many_fields(data, line=lines[3])
    data = damage.not_utf8(data, line=lines[4])
    corrupted = set(rows)
    readable = table.take([row for row in range(table.num_rows) if row not in corrupted])
    return Result(data, readable, len(rows), f"{len(rows)} lines corrupted")


def other_file(data: bytes, table: pa.Table, log: FlowLog, chance: random.Random) -> Result:
    """Replace a file with encrypted data under the name of a flow log file; no line of it is a record."""
    encrypted = b"Salted__" + chance.randbytes(4088)
    lines = sum(1 for line in encrypted.split(b"\n") if line.removesuffix(b"\r").strip(b" "))
    return Result(encrypted, table.slice(0, 0), lines, "replaced with data that is not a flow log")
