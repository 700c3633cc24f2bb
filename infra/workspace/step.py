"""The outcome of a step of a deployment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["created", "updated", "unchanged", "removed", "note"]


@dataclass(frozen=True)
class Step:
    """A step that is done: its subject, its outcome, and details.

    The outcome ``note`` is not a step but a fact that the deployment cannot judge.
    """

    name: str
    outcome: Outcome
    detail: str = ""
