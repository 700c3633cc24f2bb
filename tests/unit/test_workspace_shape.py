"""The local workspace checks every request body against the classes of the SDK."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from local.workspace import WorkspaceServer
from tests.support.workspaces import call

CREATE = "/api/2.2/jobs/create"


@pytest.fixture(scope="module")
def server() -> Iterator[WorkspaceServer]:
    with WorkspaceServer() as running:
        yield running


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({"nmae": "x"}, "MALFORMED_REQUEST", "Unknown field 'nmae'"),
        (
            {"tasks": [{"task_key": "t", "python_wheel_task": {"package": "p"}}]},
            "MALFORMED_REQUEST",
            "Unknown field 'tasks[0].python_wheel_task.package'",
        ),
        ({"tasks": [{}]}, "INVALID_PARAMETER_VALUE", "Missing required field 'tasks[0].task_key'"),
        ({"tasks": {}}, "MALFORMED_REQUEST", "Expected array for field tasks, found OBJECT"),
        ({"tasks": ["t"]}, "MALFORMED_REQUEST", "Expected object for field tasks[0], found STRING"),
        ({"name": 7}, "MALFORMED_REQUEST", "Expected string for field name, found NUMBER"),
        ({"timeout_seconds": "7"}, "MALFORMED_REQUEST", "Expected number for field timeout_seconds, found STRING"),
        ({"timeout_seconds": True}, "MALFORMED_REQUEST", "Expected number for field timeout_seconds, found BOOLEAN"),
        ({"timeout_seconds": 1.5}, "MALFORMED_REQUEST", "Expected number for field timeout_seconds, found NUMBER"),
        ({"queue": {"enabled": 1}}, "MALFORMED_REQUEST", "Expected boolean for field queue.enabled, found NUMBER"),
        ({"tags": {"a": 1}}, "MALFORMED_REQUEST", "Expected string for field tags.a, found NUMBER"),
        ({"tags": []}, "MALFORMED_REQUEST", "Expected object for field tags, found ARRAY"),
        (
            {"continuous": {"pause_status": "OFF"}},
            "INVALID_PARAMETER_VALUE",
            "Invalid value 'OFF' for field continuous.pause_status: must be one of PAUSED, UNPAUSED",
        ),
        (b"[]", "MALFORMED_REQUEST", "expected a map"),
        (b"{", "MALFORMED_REQUEST", "failed to parse given JSON"),
    ],
)
def test_an_invalid_body_is_rejected_with_the_path_of_the_field(
    server: WorkspaceServer, body: Any, code: str, message: str
) -> None:
    status, answer = call(server, "POST", CREATE, body)
    assert (status, answer["error_code"]) == (400, code)
    assert message in answer["message"]
    assert not server.state.jobs


@pytest.mark.parametrize(
    ("path", "missing"),
    [
        ("/api/2.2/jobs/reset", "job_id"),
        ("/api/2.2/jobs/delete", "job_id"),
        ("/api/2.2/jobs/runs/cancel", "run_id"),
        ("/api/2.0/instance-profiles/add", "instance_profile_arn"),
        ("/api/2.0/workspace/mkdirs", "path"),
        ("/api/2.1/unity-catalog/volumes", "catalog_name"),
    ],
)
def test_a_missing_required_field_is_rejected(server: WorkspaceServer, path: str, missing: str) -> None:
    assert call(server, "POST", path, {}) == (
        400,
        {"error_code": "INVALID_PARAMETER_VALUE", "message": f"Missing required field '{missing}'"},
    )


def test_null_is_the_same_as_a_missing_field(server: WorkspaceServer) -> None:
    status, answer = call(server, "POST", CREATE, {"name": None, "tags": None, "tasks": None})
    assert status == 200
    assert server.state.jobs.pop(answer["job_id"]).settings["name"] == "Untitled"


def test_an_unknown_endpoint_is_not_found(server: WorkspaceServer) -> None:
    assert call(server, "GET", "/api/2.0/nothing/here") == (
        404,
        {"error_code": "ENDPOINT_NOT_FOUND", "message": "No API found for 'GET /2.0/nothing/here'"},
    )
    assert call(server, "DELETE", CREATE)[0] == 404


def test_an_invalid_number_in_the_query_is_rejected(server: WorkspaceServer) -> None:
    status, answer = call(server, "GET", "/api/2.2/jobs/get?job_id=seven")
    assert (status, answer["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert "Missing required field 'job_id'" in call(server, "GET", "/api/2.2/jobs/get")[1]["message"]
