"""Whether the tables hold what was delivered: every line, and the right values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from local.demo.manifest import FlowLogNote, Manifest
from vpc_flow_logs.progress import counted


@dataclass(frozen=True)
class Found:
    """What the tables hold of one flow log; ``quarantined`` counts lines, not entries, ``skipped`` SKIPDATA rows."""

    rows: int = 0
    accepted: int = 0
    rejected: int = 0
    bytes: int = 0
    quarantined: int = 0
    skipped: int = 0

    @property
    def neither(self) -> int:
        """Rows without an action: no traffic in the interval, or a format without that field."""
        return self.rows - self.accepted - self.rejected


def differences(manifest: Manifest, found: Mapping[str, Found], quarantined: Mapping[str, int]) -> list[str]:
    """What the tables have more or less than was delivered, in words; empty when they agree.

    Args:
        manifest: what was delivered.
        found: what is in the tables, by the flow log's id.
        quarantined: how many lines of which file, by its name, are in the quarantine table.
    """
    problems = [f"refused: {refused}" for refused in manifest.refused]
    problems += [problem for log in manifest.flow_logs for problem in _of_flow_log(log, found.get(log.id, Found()))]
    known = {log.id for log in manifest.flow_logs}
    for stranger in sorted(found.keys() - known):
        problems.append(f"{stranger}: {counted(found[stranger].rows, 'row')} of a flow log that delivered nothing")
    expected = {file.name: file.lines for file in manifest.damaged}
    for name in sorted(expected.keys() | quarantined.keys()):
        wanted, there = expected.get(name, 0), quarantined.get(name, 0)
        if wanted != there:
            problems.append(f"{name}: {_lines(wanted)} of it damaged, {_lines(there)} in quarantine")
    return problems


def _of_flow_log(log: FlowLogNote, found: Found) -> list[str]:
    problems = []
    missing = log.lines - found.rows - found.quarantined
    if missing:
        problems.append(
            f"{log.id}: delivered {_lines(log.lines)}, in the tables {counted(found.rows, 'row')} + "
            f"{found.quarantined:,} quarantined: {_lines(abs(missing))} {'missing' if missing > 0 else 'too many'}"
        )
    elif found.rows != log.rows:
        problems.append(f"{log.id}: {counted(log.rows, 'whole record')}, but {counted(found.rows, 'row')}")
    if found.rejected != log.rejected:
        problems.append(
            f"{log.id}: REJECT is in {counted(log.rejected, 'record')}, and in {counted(found.rejected, 'row')}"
        )
    if found.bytes != log.bytes:
        problems.append(
            f"{log.id}: the bytes of the records add up to {log.bytes:,}, those of the rows to {found.bytes:,}"
        )
    return problems


def _lines(count: int) -> str:
    return counted(count, "line")
