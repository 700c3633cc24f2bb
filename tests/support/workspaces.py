"""Helpers for the tests of the workspace emulator: SDK clients, raw requests, and a wheel job like the deployed one."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from databricks.sdk import WorkspaceClient
from databricks.sdk.clock import Clock, RealClock
from databricks.sdk.core import Config
from databricks.sdk.service import compute, jobs

from infra.workspace.wheel import files
from local.workspace import WorkspaceServer

PROFILE = "arn:aws:iam::123456789012:instance-profile/flow-log-reader"
WHEEL = "/Workspace/Shared/flow-logs/vpc_flow_logs-1.0-py3-none-any.whl"
CLUSTER = {
    "spark_version": "18.x-scala2.13",
    "node_type_id": "m5d.large",
    "num_workers": 1,
    "aws_attributes": {"instance_profile_arn": PROFILE},
}


class BriskClock(RealClock):
    """A clock that records each sleep of the SDK and sleeps for at most 0.02 seconds."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        time.sleep(min(seconds, 0.02))


def connect(
    server: WorkspaceServer, *, token: str | None = None, seconds: int = 30, clock: Clock | None = None
) -> WorkspaceClient:
    """Return a client of the real SDK, with the administrator's token unless ``token`` is given."""
    config = Config(
        host=server.host,
        token=token or server.credentials.token,
        retry_timeout_seconds=seconds,
        http_timeout_seconds=seconds,
        clock=clock or BriskClock(),
    )
    return WorkspaceClient(config=config)


def call(server: WorkspaceServer, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """Send a request that the SDK would not send, and return its status and JSON body."""
    content = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {server.credentials.token}", "Content-Type": "application/json"}
    request = Request(server.host + path, content, headers, method=method)
    try:
        with urlopen(request) as response:
            return response.status, json.loads(response.read() or b"null")
    except HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def prepared(server: WorkspaceServer) -> WorkspaceClient:
    """Upload the wheel, register the instance profile, and return the administrator's client."""
    client = connect(server)
    client.instance_profiles.add(PROFILE, skip_validation=True)
    put_wheel(client, b"PK wheel")
    return client


def put_wheel(client: WorkspaceClient, content: bytes) -> None:
    """Upload a wheel the way the deployment does, and overwrite an existing one."""
    client.workspace.mkdirs(WHEEL.rpartition("/")[0])
    files.write(client, WHEEL, content)


def cluster(**changes: Any) -> compute.ClusterSpec:
    return compute.ClusterSpec.from_dict({**CLUSTER, **changes})


def job(**changes: Any) -> dict[str, Any]:
    """Return the settings of an unscheduled job, for ``jobs.create(**job())``."""
    settings: dict[str, Any] = {
        "name": "flow logs",
        "tags": {"environment": "test"},
        "job_clusters": [jobs.JobCluster("main", new_cluster=cluster())],
        "tasks": [task()],
    }
    return settings | changes


def task(**changes: Any) -> jobs.Task:
    wheel = jobs.PythonWheelTask("vpc_flow_logs", "ingest", named_parameters={"table-name": "main.net.flow_logs"})
    libraries = [compute.Library(whl=WHEEL)]
    settings: dict[str, Any] = {"task_key": "ingest", "job_cluster_key": "main", "libraries": libraries}
    return jobs.Task(**(settings | {"python_wheel_task": wheel} | changes))


def one_time(entry_point: str = "verify", **changes: Any) -> jobs.SubmitTask:
    wheel = jobs.PythonWheelTask("vpc_flow_logs", entry_point)
    libraries = [compute.Library(whl=WHEEL)]
    settings: dict[str, Any] = {"task_key": "verify", "new_cluster": cluster(), "libraries": libraries}
    return jobs.SubmitTask(**(settings | {"python_wheel_task": wheel} | changes))


def until(condition: Callable[[], Any], *, seconds: float = 10.0) -> Any:
    """Wait until the condition returns a true value, and return that value."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "the condition did not become true"
        time.sleep(0.02)
    return value
