"""Setup's output: one line per step, and one message if a step fails."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


class SetupError(Exception):
    """A step failed. The message names the step, the cause and the next step."""


def say(line: str) -> None:
    """Print one line of progress, without buffering."""
    print(f"  {line}", flush=True)


def run(command: Sequence[str], *, cwd: Path, env: Mapping[str, str], log: Path, problem: str) -> None:
    """Run ``command`` and write its output to the file ``log``.

    Raises:
        SetupError: The command failed. The message has ``problem``, the end of the log, and the log's path.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as out:
        status = subprocess.run(command, cwd=cwd, env=env, stdout=out, stderr=subprocess.STDOUT, check=False).returncode
    if status != 0:
        raise SetupError(f"{problem}\n{last_lines(log)}\n  (full log: {log})")


def last_lines(log: Path, count: int = 8) -> str:
    """Return the end of a log, indented, without blank lines and Java's stack frames."""
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip() and "\tat " not in line]
    return "\n".join(f"    | {line[:200]}" for line in lines[-count:])
