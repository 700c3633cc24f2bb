"""What a step of a deployment came to, and how a deployment takes its time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Outcome = Literal["created", "updated", "unchanged", "removed", "note"]


@dataclass(frozen=True)
class Step:
    """A step that is done: what it is about, what came of it, and anything worth knowing.

    The outcome ``note`` is no step: something to know that the deployment cannot judge.
    """

    name: str
    outcome: Outcome
    detail: str = ""


def _no_report(step: Step) -> None:
    pass


def _always_time() -> None:
    pass


@dataclass(frozen=True)
class Pace:
    """How a deployment waits, and whom it tells.

    Attributes:
        later: called with what is waited for, until it is there; waits a while, or raises NotYet to be called again.
        report: called with each step that is done.
        check: called between steps; raises NotYet when this call has no time left.
        sleep: waits some seconds.
        clock: seconds that only grow.
    """

    later: Callable[[str], None]
    report: Callable[[Step], None] = _no_report
    check: Callable[[], None] = _always_time
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
