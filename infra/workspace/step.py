"""The steps of a deployment and their outcomes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Outcome = Literal["created", "updated", "unchanged", "removed", "note"]


@dataclass(frozen=True)
class Step:
    """A completed step of a deployment.

    Attributes:
        name: the resource or action, such as ``job``.
        outcome: the result; ``note`` marks an observation that the deployment cannot verify and does not act on.
        detail: further information, such as an ARN, a path or a URL.
    """

    name: str
    outcome: Outcome
    detail: str = ""


class Steps:
    """The completed steps of a deployment. Each one is reported when it is added."""

    def __init__(self, report: Callable[[Step], None]) -> None:
        self.completed: list[Step] = []
        self._report = report

    def add(self, *steps: Step | None) -> None:
        for step in steps:
            if step is not None:
                self.completed.append(step)
                self._report(step)
