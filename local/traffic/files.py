"""Flow log files as AWS delivers them to S3: their keys, their bytes, and functions to write them to a folder."""

from __future__ import annotations

import hashlib
import secrets
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from io import BytesIO
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from vpc_flow_logs.fields import DEFAULT_FORMAT, canonical, column_name

PERIOD_SECONDS = 300
"""A file holds the records that end within five minutes. Its name and folders contain the start of these minutes."""

_BLOCK_ROWS = 1 << 16  # text is written and compressed in blocks, so that a large file needs little memory


@dataclass(frozen=True)
class FlowLog:
    """The settings of a flow log that delivers to S3.

    ``id`` is ``fl-`` and hexadecimal digits, ``fields`` has the names in the order and spelling of the files,
    ``prefix`` is the folder of the log destination (empty for none), ``aggregation_seconds`` the maximum interval of a
    record. ``target_kind`` is a ResourceType and ``target_id`` its ResourceId; ``traffic`` is ALL, ACCEPT or REJECT.
    Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-flowlog.html
    """

    id: str
    account: str
    region: str
    fields: tuple[str, ...] = DEFAULT_FORMAT
    file_format: Literal["plain-text", "parquet"] = "plain-text"
    hive_partitions: bool = False
    hourly_partitions: bool = False
    prefix: str = ""
    aggregation_seconds: int = 600
    target_kind: str = "VPC"
    target_id: str = ""
    traffic: str = "ALL"

    @property
    def folder(self) -> str:
        """The folder of this flow log's files: the part of the key before the date, without a trailing slash."""
        if self.hive_partitions:
            names = f"aws-account-id={self.account}/aws-service=vpcflowlogs/aws-region={self.region}"
        else:
            names = f"{self.account}/vpcflowlogs/{self.region}"
        return "/".join(part for part in (self.prefix.strip("/"), "AWSLogs", names) if part)


@dataclass(frozen=True)
class FileFacts:
    """Facts about a file and its records, to compare with a table later; empty or ``None`` without the field.

    Attributes:
        key: the S3 key.
        rows: the number of records.
        size: the file's bytes.
        actions: the number of records per action (``-`` for records without one).
        statuses: the number of records per log status (``-`` for records without one).
        packets: the sum of the field ``packets``.
        bytes: the sum of the field ``bytes``.
        first_end: the earliest ``end``, in Unix seconds.
        last_end: the latest ``end``, in Unix seconds.
    """

    key: str
    rows: int
    size: int
    actions: Mapping[str, int] = field(default_factory=dict)
    statuses: Mapping[str, int] = field(default_factory=dict)
    packets: int | None = None
    bytes: int | None = None
    first_end: int | None = None
    last_end: int | None = None


@dataclass(frozen=True, kw_only=True)
class WrittenFile(FileFacts):
    """A file in a folder, with its path and facts."""

    path: Path


def period_start(when: datetime) -> datetime:
    """Return the start, in UTC, of the five-minute interval that contains a time."""
    if when.tzinfo is None:
        raise ValueError(f"{when} has no time zone; names of flow log files are in UTC")
    seconds = int(when.timestamp())
    return datetime.fromtimestamp(seconds - seconds % PERIOD_SECONDS, tz=timezone.utc)


def key(flow_log: FlowLog, when: datetime, *, part: int = 0) -> str:
    """Return the S3 key of a file with the records that end in the five-minute interval of ``when``.

    An interval can have several files; ``part`` distinguishes them by the hash at the end of the name.
    Source: https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-path.html

    >>> log = FlowLog("fl-1234abcd", "123456789012", "us-east-1")
    >>> key(log, datetime(2018, 6, 20, 16, 23, tzinfo=timezone.utc)).rpartition("_")[0]
    'AWSLogs/123456789012/vpcflowlogs/us-east-1/2018/06/20/123456789012_vpcflowlogs_us-east-1_fl-1234abcd_20180620T1620Z'
    """
    begin = period_start(when)
    if flow_log.hive_partitions:
        folders = f"{begin:year=%Y/month=%m/day=%d}" + (f"{begin:/hour=%H}" if flow_log.hourly_partitions else "")
    else:
        folders = f"{begin:%Y/%m/%d}" + (f"{begin:/%H}" if flow_log.hourly_partitions else "")
    stem = f"{flow_log.account}_vpcflowlogs_{flow_log.region}_{flow_log.id}_{begin:%Y%m%dT%H%MZ}"
    digest = hashlib.sha256(f"{stem} {part}".encode()).hexdigest()[:8]
    ending = "log.parquet" if flow_log.file_format == "parquet" else "log.gz"
    return f"{flow_log.folder}/{folders}/{stem}_{digest}.{ending}"


