"""The help texts of the answers and of their parameters."""

from __future__ import annotations

from collections.abc import Sequence

from vpc_flow_logs.answers.catalog import catalog
from vpc_flow_logs.answers.model import Answer


def option_of(name: str) -> str:
    """Return the option of the command line for a parameter."""
    return f"--{name.replace('_', '-')}"


def meaning_of(name: str, answer: Answer | None) -> str:
    """Return the meaning of a parameter in an answer, or each of its meanings with the answers that have it."""
    pairs = [(p.meaning, each.name) for each in catalog() for p in each.parameters if p.name == name]
    if answer is not None:
        return "".join(meaning for meaning, taker in pairs if taker == answer.name)
    takers = {meaning: [taker for other, taker in pairs if other == meaning] for meaning, _ in pairs}
    return "; ".join(f"{meaning} (of {_first_two(names)})" for meaning, names in takers.items())


def _first_two(names: Sequence[str]) -> str:
    return ", ".join(names[:2]) + (f" and {len(names) - 2} more" if len(names) > 2 else "")


def described(answer: Answer) -> str:
    """Return the description of an answer: its question, its parameters and its columns."""
    lines = ["", f"{answer.name}: {answer.question}", answer.counts, f"Order: {answer.order}.", ""]
    if answer.fields:
        lines += [f"Needs {', '.join(answer.fields)}.", ""]
    lines += [f"  {option_of(p.name):24} {p.meaning} (default: {p.default})" for p in answer.parameters]
    lines += ["", "Columns:", *(f"  {column.name:24} {column.meaning}" for column in answer.columns)]
    return "\n".join(lines) + "\n"
