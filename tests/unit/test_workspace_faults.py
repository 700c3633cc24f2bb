"""What goes wrong on purpose in the workspace stand-in, and the log of requests."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.core import Config
from databricks.sdk.errors import BadRequest, PermissionDenied
from requests import ConnectionError as CutError

from local.workspace import Fault, WorkspaceServer
from tests.support.workspaces import PROFILE, BriskClock, call, connect, job, prepared

ADD = "/api/2.0/instance-profiles/add"


@pytest.fixture
def server() -> Iterator[WorkspaceServer]:
    with WorkspaceServer() as running:
        yield running


def folders(client: WorkspaceClient, count: int = 3) -> None:
    for number in range(count):
        client.workspace.mkdirs(f"/Shared/{number}")


@pytest.mark.parametrize("fault", [Fault.TOO_MANY_REQUESTS, Fault.UNAVAILABLE, Fault.CUT_BEFORE, Fault.CUT_AFTER])
def test_the_sdk_gets_over_a_passing_fault_at_any_request(server: WorkspaceServer, fault: Fault) -> None:
    client = connect(server)
    server.clear_log()
    folders(client)
    for number in range(1, len(server.requests) + 1):
        server.clear_log()
        server.faults.at(number, fault)
        folders(client)
        assert [one.fault for one in server.requests].count(fault) == 1
        assert server.requests[number - 1].fault is fault
        # One request more than undisturbed: the SDK's repetition.
        assert len(server.requests) == 4


@pytest.mark.parametrize(
    ("fault", "done"),
    [(Fault.CUT_BEFORE, False), (Fault.CUT_AFTER, True), (Fault.TIMEOUT_AFTER, True), (Fault.UNAVAILABLE, False)],
)
def test_a_fault_before_the_effect_has_none_and_one_after_it_has(
    server: WorkspaceServer, fault: Fault, done: bool
) -> None:
    client = connect(server, seconds=1)
    server.faults.on("POST", ADD, fault, times=None)
    with pytest.raises((TimeoutError, CutError)):
        client.instance_profiles.add(PROFILE)
    assert (PROFILE in server.state.instance_profiles) is done
    assert all(one.status in (0, 503) for one in server.requests if one.path == ADD)


def test_a_repeated_request_whose_answer_was_lost_makes_a_double_unless_one_looks_first(
    server: WorkspaceServer,
) -> None:
    client = prepared(server)
    server.faults.on("POST", "/api/2.2/jobs/create", Fault.CUT_AFTER)
    client.jobs.create(**job())
    assert len(server.state.jobs) == 2


def test_the_time_to_wait_is_said_and_kept_to(server: WorkspaceServer) -> None:
    clock = BriskClock()
    client = connect(server, clock=clock)
    server.faults.retry_after = 7
    server.faults.on("POST", "/api/2.0/workspace/mkdirs", Fault.TOO_MANY_REQUESTS)
    folders(client, 1)
    # The SDK adds up to a second.
    assert [7 <= seconds < 8 for seconds in clock.slept] == [True]


def test_a_right_can_be_revoked_at_one_request(server: WorkspaceServer) -> None:
    client = connect(server)
    server.faults.on("POST", ADD, Fault.DENIED)
    with pytest.raises(PermissionDenied):
        client.instance_profiles.add(PROFILE)
    client.instance_profiles.add(PROFILE)


def test_a_fault_can_be_for_the_nth_request_to_an_endpoint_and_for_several(server: WorkspaceServer) -> None:
    server.faults.on(None, "/api/2.0/workspace/*", Fault.DENIED, nth=2, times=2)
    statuses = [
        call(server, "POST", "/api/2.0/workspace/mkdirs", {"path": f"/Shared/{number}"})[0] for number in range(4)
    ]
    assert statuses == [200, 403, 403, 200]
    assert call(server, "GET", "/api/2.0/instance-profiles/list")[0] == 200


def test_from_one_request_on_everything_can_be_cut(server: WorkspaceServer) -> None:
    client = connect(server, seconds=1)
    server.clear_log()
    server.faults.at(2, Fault.CUT_AFTER, times=None)
    with pytest.raises((TimeoutError, CutError)):
        folders(client)
    assert [path for path in server.state.objects if path.startswith("/Shared/")] == ["/Shared/0", "/Shared/1"]


def test_no_effect_answers_success_and_changes_nothing(server: WorkspaceServer) -> None:
    client = connect(server)
    server.faults.on("POST", ADD, Fault.NO_EFFECT)
    client.instance_profiles.add(PROFILE)
    assert not server.state.instance_profiles


def test_a_refusal_can_have_other_words(server: WorkspaceServer) -> None:
    client = connect(server)
    server.faults.words = "Dry run failed"
    server.faults.on("POST", ADD, Fault.REFUSED)
    with pytest.raises(BadRequest, match=r"^Dry run failed$"):
        client.instance_profiles.add(PROFILE)
    assert not server.state.instance_profiles


@pytest.mark.parametrize(("fault", "status"), [(Fault.UNKNOWN_CLIENT, 401), (Fault.UNKNOWN_CLIENT_400, 400)])
def test_a_client_secret_can_be_unknown_for_a_while(server: WorkspaceServer, fault: Fault, status: int) -> None:
    server.faults.on("POST", "/oidc/v1/token", fault, times=2)
    answer = {"error": "invalid_client", "error_description": "Client authentication failed"}
    for _ in range(2):
        assert call(server, "POST", "/oidc/v1/token") == (status, answer)
    config = Config(
        host=server.host, client_id=server.credentials.client_id, client_secret=server.credentials.client_secret
    )
    assert WorkspaceClient(config=config).current_user.me().user_name == server.credentials.client_id


def test_the_log_tells_reading_from_writing(server: WorkspaceServer) -> None:
    client = prepared(server)
    server.clear_log()
    list(client.jobs.list())
    list(client.groups.list())
    assert server.log.writing() == []
    job_id = client.jobs.create(**job()).job_id
    assert [str(one) for one in server.log.writing()] == ["POST /api/2.2/jobs/create"]
    last = server.requests[-1]
    assert (last.number, last.status, last.caller) == (len(server.requests), 200, server.credentials.client_id)
    assert last.body["name"] == "flow logs"
    assert job_id in server.state.jobs


def test_a_server_that_was_stopped_answers_nobody() -> None:
    server = WorkspaceServer().start()
    client = connect(server, seconds=1)
    client.current_user.me()
    server.stop()
    with pytest.raises((TimeoutError, CutError)):
        client.current_user.me()


def test_two_servers_know_nothing_of_each_other() -> None:
    with WorkspaceServer() as one, WorkspaceServer() as other:
        connect(one).instance_profiles.add(PROFILE)
        assert not other.state.instance_profiles
        with pytest.raises(PermissionDenied):
            connect(other, token=one.credentials.token).current_user.me()


def test_many_clients_at_once_are_answered_one_after_the_other(server: WorkspaceServer) -> None:
    client = prepared(server)
    with ThreadPoolExecutor(8) as pool:
        ids = [one.job_id for one in pool.map(lambda _: client.jobs.create(**job()), range(40))]
    assert len(set(ids)) == len(server.state.jobs) == 40
