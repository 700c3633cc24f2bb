"""Read the micro-batches that a run has loaded from the lines that the job prints."""

from __future__ import annotations

import re
from dataclasses import dataclass

from vpc_flow_logs.progress import counted

# As `vpc_flow_logs.progress.batch_line` writes it.
_BATCH = re.compile(
    r"^batch \d+: (?P<files>[\d,]+) files?, .*?, (?P<records>[\d,]+) records?, "
    r"(?P<quarantined>[\d,]+) quarantined lines?, .*?(?:, (?P<behind>\d+ \w+) behind)?$",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Batches:
    """The micro-batches of a run: totals of records and quarantined lines, and a description of the last one."""

    records: int
    quarantined: int
    last: str

    @property
    def share(self) -> float:
        """The share of all delivered lines that is in the quarantine, from 0 to 1."""
        lines = self.records + self.quarantined
        return self.quarantined / lines if lines else 0.0


def batches(output: str) -> Batches | None:
    """Return the micro-batches of an output; None if none of them had files."""
    found = [each for each in _BATCH.finditer(output) if _number(each["files"])]
    if not found:
        return None
    last = found[-1]
    behind = f", {last['behind']} behind when it was loaded" if last["behind"] else ""
    return Batches(
        records=sum(_number(each["records"]) for each in found),
        quarantined=sum(_number(each["quarantined"]) for each in found),
        last=f"{counted(_number(last['files']), 'file')}, {counted(_number(last['records']), 'record')}{behind}",
    )


def _number(text: str) -> int:
    return int(text.replace(",", ""))
