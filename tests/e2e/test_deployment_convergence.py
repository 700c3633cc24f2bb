"""After a fault at any request of a deploy or a destroy, the same call converges to the same state.

A fault hits each request that changes something and the first of each kind of request that only reads: nothing changes
between two reads, so the next call finds the same state. `docs/decisions/` lists the cases that this leaves out.
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
from tests.support.deploying import DASHBOARD, GROUP, NEWER_TEMPLATE, NEWER_WHEEL, READERS, Stage, snapshot, staged

ONE_REQUEST = [Fault.TOO_MANY_REQUESTS, Fault.UNAVAILABLE, Fault.CUT_BEFORE, Fault.CUT_AFTER]
"""Faults of a single request, which the SDK retries."""
ALL_LATER_REQUESTS = [Fault.CUT_BEFORE, Fault.CUT_AFTER]
"""Faults of a request and all later ones, like a kill of the deployment before or after the request's effect."""

Prepare = Callable[[Stage, WorkspaceSpec], object]


def _deploy(stage: Stage, spec: WorkspaceSpec) -> None:
    stage.deploy(spec)


def _deploy_new_wheel(stage: Stage, spec: WorkspaceSpec) -> None:
    stage.deploy(spec, wheel=NEWER_WHEEL, template=NEWER_TEMPLATE)


def _do_nothing(stage: Stage, spec: WorkspaceSpec) -> None:
    pass


def _destroy(stage: Stage, spec: WorkspaceSpec) -> None:
    stage.destroy(spec)


CALLS = {
    "first deploy": (_do_nothing, _deploy),
    "deploy of a new wheel and dashboard": (_deploy, _deploy_new_wheel),
    "destroy": (_deploy, _destroy),
}


CASES = [
    *((call, fault, 1) for call in ("first deploy", "destroy") for fault in ONE_REQUEST),
    *((call, fault, None) for call in CALLS for fault in ALL_LATER_REQUESTS),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("call", "fault", "times"),
    CASES,
    ids=[f"{call}, {fault.name.lower()} {'once' if times else 'until the end'}" for call, fault, times in CASES],
)
def test_a_fault_at_any_kind_of_request_leaves_the_final_state_unchanged(
    call: str, fault: Fault, times: int | None, tmp_path: Path
) -> None:
    prepare, act = CALLS[call]
    undisturbed, requests = _undisturbed(tmp_path, prepare, act)
    assert len(requests) > 20
    for number in _requests_to_disturb(requests, every_change=times is None):
        with staged(tmp_path) as stage:
            spec = stage.spec(GROUP, DASHBOARD, READERS)
            prepare(stage, spec)
            stage.server.clear_log()
            stage.server.faults.at(number, fault, times=times)
            failure = _attempt(stage, spec, act)
            assert fault in [request.fault for request in stage.server.requests], f"request {number} was not sent"
            where = f"{fault.name} at request {number}, {stage.server.requests[number - 1]}"
            assert (failure is None) == (times is not None), f"{where}: {failure}"
            stage.server.clear_log()
            act(stage, spec)
            assert _settled_state(stage) == undisturbed, where


def _requests_to_disturb(requests: Sequence[LoggedRequest], *, every_change: bool) -> list[int]:
    """Return the numbers of the first request of each kind; with ``every_change``, also those of all write requests."""
    kinds: set[tuple[str, str]] = set()
    numbers = []
    for number, request in enumerate(requests, 1):
        kind = (request.method, re.sub(r"[0-9a-f]{32}|\d+|[0-9a-f]{8}-[0-9a-f-]{27}", "*", request.path))
        if kind not in kinds or (every_change and request.writes):
            numbers.append(number)
        kinds.add(kind)
    return numbers


def _undisturbed(folder: Path, prepare: Prepare, act: Prepare) -> tuple[dict[str, Any], list[LoggedRequest]]:
    with staged(folder) as stage:
        spec = stage.spec(GROUP, DASHBOARD, READERS)
        prepare(stage, spec)
        stage.server.clear_log()
        act(stage, spec)
        return _settled_state(stage), list(stage.server.requests)


def _attempt(stage: Stage, spec: WorkspaceSpec, act: Prepare) -> str | None:
    try:
        act(stage, spec)
    except DeploymentError as error:
        return str(error)
    return None


def _settled_state(stage: Stage) -> dict[str, Any]:
    """Return the workspace's state without the files of users, after a restarted continuous job runs again."""
    with stage.server.lock:
        state = snapshot(stage.server.state)
    state["objects"] = {path: text for path, text in state["objects"].items() if not path.startswith("/Users")}
    return state
