"""The three damages of the demo: what each leaves of a file, and what nobody can read any more."""

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
    """A damaged file: its bytes, the records that are still whole, how many lines are not, and what was done."""

    data: bytes
    kept: pa.Table
    lines: int
    done: str


def cut(data: bytes, table: pa.Table, log: FlowLog, chance: random.Random) -> Result:
    """A gzip whose upload broke off in the middle of a line: the lines before are whole, that one is not."""
    share = 60
    while True:
        begun = damage.cut(data, at=share / 100)
        text = zlib.decompressobj(_GZIP_WINDOW).decompress(begun)
        if text and not text.endswith(b"\n"):
            break
        share -= 1
    header = 1
    return Result(begun, table.slice(0, text.count(b"\n") - header), 1, f"cut off at {share} % of its length")


def bad_lines(data: bytes, table: pa.Table, log: FlowLog, chance: random.Random) -> Result:
    """A file five of whose lines are no records: every other line of it is kept."""
    rows = sorted(chance.sample(range(table.num_rows), 5))
    lines = [row + 2 for row in rows]  # they count from 1, which is the header
    fields = log.fields
    data = damage.bad_integer(data, line=lines[0], field=1 + fields.index("srcport"), value=b"12x4")
    data = damage.bad_integer(data, line=lines[1], field=1 + fields.index("dstport"), value=b"4294967296")
    data = damage.too_few_fields(data, line=lines[2], missing=3)
    data = damage.too_many_fields(data, line=lines[3])
    data = damage.not_utf8(data, line=lines[4])
    gone = set(rows)
    kept = table.take([row for row in range(table.num_rows) if row not in gone])
    return Result(data, kept, len(rows), f"{len(rows)} lines of it spoiled")


def other_file(data: bytes, table: pa.Table, log: FlowLog, chance: random.Random) -> Result:
    """Something else under a flow log file's name: encrypted by somebody, so that no line of it is a record."""
    encrypted = b"Salted__" + chance.randbytes(4088)
    lines = sum(1 for line in encrypted.split(b"\n") if line.removesuffix(b"\r").strip(b" "))
    return Result(encrypted, table.slice(0, 0), lines, "replaced by bytes that are no flow log")
