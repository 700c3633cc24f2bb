"""Check the workflows for rules that actionlint does not have: ``.venv/bin/python -m tools.workflow_rules``.

- An action is pinned to a commit, with its version in a comment, because a tag can be moved to other code.
- A workflow and its jobs may only read the repository. A job that runs in an environment may also get an OIDC token
  (``id-token: write``).
- No workflow runs with the repository's permissions on events that strangers can trigger, and none uses stored secrets.
- A step runs exactly one make target, so that anyone can do the same by hand.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from vpc_flow_logs.progress import counted

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".github" / "workflows"

_PINNED = re.compile(r"^[\w.-]+/[\w./-]+@[0-9a-f]{40} +# v[0-9]+\.[0-9]+\.[0-9]+$")
_USES = re.compile(r"^\s*(?:- )?uses: *(.*?) *$")
_MAKE = re.compile(r"^make ([a-z-]+)( [A-Z]+=(\"(?:[^\"`$]|\$[A-Z_]+)*\"|[^\s\"'`;&|$()]+))*$")
_TARGET = re.compile(r"^([a-z-]+):.*## ", re.MULTILINE)
_OF_STRANGERS = ("pull_request_target", "workflow_run", "issue_comment", "issues")

# A job needs an OIDC token to sign in, and a job that signs in has to pass its environment's protection rules.
_READ = {"contents": "read"}
_SIGN_IN = {"contents": "read", "id-token": "write"}


def problems(text: str, *, targets: set[str]) -> list[str]:
    """Return a workflow's violations of the rules. ``targets`` holds the targets of the Makefile."""
    # BaseLoader reads every value as text: in YAML 1.1, the key `on` is the boolean True.
    workflow = yaml.load(text, Loader=yaml.BaseLoader)
    return [*_of_text(text), *_of_workflow(workflow), *_of_jobs(workflow.get("jobs", {}), targets)]


def _of_text(text: str) -> Iterator[str]:
    for number, line in enumerate(text.splitlines(), start=1):
        uses = _USES.match(line)
        if uses and not _PINNED.match(uses[1]):
            yield f"line {number}: {uses[1]} is not pinned; use ORG/ACTION@COMMIT # vX.Y.Z with a 40-digit commit"
        if re.search(r"\$\{\{[^}]*\bsecrets\b", line):
            yield f"line {number}: uses a stored secret; sign in with the job's OIDC token"


def _of_workflow(workflow: Mapping[str, Any]) -> Iterator[str]:
    events = workflow.get("on", {})
    for event in _OF_STRANGERS:
        if event in events:
            yield f"on: {event} runs with the permissions of the repository on input from strangers"
    if workflow.get("permissions") != _READ:
        yield "permissions: must be exactly contents: read at the top level of the workflow"
    if not isinstance(workflow.get("concurrency"), dict):
        yield "concurrency: is missing; set a group, and cancel-in-progress for the effect on older runs"
    if workflow.get("env", {}).get("CDK_DISABLE_CLI_TELEMETRY") != "true":
        yield 'env: CDK_DISABLE_CLI_TELEMETRY: "true" is missing'


def _of_jobs(jobs: Mapping[str, Any], targets: set[str]) -> Iterator[str]:
    for name, job in jobs.items():
        where = f"jobs.{name}"
        if "timeout-minutes" not in job:
            yield f"{where}: timeout-minutes is missing; without it, a job that hangs runs for six hours"
        permissions = job.get("permissions", _READ)
        if permissions == _SIGN_IN:
            if "environment" not in job:
                yield f"{where}: id-token: write requires an environment with protection rules"
        elif permissions != _READ:
            yield f"{where}: permissions may only be contents: read, and id-token: write in an environment"
        for number, step in enumerate(job.get("steps", []), start=1):
            yield from (f"{where}.steps[{number}]: {problem}" for problem in _of_step(step, targets))


def _of_step(step: Mapping[str, Any], targets: set[str]) -> Iterator[str]:
    checkout = str(step.get("uses", "")).startswith("actions/checkout@")
    if checkout and step.get("with", {}).get("persist-credentials") != "false":
        yield "checkout leaves its token behind; set persist-credentials: false"
    run = step.get("run")
    if run is None:
        return
    command = _MAKE.match(run)
    if not command:
        yield f"{run!r} is not a make target; use one line, make TARGET NAME=value, without ${{{{ }}}}"
    elif command[1] not in targets:
        yield f"make {command[1]}: the Makefile does not have this target"


def targets_of(makefile: str) -> set[str]:
    """Return the documented targets of a Makefile."""
    return set(_TARGET.findall(makefile))


def main() -> int:
    """Check every workflow; return the exit status."""
    targets = targets_of((ROOT / "Makefile").read_text())
    files = sorted(FOLDER.glob("*.y*ml"))
    violations = [
        f"{file.relative_to(ROOT)}: {problem}"
        for file in files
        for problem in problems(file.read_text(), targets=targets)
    ]
    for line in violations:
        print(line, file=sys.stderr)
    if not violations:
        number = counted(len(files), "workflow")
        print(f"{number} checked: actions are pinned, permissions minimal, steps are make targets")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
