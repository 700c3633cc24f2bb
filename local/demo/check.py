"""Compare the tables with the delivered files: every line must be there, with the right values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from local.demo.manifest import FlowLogNote, Manifest
from vpc_flow_logs.progress import counted


@dataclass(frozen=True)
class TableCounts:
    """Rows and lines of one flow log in the tables; ``quarantined`` counts lines, not entries, ``skipped`` SKIPDATA."""

    rows: int = 0
    accepted: int = 0
    rejected: int = 0
    bytes: int = 0
    quarantined: int = 0
    skipped: int = 0

    @property
    def neither(self) -> int:
        """The rows without an action: no traffic in the interval, or a format without that field."""
        return self.rows - self.accepted - self.rejected


def differences(manifest: Manifest, counts: Mapping[str, TableCounts], quarantined: Mapping[str, int]) -> list[str]:
    """Return each difference between the tables and the delivered files, in words.

    Args:
        manifest: the delivered files.
        counts: the contents of the tables, by flow log ID.
        quarantined: the number of lines in the quarantine table, by file name.
    """
    problems = [f"not delivered: {file}" for file in manifest.undelivered]
    problems += [
        problem for log in manifest.flow_logs for problem in _of_flow_log(log, counts.get(log.id, TableCounts()))
    ]
    known = {log.id for log in manifest.flow_logs}
    for id_ in sorted(counts.keys() - known):
        problems.append(f"{id_}: {counted(counts[id_].rows, 'row')} of a flow log that delivered nothing")
    expected = {file.name: file.lines for file in manifest.damaged}
    for name in sorted(expected.keys() | quarantined.keys()):
        damaged, loaded = expected.get(name, 0), quarantined.get(name, 0)
        if damaged != loaded:
            problems.append(f"{name}: {counted(damaged, 'damaged line')}, but {_lines(loaded)} in quarantine")
    return problems


def _of_flow_log(log: FlowLogNote, counts: TableCounts) -> list[str]:
    problems = []
    missing = log.lines - counts.rows - counts.quarantined
    if missing:
        problems.append(
            f"{log.id}: delivered {_lines(log.lines)}, in the tables {counted(counts.rows, 'row')} + "
            f"{counts.quarantined:,} quarantined: {_lines(abs(missing))} {'missing' if missing > 0 else 'too many'}"
        )
    elif counts.rows != log.rows:
        problems.append(f"{log.id}: {counted(log.rows, 'valid record')}, but {counted(counts.rows, 'row')}")
    if counts.rejected != log.rejected:
        problems.append(
            f"{log.id}: REJECT in {counted(log.rejected, 'record')}, but in {counted(counts.rejected, 'row')}"
        )
    if counts.bytes != log.bytes:
        problems.append(f"{log.id}: the records add up to {log.bytes:,} bytes, but the rows to {counts.bytes:,}")
    return problems


def _lines(count: int) -> str:
    return counted(count, "line")
