"""After a fault at any request of a deploy or a destroy, the same call converges to the same state.

A fault with an effect, or one that ends the call, hits each request that changes something and the first of each kind
of request that only reads: nothing changes between two reads, so the next call finds the same state. `docs/decisions/`
lists the cases that this leaves out.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest

from infra.workspace.errors import DeploymentError
from infra.workspace.spec import WorkspaceSpec
from local.workspace import Fault, State
from local.workspace.request_log import LoggedRequest
from local.workspace.runner import RunHandle
from tests.support.deploying import DASHBOARD, GROUP, NEWER_TEMPLATE, NEWER_WHEEL, READERS, Stage, snapshot, staged

WITHOUT_EFFECT = [Fault.TOO_MANY_REQUESTS, Fault.UNAVAILABLE, Fault.CUT_BEFORE]
"""Faults of a single request that the SDK retries, and that change nothing."""

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
    *((call, Fault.CUT_AFTER, 1) for call in ("first deploy", "destroy")),
    # Like a kill of the deployment before or after the request's effect.
    *((call, fault, None) for call in CALLS for fault in (Fault.CUT_BEFORE, Fault.CUT_AFTER)),
]


@dataclass
class Prepared:
    """A workspace before a call of `CALLS`, and the undisturbed call: its requests, and the state after it."""

    stage: Stage
    spec: WorkspaceSpec
    act: Prepare
    state: State
    handles: dict[int, RunHandle]
    requests: list[LoggedRequest] = field(default_factory=list)
    undisturbed: dict[str, Any] = field(default_factory=dict)

    def restore(self) -> None:
        """Restore the workspace as it was before the call, with an empty log."""
        workspace = self.stage.server.workspace
        with self.stage.server.lock:
            workspace.state, workspace.handles = copy.deepcopy((self.state, self.handles))
        self.stage.waited.clear()
        self.stage.server.clear_log()


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Prepared]]:
    """Yield a function that returns a workspace before the given call."""
    every: dict[str, Prepared] = {}
    with ExitStack() as stages:

        def prepared_(call: str) -> Prepared:
            if call not in every:
                prepare, act = CALLS[call]
                stage = stages.enter_context(staged(tmp_path_factory.mktemp("stage")))
                spec = stage.spec(GROUP, DASHBOARD, READERS)
                prepare(stage, spec)
                with stage.server.lock:
                    workspace = stage.server.workspace
                    state, handles = copy.deepcopy((workspace.state, workspace.handles))
                found = every[call] = Prepared(stage, spec, act, state, handles)
                found.restore()
                act(stage, spec)
                found.undisturbed, found.requests = _settled_state(stage), list(stage.server.requests)
            every[call].restore()
            return every[call]

        yield prepared_


@pytest.mark.slow
@pytest.mark.parametrize(
    ("call", "fault", "times"),
    CASES,
    ids=[f"{call}, {fault.name.lower()} {'once' if times else 'until the end'}" for call, fault, times in CASES],
)
def test_a_fault_at_any_kind_of_request_leaves_the_final_state_unchanged(
    call: str, fault: Fault, times: int | None, prepared: Callable[[str], Prepared]
) -> None:
    before = prepared(call)
    stage, spec, act = before.stage, before.spec, before.act
    assert len(before.requests) > 20
    # A read has no effect: after it, the state is the same as before it.
    numbers = _requests_to_disturb(before.requests, every_change=times is None, reads=fault is Fault.CUT_BEFORE)
    for number in numbers:
        before.restore()
        stage.server.faults.at(number, fault, times=times)
        failure = _attempt(stage, spec, act)
        assert fault in [request.fault for request in stage.server.requests], f"request {number} was not sent"
        where = f"{fault.name} at request {number}, {stage.server.requests[number - 1]}"
        assert (failure is None) == (times is not None), f"{where}: {failure}"
        stage.server.clear_log()
        act(stage, spec)
        assert _settled_state(stage) == before.undisturbed, where


@pytest.mark.parametrize("fault", WITHOUT_EFFECT, ids=[fault.name.lower() for fault in WITHOUT_EFFECT])
@pytest.mark.parametrize("call", ["first deploy", "destroy"])
def test_a_fault_without_effect_at_every_request_leaves_the_final_state_unchanged(
    call: str, fault: Fault, prepared: Callable[[str], Prepared]
) -> None:
    """Each request fails once and is sent again. No fault changes anything, so none can hide another one."""
    before = prepared(call)
    stage, spec, act = before.stage, before.spec, before.act
    for number in range(1, 20 * len(before.requests), 2):
        stage.server.faults.at(number, fault)
    assert _attempt(stage, spec, act) is None
    sent = list(stage.server.requests)
    assert [request.fault for request in sent] == [fault, None] * (len(sent) // 2)
    for first, second in zip(sent[::2], sent[1::2], strict=True):
        assert (first.method, first.path) == (second.method, second.path)
    assert {_kind(request) for request in sent} == {_kind(request) for request in before.requests}
    assert _settled_state(stage) == before.undisturbed
    stage.server.clear_log()
    act(stage, spec)
    assert _settled_state(stage) == before.undisturbed


def _requests_to_disturb(requests: Sequence[LoggedRequest], *, every_change: bool, reads: bool) -> list[int]:
    """Return the numbers of the first write request of each kind; with ``every_change``, those of all write requests.

    With ``reads``, add the numbers of the first request of each kind that only reads.
    """
    kinds: set[tuple[str, str]] = set()
    numbers = []
    for number, request in enumerate(requests, 1):
        kind = _kind(request)
        if (kind not in kinds and (reads or request.writes)) or (every_change and request.writes):
            numbers.append(number)
        kinds.add(kind)
    return numbers


def _kind(request: LoggedRequest) -> tuple[str, str]:
    return request.method, re.sub(r"[0-9a-f]{32}|\d+|[0-9a-f]{8}-[0-9a-f-]{27}", "*", request.path)


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
