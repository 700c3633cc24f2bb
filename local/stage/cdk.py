"""The real CDK command line on the stage, as ``make bootstrap``, ``make deploy`` and ``make destroy`` run it."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path

from local.processes import end_session

ROOT = Path(__file__).resolve().parents[2]
"""The folder of this repository, with the app, its environments, and ``node_modules``."""

_LAST = 25

OnLine = Callable[[str], None]
"""Called with each line that the command prints."""

_EVENT = re.compile(r"\| (?P<state>[A-Z_]+_(?:COMPLETE|FAILED|SKIPPED)) +\| (?P<type>\S+) +\| (?P<what>.*)")


class CdkError(RuntimeError):
    """The command failed; the message ends with its last output."""


def environment(stage: Mapping[str, str], *, folder: Path) -> dict[str, str]:
    """Return the command's environment: the stage's, with CDK on the path and a temporary folder in ``folder``."""
    temporary = folder / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    return {
        **stage,
        "PATH": os.pathsep.join([str(ROOT / "node_modules" / ".bin"), str(Path(sys.executable).parent), stage["PATH"]]),
        "TMPDIR": str(temporary),
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20",
    }


def event(line: str) -> str | None:
    """Summarize a line about a finished resource; None for other lines.

    >>> event("stack |  1/22 | 12:18:54 AM | CREATE_COMPLETE | AWS::IAM::Role | Reader/Role (ReaderRole0E4DB476)")
    'create complete: AWS::IAM::Role Reader/Role'
    """
    match = _EVENT.search(line)
    if match is None:
        return None
    what = match["what"] if match["state"].endswith("FAILED") else re.sub(r" \(\w+\)$", "", match["what"])
    return f"{match['state'].lower().replace('_', ' ')}: {match['type']} {what}"


def run(*arguments: str, file: Path, folder: Path, stage: Mapping[str, str], on_line: OnLine) -> None:
    """Run ``cdk`` with an environment file, and pass on its output line by line.

    Args:
        arguments: the command and its options.
        file: the environment file.
        folder: the folder for the command's output files.
        stage: the stage's environment variables, complete.
        on_line: called with each line of output.

    Raises:
        CdkError: the command failed.
    """
    app = shlex.join([sys.executable, "app.py"])
    last: deque[str] = deque(maxlen=_LAST)
    process = subprocess.Popen(
        [
            *("cdk", *arguments, "--app", app, "-c", f"env={file}"),
            *("--output", str(folder / "cdk.out"), "--no-notices", "--no-color", "--progress=events"),
        ],
        cwd=ROOT,
        env=environment(stage, folder=folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        # Ctrl-C goes to the caller, which then ends the command here.
        start_new_session=True,
    )
    try:
        assert process.stdout
        for line in process.stdout:
            if line.strip():
                last.append(line.rstrip())
                on_line(line.rstrip())
        status = process.wait()
    finally:
        end_session(process.pid)
        process.wait()
        if process.stdout:
            process.stdout.close()
    if status != 0:
        raise CdkError(f"cdk {arguments[0]} failed with exit status {status}. Its last output:\n" + "\n".join(last))
