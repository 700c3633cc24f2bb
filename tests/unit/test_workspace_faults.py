"""Injected faults of the local workspace, and its log of requests."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.core import Config
from databricks.sdk.errors import BadRequest, PermissionDenied
from requests import ConnectionError as CutError

from local.workspace import Fault, WorkspaceServer
from tests.support.workspaces import PROFILE, BriskClock, call, connect, job, prepared

ADD = "/api/2.0/instance-profiles/add"


def create_folders(client: WorkspaceClient, count: int = 3) -> None:
    for number in range(count):
        client.workspace.mkdirs(f"/Shared/{number}")


@pytest.mark.parametrize("fault", [Fault.TOO_MANY_REQUESTS, Fault.UNAVAILABLE, Fault.CUT_BEFORE, Fault.CUT_AFTER])
def test_the_sdk_recovers_from_a_temporary_fault_of_any_request(server: WorkspaceServer, fault: Fault) -> None:
    client = connect(server)
    server.clear_log()
    create_folders(client)
    for number in range(1, len(server.requests) + 1):
        server.clear_log()
        server.faults.at(number, fault)
        create_folders(client)
        assert [request.fault for request in server.requests].count(fault) == 1
        assert server.requests[number - 1].fault is fault
        # One more request than without a fault: the retry of the SDK.
        assert len(server.requests) == 4


@pytest.mark.parametrize(
    ("fault", "applied"),
    [(Fault.CUT_BEFORE, False), (Fault.CUT_AFTER, True), (Fault.TIMEOUT_AFTER, True), (Fault.UNAVAILABLE, False)],
)
def test_a_fault_before_the_change_prevents_it_and_a_fault_after_it_does_not(
    server: WorkspaceServer, fault: Fault, applied: bool
) -> None:
    client = connect(server, seconds=1)
    server.faults.on("POST", ADD, fault, times=None)
    with pytest.raises((TimeoutError, CutError)):
        client.instance_profiles.add(PROFILE)
    assert (PROFILE in server.state.instance_profiles) is applied
    assert all(request.status in (0, 503) for request in server.requests if request.path == ADD)


def test_a_retry_after_a_lost_response_creates_a_duplicate_job(
    server: WorkspaceServer,
) -> None:
    client = prepared(server)
    server.faults.on("POST", "/api/2.2/jobs/create", Fault.CUT_AFTER)
    client.jobs.create(**job())
    assert len(server.state.jobs) == 2


def test_the_sdk_waits_for_the_retry_after_time(server: WorkspaceServer) -> None:
    clock = BriskClock()
    client = connect(server, clock=clock)
    server.faults.retry_after = 7
    server.faults.on("POST", "/api/2.0/workspace/mkdirs", Fault.TOO_MANY_REQUESTS)
    create_folders(client, 1)
    # The SDK adds up to one second.
    assert [7 <= seconds < 8 for seconds in clock.slept] == [True]


def test_a_single_request_can_be_denied(server: WorkspaceServer) -> None:
    client = connect(server)
    server.faults.on("POST", ADD, Fault.DENIED)
    with pytest.raises(PermissionDenied):
        client.instance_profiles.add(PROFILE)
    client.instance_profiles.add(PROFILE)


def test_a_fault_can_start_at_the_nth_request_of_an_endpoint_and_repeat(server: WorkspaceServer) -> None:
    server.faults.on(None, "/api/2.0/workspace/*", Fault.DENIED, nth=2, times=2)
    statuses = [
        call(server, "POST", "/api/2.0/workspace/mkdirs", {"path": f"/Shared/{number}"})[0] for number in range(4)
    ]
    assert statuses == [200, 403, 403, 200]
    assert call(server, "GET", "/api/2.0/instance-profiles/list")[0] == 200


def test_all_requests_from_a_given_one_can_be_cut(server: WorkspaceServer) -> None:
    client = connect(server, seconds=1)
    server.clear_log()
    server.faults.at(2, Fault.CUT_AFTER, times=None)
    with pytest.raises((TimeoutError, CutError)):
        create_folders(client)
    assert [path for path in server.state.objects if path.startswith("/Shared/")] == ["/Shared/0", "/Shared/1"]


def test_a_no_effect_fault_returns_success_and_changes_nothing(server: WorkspaceServer) -> None:
    client = connect(server)
    server.faults.on("POST", ADD, Fault.NO_EFFECT)
    client.instance_profiles.add(PROFILE)
    assert not server.state.instance_profiles


def test_the_message_of_a_rejected_request_can_be_set(server: WorkspaceServer) -> None:
    client = connect(server)
    server.faults.message = "Dry run failed"
    server.faults.on("POST", ADD, Fault.REFUSED)
    with pytest.raises(BadRequest, match=r"^Dry run failed$"):
        client.instance_profiles.add(PROFILE)
    assert not server.state.instance_profiles


@pytest.mark.parametrize(("fault", "status"), [(Fault.UNKNOWN_CLIENT, 401), (Fault.UNKNOWN_CLIENT_400, 400)])
def test_a_client_secret_can_be_temporarily_unknown(server: WorkspaceServer, fault: Fault, status: int) -> None:
    server.faults.on("POST", "/oidc/v1/token", fault, times=2)
    answer = {"error": "invalid_client", "error_description": "Client authentication failed"}
    for _ in range(2):
        assert call(server, "POST", "/oidc/v1/token") == (status, answer)
    config = Config(
        host=server.host, client_id=server.credentials.client_id, client_secret=server.credentials.client_secret
    )
    assert WorkspaceClient(config=config).current_user.me().user_name == server.credentials.client_id


def test_the_log_distinguishes_reads_from_writes(server: WorkspaceServer) -> None:
    client = prepared(server)
    server.clear_log()
    list(client.jobs.list())
    list(client.groups.list())
    assert server.log.writing() == []
    job_id = client.jobs.create(**job()).job_id
    assert [str(request) for request in server.log.writing()] == ["POST /api/2.2/jobs/create"]
    last = server.requests[-1]
    assert (last.number, last.status, last.caller) == (len(server.requests), 200, server.credentials.client_id)
    assert last.body["name"] == "flow logs"
    assert job_id in server.state.jobs


def test_a_stopped_server_accepts_no_requests() -> None:
    server = WorkspaceServer().start()
    client = connect(server, seconds=1)
    client.current_user.me()
    server.stop()
    with pytest.raises((TimeoutError, CutError)):
        client.current_user.me()


def test_two_servers_are_independent() -> None:
    with WorkspaceServer() as first, WorkspaceServer() as second:
        connect(first).instance_profiles.add(PROFILE)
        assert not second.state.instance_profiles
        with pytest.raises(PermissionDenied):
            connect(second, token=first.credentials.token).current_user.me()


def test_concurrent_requests_are_handled_one_at_a_time(server: WorkspaceServer) -> None:
    client = prepared(server)
    with ThreadPoolExecutor(8) as pool:
        ids = [job_.job_id for job_ in pool.map(lambda _: client.jobs.create(**job()), range(40))]
    assert len(set(ids)) == len(server.state.jobs) == 40
