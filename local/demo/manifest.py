"""The delivered files and their counts, recorded at delivery and compared with the tables later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from local.delivery import Delivered
from local.demo.traffic import DamagedDelivery
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
    """The deliveries of one flow log.

    ``target`` and ``format`` describe the flow log. ``lines`` excludes blank lines and header lines; ``quarantined`` is
    the number of damaged ones. ``rejected`` (REJECT) and ``bytes`` (a sum) cover only the valid records.
    """

    id: str
    target: str
    format: str
    files: int
    lines: int
    quarantined: int
    rejected: int
    bytes: int

    @property
    def rows(self) -> int:
        """The number of valid records, which become rows."""
        return self.lines - self.quarantined


@dataclass(frozen=True)
class DamagedFile:
    """A damaged file: its name, the damage in words, and the number of unreadable lines."""

    name: str
    damage: str
    lines: int


@dataclass(frozen=True)
class Manifest:
    """All deliveries by flow log. ``undelivered`` lists the files that a policy denied, with the reasons."""

    flow_logs: tuple[FlowLogNote, ...]
    damaged: tuple[DamagedFile, ...] = ()
    undelivered: tuple[str, ...] = ()

    @property
    def files(self) -> int:
        return sum(log.files for log in self.flow_logs)

    @property
    def lines(self) -> int:
        return sum(log.lines for log in self.flow_logs)

    @property
    def quarantined(self) -> int:
        return sum(log.quarantined for log in self.flow_logs)


def manifest(files: Sequence[Delivered], damaged_deliveries: Sequence[DamagedDelivery]) -> Manifest:
    """Add up the deliveries; ``files`` includes the readable records of damaged files."""
    delivered = [put for put in files if put.error is None]
    return Manifest(
        flow_logs=tuple(
            _note(log, [put for put in delivered if put.flow_log.id == log.id], damaged_deliveries)
            for log in {put.flow_log.id: put.flow_log for put in delivered}.values()
        ),
        damaged=tuple(DamagedFile(file.name, file.damage, file.lines) for file in damaged_deliveries),
        undelivered=tuple(f"{put.file.key}: {put.error}: {put.reason}" for put in files if put.error is not None),
    )


def _note(log: FlowLog, files: Sequence[Delivered], damaged_deliveries: Sequence[DamagedDelivery]) -> FlowLogNote:
    damaged = sum(file.lines for file in damaged_deliveries if file.delivered.flow_log.id == log.id)
    return FlowLogNote(
        id=log.id,
        target=f"{_KINDS.get(log.target_kind, log.target_kind)} {log.target_id}",
        format=_format(log),
        files=len(files),
        lines=sum(put.file.rows for put in files) + damaged,
        quarantined=damaged,
        rejected=sum(put.file.actions.get("REJECT", 0) for put in files),
        bytes=sum(put.file.bytes or 0 for put in files),
    )


def _format(log: FlowLog) -> str:
    kind = "default format" if log.fields in (DEFAULT_FORMAT, TGW_DEFAULT_FORMAT) else "custom format"
    return f"{counted(len(log.fields), 'field')}, {kind}, {'Parquet' if log.file_format == 'parquet' else 'text'}"
