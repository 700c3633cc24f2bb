"""Compare gzip files of many members with a file of one member: `.venv/bin/python -m bench.members`.

The results go to `bench/MEMBERS.md`. Only the parser runs, without Spark. The benchmark measures CPU time, because
other processes hardly change it.
"""

from __future__ import annotations

import argparse
import gzip
import time
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from bench.data import Load, make
from vpc_flow_logs.fields import DEFAULT_FORMAT
from vpc_flow_logs.parser.layout import Layout, columns_of
from vpc_flow_logs.parser.records import DeliveredFile, parse

ROOT = Path(__file__).parent.parent
LAYOUT = Layout(columns=columns_of(DEFAULT_FORMAT), headers=DEFAULT_FORMAT)
RECORDS_OF_A_MEMBER = (10_000, 1_000, 100, 10)


def main() -> None:
    parser = argparse.ArgumentParser(prog=".venv/bin/python -m bench.members", description=__doc__)
    parser.add_argument("--records", type=int, default=200_000, help="records in the file (default: 200,000)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds; the fastest one counts (default: 3)")
    options = parser.parse_args()
    load = Load("members", 1, options.records)
    (path,) = make(load, ROOT / ".bench" / "data").rglob("*.gz")
    header, *lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    one = _seconds(gzip.compress(header + b"".join(lines)), len(lines), options.rounds)
    rows = []
    for size in RECORDS_OF_A_MEMBER:
        repacked, joined = (_seconds(data, len(lines), options.rounds) for data in _files(header, lines, size))
        rows.append((size, repacked / one, joined / one))
    text = _page(len(lines), rows)
    (ROOT / "bench" / "MEMBERS.md").write_text(text)
    print(text + "Results are in bench/MEMBERS.md")


def _files(header: bytes, lines: Sequence[bytes], size: int) -> tuple[bytes, bytes]:
    """Return the records in members of ``size`` records: a repacked file, and concatenated files with headers."""
    texts = [b"".join(lines[begin : begin + size]) for begin in range(0, len(lines), size)]
    repacked = gzip.compress(header) + b"".join(map(gzip.compress, texts))
    return repacked, b"".join(gzip.compress(header + text) for text in texts)


def _seconds(data: bytes, records: int, rounds: int) -> float:
    """Return the CPU time in seconds for parsing one file."""
    file = DeliveredFile(path="s3://logs/one.log.gz", content=pa.py_buffer(data))
    seconds = []
    for _ in range(rounds):
        started = time.process_time()
        rows = sum(part.num_rows for part in parse([file], LAYOUT) if isinstance(part, pa.RecordBatch))
        seconds.append(time.process_time() - started)
        if rows != records:
            raise SystemExit(f"bench: {rows:,} of {records:,} records were parsed")
    return min(seconds)


def _page(records: int, rows: Sequence[tuple[int, float, float]]) -> str:
    lines = [f"| {size:,} | {records // size:,} | {repacked:.1f} | {joined:.1f} |" for size, repacked, joined in rows]
    return "\n".join(
        [
            "# Results of `.venv/bin/python -m bench.members`",
            "",
            f"CPU time to parse {records:,} records in many gzip members, divided by the CPU time for a single member.",
            "",
            "| records per member | members | one header (repacked) | a header per member (concatenated) |",
            "|---|---|---|---|",
            *lines,
            "",
        ]
    )


if __name__ == "__main__":
    main()
