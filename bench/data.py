"""The flow log files for the benchmarks, created once and kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pyarrow as pa

from local.traffic.files import FlowLog, encode, key, place
from local.traffic.records import Network, records
from vpc_flow_logs.fields import DEFAULT_FORMAT

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
SEED = 20260101
FLOW_LOG = FlowLog(id="fl-0123456789abcdef0", account="123456789012", region="us-east-1")
_RECORDS_AT_ONCE = 1_000_000
_LEVEL = 6  # gzip level, close to that of AWS's files


@dataclass(frozen=True)
class Load:
    """A set of files to load, all with the same number of records."""

    name: str
    files: int
    records_of_a_file: int

    @property
    def records(self) -> int:
        return self.files * self.records_of_a_file

    def folder(self, root: Path) -> Path:
        return root / f"{self.name}-{self.files}x{self.records_of_a_file}"


def make(load: Load, root: Path) -> Path:
    """Write the files of a load if they do not exist, and return their folder."""
    folder = load.folder(root)
    done = folder / "_done"
    if done.exists():
        return folder
    network = Network.seeded(SEED)
    table: pa.Table | None = None
    for number in range(load.files):
        at = number * load.records_of_a_file % _RECORDS_AT_ONCE
        if at == 0 or table is None:
            table = _records(network, max(load.records_of_a_file, min(load.records, _RECORDS_AT_ONCE)), number)
            at = 0
        piece = table.slice(at, load.records_of_a_file)
        when = START + timedelta(minutes=5 * (number % 288))
        place(encode(FLOW_LOG, piece, level=_LEVEL), folder, key(FLOW_LOG, when, part=number))
    done.touch()
    return folder


def _records(network: Network, count: int, number: int) -> pa.Table:
    return records(network, DEFAULT_FORMAT, start=int(START.timestamp()), seconds=600, count=count, seed=SEED + number)
