"""Describe what is wrong with an environment file: each problem with its place, the value, and what is allowed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vpc_flow_logs.terminal import printable


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: the key with its place (``flow_logs[2].vpc``, counted from 1) and the sentence."""

    key: str
    text: str

    def __str__(self) -> str:
        return f"{self.key}: {self.text}" if self.key else self.text


class EnvironmentFileError(Exception):
    """An environment file cannot be used. ``problems`` has all that is wrong with it; the text is for people."""

    def __init__(self, file: str, problems: Sequence[Problem]) -> None:
        self.file = file
        self.problems = tuple(problems)
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        lines = [
            f"{file}: {count}; nothing was made or changed:",
            *(f"  - {printable(str(problem))}" for problem in problems),
        ]
        super().__init__("\n".join(lines))
