"""Files for flow logs, drawn and delivered: a batch of them, or one for each flow log."""

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
    """A file that was to be delivered for a flow log: to which bucket, and what is in it.

    ``error`` is what the flow log's delivery status then says, and ``reason`` what is behind it; None if the file is
    in the bucket, since ``at`` (Unix seconds).
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
    """For each flow log, ``files`` files of ``records`` records for each of some five-minute intervals.

    The first interval is the one around ``start``; without it, the last one ends before now. Equal seeds give equal
    records for flow logs that are alike. A file that policies refuse is in the answer too, with its error.
    """
    begin = period_start(start or datetime.now(timezone.utc) - timedelta(seconds=PERIOD_SECONDS * intervals))
    there = flow_logs(stage)
    done: list[Delivered] = []
    for number in range(intervals * files):
        first = int(begin.timestamp()) + PERIOD_SECONDS * (number // files)
        interval = range(first, first + PERIOD_SECONDS)
        done += deliver_round(stage, there, interval=interval, seed=seed, number=number, records=records)
    return done


def deliver_round(
    stage: Emulator,
    there: Sequence[tuple[FlowLog, str]],
    *,
    interval: range,
    seed: int,
    number: int,
    records: int,
) -> Iterator[Delivered]:
    """One file for each flow log, with what ended in the seconds of an interval; ``number`` tells files apart."""
    for flow_log, bucket in there:
        table = _table(flow_log, interval=interval, seed=seed, number=number, records=records)
        body = encode(flow_log, table)
        # What is delivered again, with another seed or in the same five minutes, overwrites nothing.
        part = _number(seed, number, interval)
        name = key(flow_log, datetime.fromtimestamp(interval.start, tz=timezone.utc), part=part)
        try:
            answer = stage.ask("deliver", body, flow_log=flow_log.id, key=name)
        except Refused:
            # Deleted since it was listed.
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
    """A number that equal things have in common."""
    return int.from_bytes(hashlib.sha256(repr(what).encode()).digest()[:8], "big")
