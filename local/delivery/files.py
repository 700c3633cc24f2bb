"""Generate and deliver flow log files: a batch of them, or one for each flow log."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import lru_cache

import pyarrow as pa

from local.aws import Emulator, Refused
from local.delivery.sources import flow_logs, identity
from local.traffic.files import PERIOD_SECONDS, FileFacts, FlowLog, encode, facts, key, period_start
from local.traffic.network import Network
from local.traffic.records import records as draw

_ID_OF = {
    "NetworkInterface": "interface_id",
    "RegionalNatGateway": "regional_nat_id",
    "Subnet": "subnet_id",
    "TransitGateway": "transit_gateway_id",
    "TransitGatewayAttachment": "attachment_id",
    "VPC": "vpc_id",
}


@dataclass(frozen=True)
class Delivered:
    """The delivery of a file.

    Attributes:
        flow_log: the flow log.
        bucket: the flow log's bucket.
        file: facts about the file and its records.
        error: the error in the flow log's delivery status; None if the file is in the bucket.
        reason: the reason for the error; None if there is no error.
        at: the time of the delivery, in Unix seconds.
    """

    flow_log: FlowLog
    bucket: str
    file: FileFacts
    error: str | None = None
    reason: str | None = None
    at: float = 0.0


def deliver(
    stage: Emulator, *, seed: int, intervals: int, records: int, start: datetime | None = None, files: int = 1
) -> list[Delivered]:
    """Deliver files for each flow log and each of several five-minute intervals.

    Args:
        stage: the AWS emulator.
        seed: equal seeds give equal records for equal flow logs.
        intervals: the number of intervals.
        records: records per file.
        start: a time in the first interval; by default, the last interval ends before now.
        files: files per flow log and interval.

    Returns:
        All deliveries, including those that policies deny.
    """
    begin = period_start(start or datetime.now(timezone.utc) - timedelta(seconds=PERIOD_SECONDS * intervals))
    current = flow_logs(stage)
    deliveries: list[Delivered] = []
    for number in range(intervals * files):
        first = int(begin.timestamp()) + PERIOD_SECONDS * (number // files)
        interval = range(first, first + PERIOD_SECONDS)
        deliveries += deliver_round(stage, current, interval=interval, seed=seed, number=number, records=records)
    return deliveries


def deliver_round(
    stage: Emulator,
    targets: Sequence[tuple[FlowLog, str]],
    *,
    interval: range,
    seed: int,
    number: int,
    records: int,
) -> Iterator[Delivered]:
    """Deliver one file for each flow log, with traffic that ended in an interval.

    Args:
        stage: the AWS emulator.
        targets: the flow logs with their buckets.
        interval: the seconds of the interval.
        seed: the seed of the traffic.
        number: distinguishes the files of a seed.
        records: records per file.
    """
    for flow_log, bucket in targets:
        table = _table(flow_log, interval=interval, seed=seed, number=number, records=records)
        body = encode(flow_log, table)
        # A unique part, so that another seed or a second file in the same five minutes overwrites no file.
        part = _number(seed, number, interval)
        name = key(flow_log, datetime.fromtimestamp(interval.start, tz=timezone.utc), part=part)
        try:
            answer = stage.ask("deliver", body, flow_log=flow_log.id, key=name)
        except Refused:
            # The flow log was deleted after the listing.
            continue
        file = facts(table, key=name, size=len(body))
        yield Delivered(flow_log, bucket, file, answer["error"], answer.get("reason"), at=time.time())


def _table(flow_log: FlowLog, *, interval: range, seed: int, number: int, records: int) -> pa.Table:
    return draw(
        _network(seed, flow_log.account, flow_log.region, flow_log.target_kind, flow_log.target_id),
        flow_log.fields,
        start=interval.start,
        seconds=len(interval),
        count=records,
        seed=_number(seed, identity(flow_log), number),
        aggregation_seconds=flow_log.aggregation_seconds,
        target=flow_log.target_id,
        traffic=flow_log.traffic,
    )


@lru_cache(maxsize=64)
def _network(seed: int, account: str, region: str, kind: str, target: str) -> Network:
    return Network.seeded(seed, account=account, region=region, **{_ID_OF[kind]: target})


def _number(*what: object) -> int:
    """Return a number that depends only on the arguments."""
    return int.from_bytes(hashlib.sha256(repr(what).encode()).digest()[:8], "big")
