"""The job as it was sent, beside the job as the workspace reads it back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from vpc_flow_logs.answer import Answer, holds


def compared(sent: Mapping[str, Any], found: Mapping[str, Any]) -> tuple[list[str], list[str], list[str]]:
    """Compare two documents.

    Returns:
        What was filled in, what has another value, and what was left out: each as ``place = value``.
    """
    one, other = dict(_flat(sent, "")), dict(_flat(found, ""))
    filled = [f"{place} = {other[place]}" for place in other if place not in one]
    changed = [
        f"{place} = {other[place]}, sent {one[place]}" for place in one if other.get(place, one[place]) != one[place]
    ]
    left_out = [f"{place} = {one[place]}" for place in one if place not in other]
    return sorted(filled), sorted(changed), sorted(left_out)


def answers(sent: Mapping[str, Any], found: Mapping[str, Any]) -> list[Answer]:
    """Answer how the workspace treats the job's settings."""
    filled, changed, left_out = compared(sent, found)
    return [
        Answer("defaults that the workspace filled in", "seen", tuple(filled) or ("none",)),
        holds("the job's settings are read back as they were sent", not changed, *changed),
        Answer("settings that are not read back", "seen", tuple(left_out) or ("none",)),
    ]


def _flat(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(inner, f"{place}.{key}" if place else str(key))
        if not value and place:
            yield place, "{}"
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _flat(inner, f"{place}[{number}]")
        if not value:
            yield place, "[]"
    else:
        yield place, value
