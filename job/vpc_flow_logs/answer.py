"""Answers of the probe, each printed as one line of JSON in the run's output."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

State = Literal["holds", "does not hold", "seen", "not asked"]

_MARK = "answer: "


@dataclass(frozen=True)
class Answer:
    """One answer.

    Attributes:
        question: A statement that holds or does not hold, or a heading for observations.
        state: ``seen`` for an observation without an expected value; ``not asked`` if the question could not be asked.
        facts: The observations, one per line. They may name accounts, buckets and people; the report masks those.
    """

    question: str
    state: State
    facts: tuple[str, ...] = ()


def holds(question: str, condition: bool, *facts: str) -> Answer:
    """Return the answer for a statement."""
    return Answer(question, "holds" if condition else "does not hold", facts)


def line(answer: Answer) -> str:
    """Return an answer as one line of output."""
    return _MARK + json.dumps(asdict(answer))


def answers_in(output: str) -> list[Answer]:
    """Return the answers in a run's output. Other lines and truncated answers are skipped."""
    answers = []
    for text in output.splitlines():
        if text.startswith(_MARK):
            try:
                raw = json.loads(text.removeprefix(_MARK))
                answers.append(Answer(raw["question"], raw["state"], _texts(raw["facts"])))
            except (ValueError, KeyError, TypeError):
                continue
    return answers


def _texts(facts: Sequence[object]) -> tuple[str, ...]:
    return tuple(str(fact) for fact in facts)
