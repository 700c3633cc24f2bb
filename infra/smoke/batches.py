"""Parse the job's output for the micro-batches that a run has loaded."""

from __future__ import annotations

import re
from dataclasses import dataclass

from vpc_flow_logs.progress import counted

# Matches the output of `vpc_flow_logs.progress.batch_line`.
_BATCH = re.compile(
    r"^batch \d+: (?P<files>[\d,]+) files?, .*?, (?P<records>[\d,]+) records?, "
    r"(?P<quarantined>[\d,]+) quarantined lines?, .*?(?:, (?P<behind>\d+ \w+) behind)?$",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Batches:
    """The micro-batches of a run.

    Attributes:
        records: Number of records in all batches.
        quarantined: Number of quarantined lines in all batches.
        last: Description of the last batch.
    """

    records: int
    quarantined: int
    last: str

    @property
    def share(self) -> float:
        """Return the share of quarantined lines among all delivered lines, from 0 to 1."""
        lines = self.records + self.quarantined
        return self.quarantined / lines if lines else 0.0


def batches(output: str) -> Batches | None:
    """Return the micro-batches in a run's output, or None if no batch had files."""
    matches = [match for match in _BATCH.finditer(output) if _number(match["files"])]
    if not matches:
        return None
    last = matches[-1]
    behind = f", {last['behind']} behind when it was loaded" if last["behind"] else ""
    return Batches(
        records=sum(_number(match["records"]) for match in matches),
        quarantined=sum(_number(match["quarantined"]) for match in matches),
        last=f"{counted(_number(last['files']), 'file')}, {counted(_number(last['records']), 'record')}{behind}",
    )


def _number(text: str) -> int:
    return int(text.replace(",", ""))
