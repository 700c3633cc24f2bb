"""Thirty days of synthetic traffic: as flow log files of a quiet VPC, and as Parquet with the columns of the table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.data import FLOW_LOG, SEED, START
from local.traffic.files import encode, key, place
from local.traffic.network import Endpoint, Network
from local.traffic.records import records
from vpc_flow_logs.fields import DEFAULT_FORMAT
from vpc_flow_logs.parser.layout import TEXT_MAP, TIMESTAMP, Layout

DAYS = 30
HOURS = 24 * DAYS
DAY = "TIMESTAMP'2026-01-17 00:00:00+00:00'"
HOUR = "TIMESTAMP'2026-01-17 15:00:00+00:00'"
"""The day and the hour of the questions, as SQL."""


@dataclass(frozen=True)
class QuietVpc:
    """A month of flow log files, a few per hour.

    Attributes:
        files_of_a_day: Number of files per day.
        records_of_a_file: Number of records per file.
    """

    files_of_a_day: int
    records_of_a_file: int

    @property
    def records(self) -> int:
        return DAYS * self.files_of_a_day * self.records_of_a_file

    def folder(self, root: Path) -> Path:
        return root / f"month-{self.files_of_a_day}x{self.records_of_a_file}"

    def make(self, root: Path) -> Path:
        """Write the files if they do not exist, and return their folder, with one folder per day."""
        folder = self.folder(root)
        if (folder / "_done").exists():
            return folder
        network, period = Network.seeded(SEED), timedelta(days=1) / self.files_of_a_day
        for number in range(DAYS * self.files_of_a_day):
            start = START + number * period
            table = _records(network, start, period, self.records_of_a_file, number)
            place(encode(FLOW_LOG, table), folder / f"{number // self.files_of_a_day:02}", key(FLOW_LOG, start))
        (folder / "_done").touch()
        return folder


def busy(count: int, layout: Layout, root: Path) -> Path:
    """Write a month of records with the columns of the table, one file per hour; return the folder.

    A run that was interrupted continues after the last complete file.
    """
    is_default = layout.headers == DEFAULT_FORMAT
    folder = root / (f"busy-{count}" if is_default else f"busy-{count}-{_digest(layout.headers)}")
    if (folder / "_done").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    seeded = Network.seeded(SEED)
    network = replace(seeded, endpoints=tuple(_some_in_aws(*each) for each in enumerate(seeded.endpoints)))
    for number in range(HOURS):
        path = hour_file(folder, number)
        if not path.exists():
            pq.write_table(_busy_hour(network, layout, count // HOURS, number), f"{path}_part", compression="zstd")
            Path(f"{path}_part").rename(path)
        if number % 24 == 23:
            print(f"busy month: made day {number // 24 + 1} of {DAYS}", flush=True)
    (folder / "_done").touch()
    return folder


def _some_in_aws(place: int, endpoint: Endpoint) -> Endpoint:
    """Return an endpoint; some of the sites behind NAT gateways are in S3 and DynamoDB."""
    if endpoint.group != "site" or place % 3:
        return endpoint
    return replace(endpoint, facts={"aws-service": "S3" if place % 2 else "DYNAMODB"})


def hour_file(folder: Path, number: int) -> Path:
    """Return the file of an hour of a busy month."""
    return folder / f"{number:03}.parquet"


def _busy_hour(network: Network, layout: Layout, count: int, number: int) -> pa.Table:
    hour = timedelta(hours=1)
    start = START + number * hour
    delivered = _records(network, start, hour, count, number, fields=layout.headers)
    # Records arrive in the order of their files, each with five minutes of traffic. In a file, they have no order.
    delivered = delivered.take(pa.array(np.argsort(delivered["end"].to_numpy() // 300, kind="stable")))
    return _as_table(delivered, layout, start)


def _digest(fields: Sequence[str]) -> str:
    return sha256(" ".join(fields).encode()).hexdigest()[:8]


def address(network: Network | None = None) -> str:
    """Return the address of the first question: an interface of the VPC with a usual share of the traffic."""
    table = _records(network or Network.seeded(SEED), START, timedelta(hours=1), 10_000, 0)
    counts = sorted(table["srcaddr"].drop_null().value_counts().to_pylist(), key=lambda row: -row["counts"])
    return str(counts[20]["values"])


def _records(
    network: Network,
    start: datetime,
    period: timedelta,
    count: int,
    number: int,
    *,
    fields: Sequence[str] = DEFAULT_FORMAT,
) -> pa.Table:
    first, seconds = int(start.timestamp()), int(period.total_seconds())
    return records(network, fields, start=first, seconds=seconds, count=count, seed=SEED + number)


def _as_table(delivered: pa.Table, layout: Layout, start: datetime) -> pa.Table:
    """Return the records as the job's parser returns them, with ``ingested_at``."""
    count = delivered.num_rows
    columns = dict(zip((name.replace("-", "_") for name in delivered.column_names), delivered.columns, strict=True))
    ends = delivered["end"].to_numpy() // 300 * 300
    prefix = f"s3://flow-logs/{FLOW_LOG.folder}/{start:%Y/%m/%d}"
    paths = {int(end): _path(prefix, int(end)) for end in np.unique(ends)}
    arrived = [datetime.fromtimestamp(int(end), start.tzinfo) + timedelta(minutes=8) for end in ends]
    values = dict(_values(columns, layout, count))
    values["source_file"] = pa.array([paths[int(end)] for end in ends])
    values["ingested_at"] = pa.array(arrived, TIMESTAMP)
    return pa.table(values)


def _path(prefix: str, end: int) -> str:
    return f"{prefix}/{key(FLOW_LOG, datetime.fromtimestamp(end, START.tzinfo)).rpartition('/')[2]}"


def _values(columns: dict[str, pa.ChunkedArray], layout: Layout, count: int) -> Iterator[tuple[str, pa.Array]]:
    for field in layout.schema:
        if field.name in columns:
            yield field.name, columns[field.name].cast(field.type)
    micros = (columns["start"].cast(pa.int64()).to_numpy() * 1_000_000).astype("datetime64[us]")
    yield "event_time", pa.array(micros, pa.timestamp("us")).cast(TIMESTAMP)
    yield "other_fields", pa.nulls(count, TEXT_MAP)
