"""Parse the job's output for the micro-batches that a run has loaded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vpc_flow_logs.progress import counted, duration

# The first key of `vpc_flow_logs.progress.batch_json`.
_BEGINNING = '{"batch":'


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
    """Return the micro-batches in a run's output, or None if no batch had files.

    The job prints a line of JSON for each batch. Version 0.1.0 did not, so the batches of its runs are not found.
    """
    loaded = [batch for line in output.splitlines() if (batch := _batch(line)) and batch["files"]]
    if not loaded:
        return None
    last = loaded[-1]
    behind = last["seconds_behind"]
    delay = "" if behind is None else f", {duration(behind)} behind when it was loaded"
    return Batches(
        records=sum(batch["records"] for batch in loaded),
        quarantined=sum(batch["quarantined_lines"] for batch in loaded),
        last=f"{counted(last['files'], 'file')}, {counted(last['records'], 'record')}{delay}",
    )


def _batch(line: str) -> Mapping[str, Any] | None:
    if not line.startswith(_BEGINNING):
        return None
    try:
        return dict(json.loads(line))
    except ValueError:
        return None  # the workspace truncates long output
