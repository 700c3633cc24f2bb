"""Totals of the delivered files, to compare with a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from local.delivery.files import Delivered


@dataclass(frozen=True)
class Totals:
    """Totals of one flow log, over its files in the bucket.

    Attributes:
        files: the number of files.
        rows: the number of records.
        size: the bytes of the files.
        bytes: the sum of the records' field ``bytes``.
        actions: the number of records per action.
        statuses: the number of records per log status.
        keys: the files' keys.
        undelivered: the number of files that could not be delivered.
    """

    files: int = 0
    rows: int = 0
    size: int = 0
    bytes: int = 0
    actions: Mapping[str, int] = field(default_factory=dict)
    statuses: Mapping[str, int] = field(default_factory=dict)
    keys: tuple[str, ...] = ()
    undelivered: int = 0


def totals(delivered: Sequence[Delivered]) -> dict[str, Totals]:
    """Return the totals of each flow log, by its ID."""
    return {
        flow_log: _totals([delivery for delivery in delivered if delivery.flow_log.id == flow_log])
        for flow_log in dict.fromkeys(delivery.flow_log.id for delivery in delivered)
    }


def _totals(delivered: Sequence[Delivered]) -> Totals:
    files = [delivery.file for delivery in delivered if delivery.error is None]
    actions: Counter[str] = Counter()
    statuses: Counter[str] = Counter()
    for file in files:
        actions.update(file.actions)
        statuses.update(file.statuses)
    return Totals(
        files=len(files),
        rows=sum(file.rows for file in files),
        size=sum(file.size for file in files),
        bytes=sum(file.bytes or 0 for file in files),
        actions=dict(sorted(actions.items())),
        statuses=dict(sorted(statuses.items())),
        keys=tuple(file.key for file in files),
        undelivered=len(delivered) - len(files),
    )
