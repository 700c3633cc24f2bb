"""The outcome of trying something that the job needs, and the one message that names all that is missing."""

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
    """One thing that was tried.

    Attributes:
        state: ``ok``; ``missing`` if the job cannot do without it; ``untried`` if it could not be tried here.
        what: the action or privilege.
        where: the resource: an ARN, a path, a schema.
        words: why, if it is not ``ok``.
        next_step: what to do, if it is ``missing``.
    """

    state: State
    what: str
    where: str
    words: str = ""
    next_step: str = ""

    @property
    def text(self) -> str:
        """Action, resource, and why."""
        reason = f": {self.words}" if self.words else ""
        return printable(f"{self.what} on {self.where}{reason}")


def line(trial: Trial) -> str:
    """Return a trial as a line of output."""
    return f"{_LABELS[trial.state]:<9} {trial.text}"


def merged(trials: Iterable[Trial]) -> list[Trial]:
    """Return the trials with those that differ in their action alone as one, in the order of the first.

    >>> [trial.what for trial in merged([Trial("ok", "s3:A", "b"), Trial("ok", "s3:B", "b")])]
    ['s3:A, s3:B']
    """
    found: dict[tuple[str, ...], list[Trial]] = {}
    for trial in trials:
        found.setdefault((trial.state, trial.where, trial.words, trial.next_step), []).append(trial)
    return [
        Trial(first.state, ", ".join(trial.what for trial in alike), first.where, first.words, first.next_step)
        for alike in found.values()
        for first in alike[:1]
    ]


def missing(trials: Iterable[Trial]) -> list[Trial]:
    """Return what the job cannot do without."""
    return [trial for trial in trials if trial.state == "missing"]


def message(lacking: Sequence[Trial], *, next_step: str) -> str:
    """Return the message that names all that is missing, and after that each different thing to do."""
    count = "1 thing is" if len(lacking) == 1 else f"{len(lacking)} things are"
    lines = [f"  - {trial.text}" for trial in lacking]
    advice = dict.fromkeys(f"{trial.next_step}." for trial in lacking if trial.next_step)
    return "\n".join([f"The run failed: {count} missing:", *lines, *advice, next_step])
