"""What was delivered: noted when it is written, and compared with the tables later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from local.delivery import Delivered
from local.demo.traffic import Spoiled
from local.traffic.files import FlowLog
from vpc_flow_logs.fields import DEFAULT_FORMAT, TGW_DEFAULT_FORMAT
from vpc_flow_logs.progress import counted

_KINDS = {
    "NetworkInterface": "network interface",
    "Subnet": "subnet",
    "TransitGateway": "transit gateway",
    "TransitGatewayAttachment": "transit gateway attachment",
    "VPC": "VPC",
}


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
    """All that was delivered, flow log by flow log. ``refused`` says which files a policy refused, and why."""

    flow_logs: tuple[FlowLogNote, ...]
    damaged: tuple[DamagedFile, ...] = ()
    refused: tuple[str, ...] = ()

    @property
    def files(self) -> int:
        return sum(log.files for log in self.flow_logs)

    @property
    def lines(self) -> int:
        return sum(log.lines for log in self.flow_logs)

    @property
    def quarantined(self) -> int:
        return sum(log.quarantined for log in self.flow_logs)


def manifest(files: Sequence[Delivered], spoiled: Sequence[Spoiled]) -> Manifest:
    """The sums of what was delivered; ``files`` has what is left of the damaged ones too."""
    there = [one for one in files if one.error is None]
    return Manifest(
        flow_logs=tuple(
            _note(log, [one for one in there if one.flow_log.id == log.id], spoiled)
            for log in {one.flow_log.id: one.flow_log for one in there}.values()
        ),
        damaged=tuple(DamagedFile(one.name, one.done, one.lines) for one in spoiled),
        refused=tuple(f"{one.file.key}: {one.error}: {one.reason}" for one in files if one.error is not None),
    )


def _note(log: FlowLog, files: Sequence[Delivered], spoiled: Sequence[Spoiled]) -> FlowLogNote:
    damaged = sum(one.lines for one in spoiled if one.delivered.flow_log.id == log.id)
    return FlowLogNote(
        id=log.id,
        what=f"{_KINDS.get(log.target_kind, log.target_kind)} {log.target_id}",
        format=_format(log),
        files=len(files),
        lines=sum(one.file.rows for one in files) + damaged,
        quarantined=damaged,
        rejected=sum(one.file.actions.get("REJECT", 0) for one in files),
        bytes=sum(one.file.bytes or 0 for one in files),
    )


def _format(log: FlowLog) -> str:
    kind = "default format" if log.fields in (DEFAULT_FORMAT, TGW_DEFAULT_FORMAT) else "own format"
    return f"{counted(len(log.fields), 'field')}, {kind}, {'Parquet' if log.file_format == 'parquet' else 'text'}"
