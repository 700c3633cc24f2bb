"""What was delivered, in sum, to compare with a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from local.delivery.files import Delivered


@dataclass(frozen=True)
class Totals:
    """Sums over the files of one flow log that are in the bucket; ``refused`` counts those that are not.

    ``rows`` counts records, ``size`` the files' bytes, ``bytes`` those that the records tell of.
    """

    files: int = 0
    rows: int = 0
    size: int = 0
    bytes: int = 0
    actions: Mapping[str, int] = field(default_factory=dict)
    statuses: Mapping[str, int] = field(default_factory=dict)
    keys: tuple[str, ...] = ()
    refused: int = 0


def totals(delivered: Sequence[Delivered]) -> dict[str, Totals]:
    """The sums of each flow log, by its id."""
    return {
        flow_log: _totals([one for one in delivered if one.flow_log.id == flow_log])
        for flow_log in dict.fromkeys(one.flow_log.id for one in delivered)
    }


def _totals(delivered: Sequence[Delivered]) -> Totals:
    there = [one.file for one in delivered if one.error is None]
    actions: Counter[str] = Counter()
    statuses: Counter[str] = Counter()
    for file in there:
        actions.update(file.actions)
        statuses.update(file.statuses)
    return Totals(
        files=len(there),
        rows=sum(file.rows for file in there),
        size=sum(file.size for file in there),
        bytes=sum(file.bytes or 0 for file in there),
        actions=dict(sorted(actions.items())),
        statuses=dict(sorted(statuses.items())),
        keys=tuple(file.key for file in there),
        refused=len(delivered) - len(there),
    )
