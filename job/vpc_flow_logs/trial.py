"""Results of testing the job's prerequisites, and the message that lists everything that is missing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from vpc_flow_logs import terminal

printable = terminal.printable

State = Literal["ok", "missing", "untried"]

_LABELS = {"ok": "ok:", "missing": "missing:", "untried": "untried:"}


@dataclass(frozen=True)
class Trial:
    """The result of testing one prerequisite.

    Attributes:
        state: ``ok``; ``missing`` if the job needs it and does not have it; ``untried`` if it cannot be tested here.
        action: The action or privilege.
        where: The resource: an ARN, a path or a schema.
        reason: The reason, unless the state is ``ok``.
        next_step: The advice, if the state is ``missing``.
    """

    state: State
    action: str
    where: str
    reason: str = ""
    next_step: str = ""

    @property
    def text(self) -> str:
        """The action, the resource and the reason."""
        reason = f": {self.reason}" if self.reason else ""
        return printable(f"{self.action} on {self.where}{reason}")


def line(trial: Trial) -> str:
    """Return a trial as one line of output."""
    return f"{_LABELS[trial.state]:<9} {trial.text}"


def merged(trials: Iterable[Trial]) -> list[Trial]:
    """Merge the trials that differ only in their action, in the order of their first occurrence.

    >>> [trial.action for trial in merged([Trial("ok", "s3:A", "b"), Trial("ok", "s3:B", "b")])]
    ['s3:A, s3:B']
    """
    groups: dict[tuple[str, ...], list[Trial]] = {}
    for trial in trials:
        groups.setdefault((trial.state, trial.where, trial.reason, trial.next_step), []).append(trial)
    return [
        Trial(first.state, ", ".join(trial.action for trial in alike), first.where, first.reason, first.next_step)
        for alike in groups.values()
        for first in alike[:1]
    ]


def missing(trials: Iterable[Trial]) -> list[Trial]:
    """Return the trials in the state ``missing``."""
    return [trial for trial in trials if trial.state == "missing"]


def message(lacking: Sequence[Trial], *, next_step: str) -> str:
    """Return the message that lists everything that is missing, followed by the advice, without repetitions.

    Args:
        lacking: The trials in the state ``missing``.
        next_step: The last line of the message.
    """
    count = "1 thing is" if len(lacking) == 1 else f"{len(lacking)} things are"
    lines = [f"  - {trial.text}" for trial in lacking]
    advice = dict.fromkeys(f"{trial.next_step}." for trial in lacking if trial.next_step)
    return "\n".join([f"The run failed: {count} missing:", *lines, *advice, next_step])
