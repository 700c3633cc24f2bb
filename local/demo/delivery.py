"""An hour of traffic as flow log files, laid out as AWS does, some of them damaged; and a note of what is in them."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from local.demo import damages
from local.demo.flow_logs import Recorded, flow_logs, headers
from local.demo.manifest import DamagedFile, FlowLogNote, Manifest
from local.flow_log_files import PERIOD_SECONDS, encode, key, place
from local.network import Network
from local.traffic import records

FIRST = datetime(2026, 11, 2, 9, tzinfo=timezone.utc)
"""When the hour begins: always the same, so that a seed gives the same files whenever the demo runs."""

PERIODS = 12
LEAST_RECORDS = 1000

_DAMAGED_PART = 9  # tells a damaged file's name from the others of its five minutes


@dataclass(frozen=True)
class _Damaged:
    """A file to damage: by its flow log, in which five minutes of the hour, and how."""

    flow_log: int
    period: int
    damage: Callable[[bytes, pa.Table, Recorded, random.Random], damages.Result]


_DAMAGED = (_Damaged(0, 4, damages.cut), _Damaged(1, 7, damages.bad_lines), _Damaged(0, 10, damages.other_file))


def deliver(root: Path, *, count: int, seed: int) -> Manifest:
    """Write ``count`` records below ``root``, damaged ones included; returns what was written.

    Equal arguments give equal files, names included.
    """
    network = Network.seeded(seed)
    recorded = flow_logs(network, seed)
    size = max(LEAST_RECORDS // 20, count // 250)  # records of a damaged file
    notes, damaged = [], []
    for number, one in enumerate(recorded):
        own = [file for file in _DAMAGED if file.flow_log == number]
        delivery = _Delivery(root, network, one, seed)
        for file in own:
            damaged.append(delivery.damaged(file, size))
        begin, end = (sum(other.share for other in recorded[:last]) for last in (number, number + 1))
        delivery.sound(round(end * count) - round(begin * count) - size * len(own))
        notes.append(delivery.note())
    return Manifest(flow_logs=tuple(notes), damaged=tuple(damaged), headers=headers(recorded))


class _Delivery:
    """Writes the files of one flow log and adds up what is in them."""

    def __init__(self, root: Path, network: Network, recorded: Recorded, seed: int) -> None:
        self._root = root
        self._network = network
        self._recorded = recorded
        self._seed = seed
        self._files = self._lines = self._quarantined = self._rejected = self._bytes = 0

    def sound(self, count: int) -> None:
        """Write ``count`` records into files with which nothing is wrong."""
        files = self._recorded.files
        for period, in_period in enumerate(self._busy(count)):
            table = self._draw(period, 0, in_period)
            for part in range(files):
                begin, end = in_period * part // files, in_period * (part + 1) // files
                records_of_file = table.slice(begin, end - begin)
                self._put(encode(self._recorded.log, records_of_file), period, part)
                self._count(records_of_file, 0)

    def damaged(self, file: _Damaged, count: int) -> DamagedFile:
        """Write one file of ``count`` records, damaged."""
        table = self._draw(file.period, _DAMAGED_PART, count)
        result = file.damage(encode(self._recorded.log, table), table, self._recorded, self._random(file.period))
        path = self._put(result.data, file.period, _DAMAGED_PART)
        self._count(result.kept, result.lines)
        return DamagedFile(name=path.name, done=result.done, lines=result.lines)

    def note(self) -> FlowLogNote:
        """What was written."""
        return FlowLogNote(
            id=self._recorded.log.id,
            what=self._recorded.what,
            format=self._recorded.format,
            files=self._files,
            lines=self._lines,
            quarantined=self._quarantined,
            rejected=self._rejected,
            bytes=self._bytes,
        )

    def _busy(self, count: int) -> list[int]:
        """A total as one number for each five minutes: busier ones and quieter ones."""
        chance = self._random(-1)
        bounds = [0.0]
        for _ in range(PERIODS):
            bounds.append(bounds[-1] + chance.uniform(0.7, 1.3))
        places = [round(count * bound / bounds[-1]) for bound in bounds]
        return [end - begin for begin, end in pairwise(places)]

    def _draw(self, period: int, part: int, count: int) -> pa.Table:
        log = self._recorded.log
        begin = int(_time(period).timestamp())
        return records(
            self._network,
            log.fields,
            start=begin,
            seconds=PERIOD_SECONDS,
            count=count,
            seed=int.from_bytes(self._digest(f"{period} {part}")[:8], "big"),
            aggregation_seconds=log.aggregation_seconds,
            target=log.target_id,
        )

    def _put(self, data: bytes, period: int, part: int) -> Path:
        self._files += 1
        return place(data, self._root, key(self._recorded.log, _time(period), part=part))

    def _count(self, kept: pa.Table, quarantined: int) -> None:
        self._lines += kept.num_rows + quarantined
        self._quarantined += quarantined
        self._bytes += pc.sum(kept["bytes"], min_count=0).as_py()
        if "action" in kept.column_names:
            self._rejected += pc.sum(pc.equal(kept["action"], "REJECT"), min_count=0).as_py()

    def _random(self, period: int) -> random.Random:
        return random.Random(self._digest(f"random {period}"))

    def _digest(self, text: str) -> bytes:
        return hashlib.sha256(f"{self._seed} {self._recorded.log.id} {text}".encode()).digest()


def _time(period: int) -> datetime:
    return FIRST + timedelta(seconds=PERIOD_SECONDS * period)
