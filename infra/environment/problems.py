"""Problems of an environment file: each names the key, the value, and what is allowed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vpc_flow_logs.progress import counted
from vpc_flow_logs.terminal import printable


@dataclass(frozen=True)
class Problem:
    """One problem.

    Attributes:
        key: The key with its place, such as ``flow_logs[2].vpc`` (counted from 1); empty for the whole file.
        text: The sentence that describes the problem.
    """

    key: str
    text: str

    def __str__(self) -> str:
        return f"{self.key}: {self.text}" if self.key else self.text


class EnvironmentFileError(Exception):
    """An environment file cannot be used.

    The text is for users and lists all problems.

    Attributes:
        file: The path of the file.
        problems: All problems of the file.
    """

    def __init__(self, file: str, problems: Sequence[Problem], *, warnings: Sequence[str] = ()) -> None:
        """Set the problems, and the warnings about other settings, which the text lists too."""
        self.file = file
        self.problems = tuple(problems)
        lines = [
            f"{file}: {counted(len(problems), 'problem')}; nothing was created or changed:",
            *(f"  - {printable(str(problem))}" for problem in problems),
            *(f"warning: {printable(warning)}" for warning in warnings),
        ]
        super().__init__("\n".join(lines))
