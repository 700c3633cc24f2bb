"""What the tests of the workspace stand-in share: clients, and a wheel job as the deployment makes it."""

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
    """Keeps how long the SDK would have slept before a repetition, and sleeps a little."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        time.sleep(min(seconds, 0.02))


def connect(
    server: WorkspaceServer, *, token: str | None = None, seconds: int = 30, clock: Clock | None = None
) -> WorkspaceClient:
    """A client of the real SDK; the administrator's, unless there is another token."""
    config = Config(
        host=server.host,
        token=token or server.credentials.token,
        retry_timeout_seconds=seconds,
        http_timeout_seconds=seconds,
        clock=clock or BriskClock(),
    )
    return WorkspaceClient(config=config)


def call(server: WorkspaceServer, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """One request without the SDK, for what the SDK would not send; returns status and JSON."""
    content = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {server.credentials.token}", "Content-Type": "application/json"}
    request = Request(server.host + path, content, headers, method=method)
    try:
        with urlopen(request) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def prepared(server: WorkspaceServer) -> WorkspaceClient:
    """An administrator's client of a workspace that has the profile and the wheel."""
    client = connect(server)
    client.instance_profiles.add(PROFILE, skip_validation=True)
    put_wheel(client, b"PK wheel")
    return client


def put_wheel(client: WorkspaceClient, content: bytes) -> None:
    """Upload a wheel as the deployment does, over one that is there."""
    client.workspace.mkdirs(WHEEL.rpartition("/")[0])
    files.write(client, WHEEL, content)


def cluster(**changes: Any) -> compute.ClusterSpec:
    return compute.ClusterSpec.from_dict({**CLUSTER, **changes})


def job(**changes: Any) -> dict[str, Any]:
    """The settings of a job, for `jobs.create(**job())`; not scheduled."""
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
    """Wait for something to become true, and return it."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "it did not become true"
        time.sleep(0.02)
    return value
