"""Run the mutants: ``.venv/bin/python -m tests.mutants [NAME ...]``, or ``make mutants``.

The command applies each mutant to a copy of the repository and runs the test that the mutant names. If the test still
passes, it does not detect the mistake, and the mutant survives. Without names, all mutants run. ``--list`` prints them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.mutants.patches import ROOT, Mutant, every

_SECONDS = 600
"""Time limit of one test. A mutant that makes its test hang does not count as caught."""

# Outcomes by pytest's exit status. Any other status, such as that of a failed import, is inconclusive.
_OUTCOMES = {0: "SURVIVED", 1: "caught"}


def main(arguments: Sequence[str]) -> int:
    """Run the mutants whose names begin with one of the arguments; return the exit status."""
    names = [argument for argument in arguments if not argument.startswith("-")]
    mutants = [mutant for mutant in every() if not names or mutant.name.startswith(tuple(names))]
    if not mutants or set(arguments) - {*names, "--list"}:
        print(f"{__doc__}\nUnknown mutant or option: {' '.join(arguments)}", file=sys.stderr)
        return 2
    if "--list" in arguments:
        print(_table(mutants, {}))
        return 0
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copy = Path(folder) / "copy"
        _copy_to(copy)
        tests = sorted({mutant.catches for mutant in mutants})
        print(f"Running {len(tests)} tests without a mutant ...", flush=True)
        status, output = _run(copy, tests)
        if status != 0:
            print(
                f"{output}\nFix these tests first: mutants are meaningful only if the tests pass without them.",
                file=sys.stderr,
            )
            return 2
        outcomes = {mutant.name: _outcome(copy, mutant) for mutant in mutants}
    print(f"\n{_table(mutants, outcomes)}")
    caught = sum(outcome == "caught" for outcome in outcomes.values())
    print(f"\n{caught} of {len(mutants)} mutants caught")
    return 0 if caught == len(mutants) else 1


def _copy_to(copy: Path) -> None:
    """Copy the tracked and untracked files that git does not ignore, and link .venv and node_modules."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name)
    for name in (".venv", "node_modules"):
        (copy / name).symlink_to(ROOT / name)


def _outcome(copy: Path, mutant: Mutant) -> str:
    """Apply a mutant, run its test, and restore the file."""
    file = copy / mutant.file
    original = file.read_text(encoding="utf-8")
    if original.count(mutant.before) != 1:
        raise SystemExit(f"{mutant.patch.name} does not apply to {mutant.file}: see tests/mutants/README.md")
    file.write_text(original.replace(mutant.before, mutant.after), encoding="utf-8")
    started = time.monotonic()
    try:
        status, output = _run(copy, [mutant.catches])
    finally:
        file.write_text(original, encoding="utf-8")
    outcome = _OUTCOMES.get(status, "UNCLEAR")
    print(f"{outcome:9} {mutant.name} ({time.monotonic() - started:.0f} s)", flush=True)
    if outcome == "UNCLEAR":
        print(output, file=sys.stderr)
    return outcome


def _run(copy: Path, tests: Sequence[str]) -> tuple[int, str]:
    """Run tests on the copy; return the exit status of pytest (-1 after a timeout) and its output.

    The venv has the job's package from the working tree. PYTHONPATH takes precedence over it, also in child processes.
    Bytecode is off, because Python could use the cache of a module that changed within one second and kept its size.
    """
    environment = {
        **os.environ,
        "PYTHONPATH": f"{copy}{os.pathsep}{copy / 'job'}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "GIT_CEILING_DIRECTORIES": str(copy.parent),
    }
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    seconds = _SECONDS * len(tests)
    try:
        done = subprocess.run(
            command, cwd=copy, env=environment, capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        return -1, f"timed out after {seconds} seconds"
    return done.returncode, done.stdout + done.stderr


def _table(mutants: Sequence[Mutant], outcomes: dict[str, str]) -> str:
    lines = []
    for mutant in mutants:
        outcome = outcomes.get(mutant.name)
        lines.append(f"{f'{outcome:9} ' if outcome else ''}{mutant.name}: {mutant.rule}\n    {mutant.catches}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
