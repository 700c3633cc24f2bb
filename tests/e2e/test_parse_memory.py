"""Memory is bounded: a file of any size is decompressed and parsed in blocks."""

from __future__ import annotations

import subprocess
import sys
import zlib
from pathlib import Path

import pytest

pytestmark = [pytest.mark.lts, pytest.mark.slow]

MEBIBYTE = 1 << 20
TEXT_BYTES = 300 * MEBIBYTE
MAX_MEMORY = 350 * MEBIBYTE

HEADER = (
    b"version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end "
    b"action log-status\n"
)
# A separate process runs this; it prints the numbers of rows and entries, and its peak memory.
READER = """
import sys
import pyarrow as pa
from vpc_flow_logs.fields import DEFAULT_FORMAT
from vpc_flow_logs.parser.layout import Layout, columns_of
from vpc_flow_logs.parser.quarantine import Entry
from vpc_flow_logs.parser.records import DeliveredFile, parse

with open(sys.argv[1], "rb") as file:
    content = pa.py_buffer(file.read())
rows = entries = 0
for part in parse([DeliveredFile(sys.argv[1], content)], Layout(columns_of(DEFAULT_FORMAT), DEFAULT_FORMAT)):
    if isinstance(part, Entry):
        entries += 1
    else:
        rows += part.num_rows
# Not ru_maxrss, which includes the size of the parent process.
with open("/proc/self/status") as status:
    peak = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))
print(rows, entries, peak)
"""


def records(number: int) -> bytes:
    """Return about a MiB of records that are unique to the number."""
    return b"".join(
        b"2 123456789010 eni-1235b8ca123456789 10.%d.%d.%d 172.31.16.21 %d 443 6 %d %d "
        b"1418530010 1418530070 ACCEPT OK\n"
        % (number % 256, line % 256, line * 7 % 256, 1024 + line * 31 % 60000, line % 97, line * 1009)
        for line in range(10_000)
    )


def write(path: Path, *, edit: bytes = b"") -> int:
    """Write a gzip file of more than `TEXT_BYTES` of text to ``path`` and return its number of records."""
    blocks = [records(number) + edit for number in range(8)]
    gzip, size, rows = zlib.compressobj(1, zlib.DEFLATED, 31), len(HEADER), 0
    with path.open("wb") as file:
        file.write(gzip.compress(HEADER))
        while size < TEXT_BYTES:
            block = blocks[rows // 10_000 % len(blocks)]
            file.write(gzip.compress(block))
            size, rows = size + len(block), rows + 10_000
        file.write(gzip.flush())
    return rows


def read(path: Path) -> tuple[int, int, int]:
    """Parse the file in a process; return the rows, the entries and the peak memory in bytes."""
    process = subprocess.run([sys.executable, "-c", READER, str(path)], check=True, capture_output=True, text=True)
    rows, entries, memory = map(int, process.stdout.split())
    return rows, entries, memory


def test_a_file_with_300_mb_of_text_needs_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "large.log.gz"
    count = write(path)
    rows, entries, memory = read(path)
    assert (rows, entries) == (count, 0)
    assert memory < MAX_MEMORY


def test_a_large_file_with_scattered_bad_lines_needs_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "large.log.gz"
    count = write(path, edit=b"bad line\n")
    rows, entries, memory = read(path)
    assert (rows, entries) == (count, count // 10_000)
    assert memory < MAX_MEMORY


def test_a_single_line_of_300_mb_needs_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "line.log.gz"
    gzip = zlib.compressobj(1, zlib.DEFLATED, 31)
    with path.open("wb") as file:
        file.write(gzip.compress(b"srcaddr\na\n"))
        for _ in range(300):
            file.write(gzip.compress(b"x" * MEBIBYTE))
        file.write(gzip.compress(b"\nb\n") + gzip.flush())
    rows, entries, memory = read(path)
    assert (rows, entries) == (2, 1)
    assert memory < MAX_MEMORY
