"""The traffic of the demo: an hour at once, then continuous traffic, and a few damaged files."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

import pyarrow as pa

from local.aws import Emulator
from local.delivery import Continuous, Delivered, deliver, delivering, flow_logs
from local.delivery.files import deliver_round
from local.demo import damages
from local.traffic.files import PERIOD_SECONDS, FlowLog, encode, facts, key, period_start
from local.traffic.network import Network
from local.traffic.records import records

INTERVALS = 12
"""The number of five-minute intervals in the first hour."""

EVERY = 5.0
"""Seconds between two files of a flow log during continuous traffic; AWS takes minutes."""

LEAST_RECORDS = 1200

Damage = Callable[[bytes, pa.Table, FlowLog, random.Random], damages.Result]


@dataclass(frozen=True)
class DamagedDelivery:
    """A damaged file: its delivery, which counts readable records, the unreadable lines, and the damage in words."""

    delivered: Delivered
    lines: int
    damage: str

    @property
    def name(self) -> str:
        return self.delivered.file.key.rpartition("/")[2]


@dataclass
class Traffic:
    """All files that are delivered on a stage.

    ``rate`` is the number of records per flow log in five minutes; ``started`` is the start of the continuous traffic
    (Unix seconds).
    """

    stage: Emulator
    seed: int
    rate: int
    hour: list[Delivered] = field(default_factory=list)
    damaged_deliveries: list[DamagedDelivery] = field(default_factory=list)
    started: float = 0.0
    _continuous: Continuous | None = None

    def deliver_hour(self) -> None:
        """Deliver an hour in twelve files per flow log, and the minutes since then in another one."""
        self.hour += deliver(self.stage, seed=self.seed, intervals=INTERVALS, records=self.rate)
        now = int(time.time())
        minutes = range(now - now % PERIOD_SECONDS, now)
        count = self.rate * len(minutes) // PERIOD_SECONDS
        if count:
            targets = flow_logs(self.stage)
            self.hour += deliver_round(
                self.stage, targets, interval=minutes, seed=self.seed, number=INTERVALS, records=count
            )

    @contextmanager
    def continuously(self) -> Iterator[None]:
        """Deliver a file per flow log every few seconds, at the same rate of records, until the block ends."""
        if self._continuous is not None:
            self.hour += self._continuous.delivered
        self.started = time.time()
        each = max(1, round(self.rate * EVERY / PERIOD_SECONDS))
        with delivering(self.stage, seed=self.seed + 1, every=EVERY, records=each) as self._continuous:
            yield

    def stop(self) -> None:
        """Stop the continuous traffic after the deliveries in progress."""
        if self._continuous is not None:
            self._continuous.stop()

    def wait_for(self, target_kinds: Sequence[str], *, patience: float = 60.0) -> None:
        """Wait until flow logs of these kinds of resource have delivered a file.

        Raises:
            TimeoutError: a kind delivered none, for example because it has no flow log.
        """
        until = time.monotonic() + patience
        while missing := set(target_kinds) - {file.flow_log.target_kind for file in self.files()}:
            if time.monotonic() > until:
                raise TimeoutError(f"no flow log of {', '.join(sorted(missing))} delivered a file in {patience:.0f} s")
            time.sleep(0.2)

    def deliver_damaged(self, target_kind: str, damage: Damage, *, minutes_ago: int) -> DamagedDelivery:
        """Deliver a damaged file for the flow log of a resource of this kind."""
        log, bucket = next(each for each in flow_logs(self.stage) if each[0].target_kind == target_kind)
        when = period_start(datetime.now(timezone.utc) - timedelta(minutes=minutes_ago))
        number = _number(self.seed, damage.__name__)
        table = self._table(log, when, number)
        result = damage(encode(log, table), table, log, random.Random(number))
        name = key(log, when, part=number)
        answer = self.stage.ask("deliver", result.data, flow_log=log.id, key=name)
        readable = facts(result.readable, key=name, size=len(result.data))
        put = Delivered(log, bucket, readable, answer["error"], answer.get("reason"), at=time.time())
        self.damaged_deliveries.append(DamagedDelivery(put, result.lines, result.damage))
        return self.damaged_deliveries[-1]

    def files(self) -> list[Delivered]:
        """Return all deliveries so far; those of damaged files count only the readable records."""
        continuous = list(self._continuous.delivered) if self._continuous else []
        return [*self.hour, *continuous, *(file.delivered for file in self.damaged_deliveries)]

    def _table(self, log: FlowLog, when: datetime, number: int) -> pa.Table:
        network = Network.seeded(self.seed, account=log.account, region=log.region)
        return records(
            network,
            log.fields,
            start=int(when.timestamp()),
            seconds=passed(when, now=time.time()),
            count=max(100, self.rate // 20),
            seed=number,
            aggregation_seconds=log.aggregation_seconds,
        )


def passed(when: datetime, *, now: float) -> int:
    """Return the elapsed seconds of an interval; records must not be in the future.

    >>> noon = datetime(2026, 11, 1, 12, tzinfo=timezone.utc)
    >>> passed(noon, now=noon.timestamp() + 42.7), passed(noon, now=noon.timestamp() + 9000)
    (42, 300)
    """
    return max(1, min(PERIOD_SECONDS, int(now - when.timestamp())))


def lines(files: Sequence[Delivered], damaged_deliveries: Sequence[DamagedDelivery]) -> int:
    """Return the number of delivered lines: records and unreadable lines."""
    return sum(put.file.rows for put in files if put.error is None) + sum(file.lines for file in damaged_deliveries)


def _number(*parts: object) -> int:
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:8], "big")
