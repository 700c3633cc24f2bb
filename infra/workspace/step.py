"""The outcome of a step of a deployment."""

from __future__ import annotations

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
