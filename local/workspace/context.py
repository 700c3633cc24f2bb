"""The workspace that the endpoints work on, and its behavior."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from local.workspace.runner import RecordingRunner, RunHandle, Runner
from local.workspace.state import State

WORKSPACE_ID = "1234567890123456"


def _no_objection(_arn: str) -> str | None:
    return None


@dataclass
class Behavior:
    """Behavior that differs between workspaces. Any of it can be changed at any time.

    Attributes:
        token_seconds: how long an OAuth token is valid.
        profile_refusals: how many times the dry run of a new instance profile fails, as it does until a new profile
            has reached all of IAM.
        object_to_profile: returns the reason why AWS would reject the dry run for an ARN, or None.
        restart_seconds: the delay before a continuous job's next run, doubled by each consecutive failure.
        restart_limit_seconds: the longest such delay.
        start_seconds: how long a run is ``PENDING``; a real workspace starts the cluster in this time.
        every_default: whether jobs are returned with every default that a client of the service has observed, and not
            only with the certain ones. Applies to jobs that are created or changed afterward.
        filters: whether lists of jobs and runs apply their filters; Databricks' own fake ignores them.
        schedules: whether scheduled jobs start when they are due; otherwise only ``WorkspaceServer.fire_schedule``
            starts them, so that the time of day does not change a test.
        logs_of_failures: whether the output of a failed task has ``logs``. Without them ``error`` holds only the last
            line of the exception, as Databricks measured for a Python task, and ``error_trace`` has the rest.
        stale_dashboard_reads: how many reads after a write of a dashboard return the state before it.
        etag_counts_every_write: whether every write of a dashboard changes its etag, and not only one of its content.
    """

    token_seconds: float = 3600
    profile_refusals: int = 0
    object_to_profile: Callable[[str], str | None] = _no_objection
    restart_seconds: float = 0.2
    restart_limit_seconds: float = 60
    start_seconds: float = 0.0
    every_default: bool = False
    filters: bool = True
    schedules: bool = False
    logs_of_failures: bool = True
    stale_dashboard_reads: int = 0
    etag_counts_every_write: bool = False


@dataclass
class Workspace:
    """The workspace as its endpoints see it. Endpoints are called one at a time.

    Attributes:
        host: the address, such as ``http://127.0.0.1:8080``.
        state: the objects in the workspace.
        runner: the runner of tasks.
        behavior: the behavior of the workspace.
        handles: the running tasks by the task's run ID.
        clock: a monotonic clock, in seconds.
        now: a clock that returns the time in a time zone.
    """

    host: str
    state: State
    runner: Runner = field(default_factory=RecordingRunner)
    behavior: Behavior = field(default_factory=Behavior)
    handles: dict[int, RunHandle] = field(default_factory=dict)
    clock: Callable[[], float] = time.monotonic
    now: Callable[[tzinfo], datetime] = datetime.now


def now_ms() -> int:
    """Return the time in the API's format: milliseconds since 1970."""
    return int(time.time() * 1000)
