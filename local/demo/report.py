"""What the report page tells: plain data, gathered while the demo runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median

from local.demo.check import Found
from local.demo.manifest import FlowLogNote


@dataclass(frozen=True)
class Step:
    """A step of the demo and how many seconds it took."""

    name: str
    seconds: float


@dataclass(frozen=True)
class Resource:
    """A resource of the stack: its type, its logical id, and what it is called."""

    type: str
    logical_id: str
    physical_id: str


@dataclass(frozen=True)
class Deployed:
    """What a deploy made in both clouds.

    ``job`` and ``made`` hold names and values to show: of the job, and of what the job's role made by itself (the
    topic, the queue, the bucket's notification).
    """

    stack: str
    environment: str
    resources: tuple[Resource, ...] = ()
    outputs: Mapping[str, str] = field(default_factory=dict)
    job: Mapping[str, str] = field(default_factory=dict)
    made: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Minute:
    """The rows of a minute (Unix seconds) in which their flows began, NODATA and SKIPDATA included, and their bytes."""

    begins: int
    accepted: int
    rejected: int
    accepted_bytes: int
    rejected_bytes: int


@dataclass(frozen=True)
class Talker:
    """An address that sent: the bytes, the flows, and how many addresses they went to."""

    address: str
    bytes: int
    flows: int
    peers: int


@dataclass(frozen=True)
class Port:
    """A destination port: its flows, accepted and rejected. ``protocol`` is IANA's number."""

    number: int
    protocol: int
    accepted: int
    rejected: int


@dataclass(frozen=True)
class Source:
    """An address whose flows were rejected: how many, to how many addresses and ports, and the port asked for most."""

    address: str
    flows: int
    targets: int
    ports: int
    port: int


@dataclass(frozen=True)
class Entry:
    """An entry of the quarantine table: where it is, how many lines it stands for, why, and how the line begins."""

    file: str
    line_number: int
    lines: int
    reason: str
    line: str


@dataclass(frozen=True)
class FlowLogResult:
    """What one flow log delivered, and what the tables hold of it."""

    delivered: FlowLogNote
    found: Found

    @property
    def agrees(self) -> bool:
        """Whether each line is a row or in quarantine."""
        return self.delivered.lines == self.found.rows + self.found.quarantined


@dataclass(frozen=True)
class Gone:
    """Something that was looked for after the stacks were destroyed: what, and what was found; empty: nothing."""

    what: str
    name: str
    found: str = ""


@dataclass(frozen=True)
class Mark:
    """A moment of the demo (Unix seconds) to show in the traffic: what happened then."""

    at: float
    what: str


@dataclass(frozen=True)
class Report:
    """Everything that the page shows.

    ``lags`` are seconds from a file's put to its rows being readable, one for each file that came while the job was
    running; ``restart_lags`` those of the files that came while it was restarted. ``differences`` tells what the tables
    have more or less than was delivered, in words. ``gone`` is empty when nothing was destroyed.
    """

    made: datetime
    seed: int
    deployed: Deployed
    flow_logs: tuple[FlowLogResult, ...]
    steps: tuple[Step, ...] = ()
    minutes: tuple[Minute, ...] = ()
    marks: tuple[Mark, ...] = ()
    talkers: tuple[Talker, ...] = ()
    ports: tuple[Port, ...] = ()
    rejected: tuple[Source, ...] = ()
    quarantine: tuple[Entry, ...] = ()
    damaged: Mapping[str, str] = field(default_factory=dict)
    lags: tuple[float, ...] = ()
    restart_lags: tuple[float, ...] = ()
    differences: tuple[str, ...] = ()
    gone: tuple[Gone, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def files(self) -> int:
        return sum(log.delivered.files for log in self.flow_logs)

    @property
    def lines(self) -> int:
        return sum(log.delivered.lines for log in self.flow_logs)

    @property
    def rows(self) -> int:
        return sum(log.found.rows for log in self.flow_logs)

    @property
    def quarantined(self) -> int:
        return sum(log.found.quarantined for log in self.flow_logs)

    @property
    def skipped(self) -> int:
        """Rows that say SKIPDATA: AWS recorded less than there was."""
        return sum(log.found.skipped for log in self.flow_logs)

    @property
    def median_lag(self) -> float | None:
        """Seconds; None when no file came while the job was running."""
        return median(self.lags) if self.lags else None

    @property
    def nothing_lost(self) -> bool:
        return not self.differences and self.lines == self.rows + self.quarantined