def encode(flow_log: FlowLog, table: pa.Table, *, level: int = 6) -> bytes:
    """Return the bytes of a file with the table's records. Equal input gives equal bytes.

    Args:
        flow_log: the flow log.
        table: the records, with the flow log's fields as columns, under their canonical names.
        level: the gzip level, from 1 (fast) to 9 (small).
    """
    columns = [table.column(canonical(name)) for name in flow_log.fields]
    if flow_log.file_format == "parquet":
        return _parquet(flow_log, columns, level=level)
    return _text(flow_log, columns, level=level)


def write(
    flow_log: FlowLog, table: pa.Table, root: str | Path, *, when: datetime, part: int = 0, level: int = 6
) -> WrittenFile:
    """Write the table's records to their key in the folder ``root``. See `encode` and `key` for the other arguments."""
    data, name = encode(flow_log, table, level=level), key(flow_log, when, part=part)
    path = place(data, root, name)
    return WrittenFile(path=path, **vars(facts(table, key=name, size=len(data))))


def facts(table: pa.Table, *, key: str, size: int) -> FileFacts:
    """Return the facts about a file of ``size`` bytes with the table's records."""
    ends = pc.min_max(table["end"]).as_py() if "end" in table.column_names else {}
    return FileFacts(
        key=key,
        rows=table.num_rows,
        size=size,
        actions=_counts(table, "action"),
        statuses=_counts(table, "log-status"),
        packets=_sum(table, "packets"),
        bytes=_sum(table, "bytes"),
        first_end=ends.get("min"),
        last_end=ends.get("max"),
    )


def place(data: bytes, root: str | Path, key: str) -> Path:
    """Write a file to its key in the folder ``root``, atomically.

    It is written under a name with a leading dot, which Spark and Hadoop ignore, and then renamed.
    """
    path = Path(root, key)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        draft.write_bytes(data)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return path


def _text(flow_log: FlowLog, columns: list[pa.ChunkedArray], *, level: int) -> bytes:
    """Return gzip text: one member without a timestamp, a header line, one line per record, ``-`` if missing."""
    gzip = zlib.compressobj(level, zlib.DEFLATED, 31)
    parts = [gzip.compress(" ".join(flow_log.fields).encode() + b"\n")]
    # Columns are named by position, because a format can name a field twice.
    texts = [_with_dashes(values) for values in columns]
    table = pa.Table.from_arrays(texts, names=[str(place) for place in range(len(columns))])
    options = pyarrow.csv.WriteOptions(
        include_header=False, delimiter=" ", quoting_style="none", batch_size=_BLOCK_ROWS
    )
    for begin in range(0, table.num_rows, _BLOCK_ROWS):
        block = BytesIO()
        pyarrow.csv.write_csv(table.slice(begin, _BLOCK_ROWS), block, options)
        parts.append(gzip.compress(block.getbuffer()))
    return b"".join([*parts, gzip.flush()])


def _with_dashes(values: pa.ChunkedArray) -> pa.ChunkedArray:
    # Arrow's CSV writer has an option for nulls, but not in the version of Databricks Runtime.
    return pc.fill_null(values.cast(pa.string()), "-") if values.null_count else values


def _parquet(flow_log: FlowLog, columns: list[pa.ChunkedArray], *, level: int) -> bytes:
    """Return Parquet with gzip compression and ``_`` in names; missing values are null for integers, ``-`` for text.

    AWS does not document how it writes missing values; this is the observed behavior. The types are those of
    https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
    """
    filled = [_with_dashes(values) if pa.types.is_string(values.type) else values for values in columns]
    names = [column_name(name) for name in flow_log.fields]
    file = BytesIO()
    pyarrow.parquet.write_table(
        pa.Table.from_arrays(filled, names=names), file, compression="gzip", compression_level=level, store_schema=False
    )
    return file.getvalue()


def _counts(table: pa.Table, name: str) -> dict[str, int]:
    if name not in table.column_names:
        return {}
    counted = pc.value_counts(table[name]).to_pylist()
    return {
        entry["values"] or "-": entry["counts"] for entry in sorted(counted, key=lambda entry: entry["values"] or "-")
    }


def _sum(table: pa.Table, name: str) -> int | None:
    if name not in table.column_names:
        return None
    total: int | None = pc.sum(table[name], min_count=0).as_py()
    return total
