"""The data of the report page, collected while the demo runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median

from local.answers.result import Result
from local.demo.check import TableCounts
from local.demo.manifest import FlowLogNote


@dataclass(frozen=True)
class Step:
    """A step of the demo and its time in seconds."""

    name: str
    seconds: float


@dataclass(frozen=True)
class Resource:
    """A resource of the stack: its type, logical ID and physical ID."""

    type: str
    logical_id: str
    physical_id: str


@dataclass(frozen=True)
class Deployed:
    """The deployment in both clouds.

    ``job`` holds names and values of the job to show. ``auto_loader`` holds those of the topic, the queue and the
    bucket notification that the job created with its role.
    """

    stack: str
    environment: str
    resources: tuple[Resource, ...] = ()
    outputs: Mapping[str, str] = field(default_factory=dict)
    job: Mapping[str, str] = field(default_factory=dict)
    auto_loader: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Minute:
    """The rows and bytes of the flows that began in a minute (Unix seconds); rows without an action are accepted."""

    begins: int
    accepted: int
    rejected: int
    accepted_bytes: int
    rejected_bytes: int


@dataclass(frozen=True)
class Port:
    """A destination port and its accepted and rejected flows. ``protocol`` is the IANA number."""

    number: int
    protocol: int
    accepted: int
    rejected: int


@dataclass(frozen=True)
class Entry:
    """An entry of the quarantine table: its place, the number of lines it counts, the reason, the start of the line."""

    file: str
    line_number: int
    lines: int
    reason: str
    line: str


@dataclass(frozen=True)
class FlowLogResult:
    """The deliveries of one flow log, and its rows and lines in the tables."""

    delivered: FlowLogNote
    counts: TableCounts

    @property
    def agrees(self) -> bool:
        """Return True if every line is a row or in quarantine."""
        return self.delivered.lines == self.counts.rows + self.counts.quarantined


@dataclass(frozen=True)
class Lookup:
    """A resource that was looked up after the destroy. ``leftover`` names what is still there; empty if it is gone."""

    kind: str
    name: str
    leftover: str = ""


@dataclass(frozen=True)
class Mark:
    """An event of the demo that the traffic charts show: its time in Unix seconds, and a label."""

    at: float
    label: str


@dataclass(frozen=True)
class Report:
    """The content of the page.

    ``answers`` are those of the catalog, from the table functions that the job created.
    ``lags`` are the seconds from the upload of a file to readable rows, for each file that arrived while the job was
    running; ``restart_lags`` are those of the files that arrived during a restart. ``differences`` describes where the
    tables differ from the delivered files. ``lookups`` is empty if nothing was destroyed.
    """

    created_at: datetime
    seed: int
    deployed: Deployed
    flow_logs: tuple[FlowLogResult, ...]
    steps: tuple[Step, ...] = ()
    minutes: tuple[Minute, ...] = ()
    marks: tuple[Mark, ...] = ()
    answers: tuple[Result, ...] = ()
    ports: tuple[Port, ...] = ()
    quarantine: tuple[Entry, ...] = ()
    damaged: Mapping[str, str] = field(default_factory=dict)
    lags: tuple[float, ...] = ()
    restart_lags: tuple[float, ...] = ()
    differences: tuple[str, ...] = ()
    lookups: tuple[Lookup, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def files(self) -> int:
        return sum(log.delivered.files for log in self.flow_logs)

    @property
    def lines(self) -> int:
        return sum(log.delivered.lines for log in self.flow_logs)

    @property
    def rows(self) -> int:
        return sum(log.counts.rows for log in self.flow_logs)

    @property
    def quarantined(self) -> int:
        return sum(log.counts.quarantined for log in self.flow_logs)

    @property
    def skipped(self) -> int:
        """SKIPDATA rows: AWS did not record all flows."""
        return sum(log.counts.skipped for log in self.flow_logs)

    @property
    def median_lag(self) -> float | None:
        """The median in seconds; None if no file arrived while the job was running."""
        return median(self.lags) if self.lags else None

    @property
    def nothing_lost(self) -> bool:
        return not self.differences and self.lines == self.rows + self.quarantined
