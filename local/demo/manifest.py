"""What was delivered: noted when it is written, and compared with the tables later."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class FlowLogNote:
    """What one flow log delivered.

    ``id`` is the flow log's, ``what`` and ``format`` describe it. ``lines`` counts all lines that are neither blank nor
    a header, ``quarantined`` those of them that are damaged. ``rejected`` counts REJECT and ``bytes`` adds up the
    field of that name, both over the records that are whole.
    """

    id: str
    what: str
    format: str
    files: int
    lines: int
    quarantined: int
    rejected: int
    bytes: int

    @property
    def rows(self) -> int:
        """Records that are whole: rows of the table."""
        return self.lines - self.quarantined


@dataclass(frozen=True)
class DamagedFile:
    """A file that was damaged: its name, what was done to it, and how many of its lines no one can read."""

    name: str
    done: str
    lines: int


@dataclass(frozen=True)
class Manifest:
    """All that was delivered, flow log by flow log."""

    flow_logs: tuple[FlowLogNote, ...]
    damaged: tuple[DamagedFile, ...]
    headers: tuple[str, ...]

    @property
    def files(self) -> int:
        return sum(log.files for log in self.flow_logs)

    @property
    def lines(self) -> int:
        return sum(log.lines for log in self.flow_logs)

    @property
    def quarantined(self) -> int:
        return sum(log.quarantined for log in self.flow_logs)

    def save(self, path: Path) -> None:
        """Write it as JSON."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Manifest:
        """Read what :meth:`save` wrote."""
        told = json.loads(path.read_text(encoding="utf-8"))
        return cls(
            flow_logs=tuple(FlowLogNote(**log) for log in told["flow_logs"]),
            damaged=tuple(DamagedFile(**file) for file in told["damaged"]),
            headers=tuple(told["headers"]),
        )
