"""Wait and report while a deployment goes on."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from infra.workspace.step import Step


def _no_report(step: Step) -> None:
    pass


def _always_time() -> None:
    pass


@dataclass(frozen=True)
class Pace:
    """How a deployment waits and reports.

    Attributes:
        later: called with what is awaited, until it is there; waits a while, or raises NotYet to be called again.
        report: called with each step that is done.
        check: called between steps; raises NotYet when this call has no time left.
        sleep: waits some seconds.
        clock: seconds of a monotonic clock.
    """

    later: Callable[[str], None]
    report: Callable[[Step], None] = _no_report
    check: Callable[[], None] = _always_time
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
