"""An answer of the probe: what was asked, whether it holds, and what was seen. One line of JSON in a run's output."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

State = Literal["holds", "does not hold", "seen", "not asked"]

_MARK = "answer: "


@dataclass(frozen=True)
class Answer:
    """An answer.

    Attributes:
        question: a statement that holds or does not, or a heading for what was seen.
        state: ``seen`` for what cannot be right or wrong; ``not asked`` if there was no way to ask.
        facts: what was seen, in lines. They may name accounts, buckets and people; the report masks those.
    """

    question: str
    state: State
    facts: tuple[str, ...] = ()


def holds(question: str, condition: bool, *facts: str) -> Answer:
    """Return the answer for a statement."""
    return Answer(question, "holds" if condition else "does not hold", facts)


def line(answer: Answer) -> str:
    """Return an answer as a line of output."""
    return _MARK + json.dumps(asdict(answer))


def answers_in(output: str) -> list[Answer]:
    """Return the answers in a run's output; every other line is left out, and so is one that was cut."""
    found = []
    for text in output.splitlines():
        if text.startswith(_MARK):
            try:
                raw = json.loads(text.removeprefix(_MARK))
                found.append(Answer(raw["question"], raw["state"], _texts(raw["facts"])))
            except (ValueError, KeyError, TypeError):
                continue
    return found


def _texts(facts: Sequence[object]) -> tuple[str, ...]:
    return tuple(str(fact) for fact in facts)
