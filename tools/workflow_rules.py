"""What every workflow here keeps to, beside what actionlint knows: ``python -m tools.workflow_rules``.

- An action is pinned to a commit, with its version behind it: a tag can be moved to other code.
- A workflow may read the repository, and a job no more than that, but for a token of its own (``id-token: write``)
  where it runs in an environment.
- Nothing starts on what strangers send with the rights of the repository, and nothing uses a stored secret.
- A step runs a make target and nothing else, so that a person can do the same by hand.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".github" / "workflows"

_PINNED = re.compile(r"^[\w.-]+/[\w./-]+@[0-9a-f]{40} +# v[0-9]+\.[0-9]+\.[0-9]+$")
_USES = re.compile(r"^\s*(?:- )?uses: *(.*?) *$")
_MAKE = re.compile(r"^make ([a-z-]+)( [A-Z]+=(\"(?:[^\"`$]|\$[A-Z_]+)*\"|[^\s\"'`;&|$()]+))*$")
_TARGET = re.compile(r"^([a-z-]+):.*## ", re.MULTILINE)
_OF_STRANGERS = ("pull_request_target", "workflow_run", "issue_comment", "issues")

# A token of the job's own is for signing in, and what signs in waits for its environment's rules.
_READ = {"contents": "read"}
_SIGN_IN = {"contents": "read", "id-token": "write"}


def problems(text: str, *, targets: set[str]) -> list[str]:
    """What a workflow does not keep to; ``targets`` are those of the Makefile."""
    # With every value as text: in YAML 1.1 the key `on` is the truth value True.
    workflow = yaml.load(text, Loader=yaml.BaseLoader)
    return [*_of_text(text), *_of_workflow(workflow), *_of_jobs(workflow.get("jobs", {}), targets)]


def _of_text(text: str) -> Iterator[str]:
    for number, line in enumerate(text.splitlines(), start=1):
        uses = _USES.match(line)
        if uses and not _PINNED.match(uses[1]):
            yield f"line {number}: {uses[1]} is not pinned: ORG/ACTION@COMMIT # vX.Y.Z, a commit of 40 digits"
        if re.search(r"\$\{\{[^}]*\bsecrets\b", line):
            yield f"line {number}: uses a stored secret; jobs sign in with their own token"


def _of_workflow(workflow: Mapping[str, Any]) -> Iterator[str]:
    started = workflow.get("on", {})
    for event in _OF_STRANGERS:
        if event in started:
            yield f"on: {event} runs what strangers send with the rights of the repository"
    if workflow.get("permissions") != _READ:
        yield "permissions: have to be contents: read, and no more, for the workflow as a whole"
    if not isinstance(workflow.get("concurrency"), dict):
        yield "concurrency: is missing; say whether a newer run stops an older one"
    if workflow.get("env", {}).get("CDK_DISABLE_CLI_TELEMETRY") != "true":
        yield 'env: CDK_DISABLE_CLI_TELEMETRY: "true" is missing'


def _of_jobs(jobs: Mapping[str, Any], targets: set[str]) -> Iterator[str]:
    for name, job in jobs.items():
        where = f"jobs.{name}"
        if "timeout-minutes" not in job:
            yield f"{where}: timeout-minutes is missing; without it a job that hangs goes on for six hours"
        permissions = job.get("permissions", _READ)
        if permissions == _SIGN_IN:
            if "environment" not in job:
                yield f"{where}: id-token: write is for jobs with an environment, whose rules come first"
        elif permissions != _READ:
            yield f"{where}: permissions may be contents: read, and id-token: write in an environment; no more"
        for number, step in enumerate(job.get("steps", []), start=1):
            yield from (f"{where}.steps[{number}]: {problem}" for problem in _of_step(step, targets))


def _of_step(step: Mapping[str, Any], targets: set[str]) -> Iterator[str]:
    checkout = str(step.get("uses", "")).startswith("actions/checkout@")
    if checkout and step.get("with", {}).get("persist-credentials") != "false":
        yield "checkout leaves its token behind: say persist-credentials: false"
    run = step.get("run")
    if run is None:
        return
    made = _MAKE.match(run)
    if not made:
        yield f"{run!r} is not a make target: one line, make TARGET NAME=value, and no ${{{{ }}}} in it"
    elif made[1] not in targets:
        yield f"make {made[1]}: the Makefile has no such target"


def targets_of(makefile: str) -> set[str]:
    """The documented targets of a Makefile."""
    return set(_TARGET.findall(makefile))


def main() -> int:
    """Look at every workflow; return the exit status."""
    targets = targets_of((ROOT / "Makefile").read_text())
    files = sorted(FOLDER.glob("*.y*ml"))
    found = [
        f"{file.relative_to(ROOT)}: {problem}"
        for file in files
        for problem in problems(file.read_text(), targets=targets)
    ]
    for line in found:
        print(line, file=sys.stderr)
    if not found:
        print(f"{len(files)} workflows: pinned, with the least rights, and only make targets")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
