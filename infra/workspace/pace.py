"""Wait and report progress during a deployment."""

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
    """The functions that a deployment uses to wait and to report progress.

    Attributes:
        later: called repeatedly with the reason for waiting until the condition holds; pauses, or raises NotYet so that
            a later call continues.
        report: called with each completed step.
        check: called between steps; raises NotYet when the current call has no time left.
        sleep: pauses for a number of seconds.
        clock: returns the seconds of a monotonic clock.
    """

    later: Callable[[str], None]
    report: Callable[[Step], None] = _no_report
    check: Callable[[], None] = _always_time
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
