"""Compare the job's settings as sent with the settings that the workspace returns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from vpc_flow_logs.answer import Answer, holds


def compared(sent: Mapping[str, Any], returned: Mapping[str, Any]) -> tuple[list[str], list[str], list[str]]:
    """Compare two documents.

    Returns:
        The values that were added, changed, and left out, each as ``place = value``.
    """
    before, after = dict(_flat(sent, "")), dict(_flat(returned, ""))
    added = [f"{place} = {after[place]}" for place in after if place not in before]
    changed = [
        f"{place} = {after[place]}, sent {value}" for place, value in before.items() if after.get(place, value) != value
    ]
    left_out = [f"{place} = {value}" for place, value in before.items() if place not in after]
    return sorted(added), sorted(changed), sorted(left_out)


def answers(sent: Mapping[str, Any], returned: Mapping[str, Any]) -> list[Answer]:
    """Return how the workspace changes the job's settings."""
    added, changed, left_out = compared(sent, returned)
    return [
        Answer("defaults that the workspace adds", "seen", tuple(added) or ("none",)),
        holds("the workspace returns the job's settings as sent", not changed, *changed),
        Answer("settings that the workspace does not return", "seen", tuple(left_out) or ("none",)),
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
