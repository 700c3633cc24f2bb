"""Whatever goes wrong with a request of a deploy or a destroy, the same call again ends where it always ends.

A fault hits each request that changes something, and the first of each kind of request that only reads: between two
reads nothing has changed that the next call could find. `docs/decisions/` says what this leaves out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from infra.workspace.errors import DeploymentError
from infra.workspace.spec import WorkspaceSpec
from local.workspace import Fault
from local.workspace.request_log import LoggedRequest
from tests.support.deploying import GROUP, NEWER_WHEEL, READERS, Stage, snapshot, staged

ONCE = [Fault.TOO_MANY_REQUESTS, Fault.UNAVAILABLE, Fault.CUT_BEFORE, Fault.CUT_AFTER]
"""Faults of one request, which the SDK tries again by itself."""
FOR_GOOD = [Fault.CUT_BEFORE, Fault.CUT_AFTER]
"""Faults of a request and of all after it: as if the deployment were killed there, before or after the effect."""

Prepare = Callable[[Stage, WorkspaceSpec], object]


def _first(stage: Stage, spec: WorkspaceSpec) -> None:
    stage.deploy(spec)


def _second(stage: Stage, spec: WorkspaceSpec) -> None:
    stage.deploy(spec, wheel=NEWER_WHEEL)


def _nothing(stage: Stage, spec: WorkspaceSpec) -> None:
    pass


def _destroy(stage: Stage, spec: WorkspaceSpec) -> None:
    stage.destroy(spec)


CALLS = {
    "first deploy": (_nothing, _first),
    "deploy of a new wheel": (_first, _second),
    "destroy": (_first, _destroy),
}


CASES = [
    *((call, fault, 1) for call in ("first deploy", "destroy") for fault in ONCE),
    *((call, fault, None) for call in CALLS for fault in FOR_GOOD),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("call", "fault", "times"),
    CASES,
    ids=[f"{call}, {fault.name.lower()} {'once' if times else 'for good'}" for call, fault, times in CASES],
)
def test_a_fault_at_any_kind_of_request_changes_nothing_in_the_end(
    call: str, fault: Fault, times: int | None, tmp_path: Path
) -> None:
    prepare, act = CALLS[call]
    undisturbed, requests = _undisturbed(tmp_path, prepare, act)
    assert len(requests) > 20
    for number in _worth_a_fault(requests, every_change=times is None):
        with staged(tmp_path) as stage:
            spec = stage.spec(GROUP, READERS)
            prepare(stage, spec)
            stage.server.clear_log()
            stage.server.faults.at(number, fault, times=times)
            failure = _attempt(stage, spec, act)
            assert fault in [request.fault for request in stage.server.requests], f"request {number} was never made"
            where = f"{fault.name} at request {number}, {stage.server.requests[number - 1]}"
            assert (failure is None) == (times is not None), f"{where}: {failure}"
            stage.server.clear_log()
            act(stage, spec)
            assert _steady(stage) == undisturbed, where


def _worth_a_fault(requests: Sequence[LoggedRequest], *, every_change: bool) -> list[int]:
    """Return the numbers of the first request of each kind and, where a call ends for good, of every change."""
    kinds: set[tuple[str, str]] = set()
    numbers = []
    for number, request in enumerate(requests, 1):
        kind = (request.method, re.sub(r"\d+|[0-9a-f]{8}-[0-9a-f-]{27}", "*", request.path))
        if kind not in kinds or (every_change and request.writes):
            numbers.append(number)
        kinds.add(kind)
    return numbers


def _undisturbed(folder: Path, prepare: Prepare, act: Prepare) -> tuple[dict[str, Any], list[LoggedRequest]]:
    with staged(folder) as stage:
        spec = stage.spec(GROUP, READERS)
        prepare(stage, spec)
        stage.server.clear_log()
        act(stage, spec)
        return _steady(stage), list(stage.server.requests)


def _attempt(stage: Stage, spec: WorkspaceSpec, act: Prepare) -> str | None:
    try:
        act(stage, spec)
    except DeploymentError as error:
        return str(error)
    return None


def _steady(stage: Stage) -> dict[str, Any]:
    """The state once a continuous job that was restarted runs again."""
    with stage.server.lock:
        found = snapshot(stage.server.state)
    found["objects"] = {path: text for path, text in found["objects"].items() if not path.startswith("/Users")}
    return found
