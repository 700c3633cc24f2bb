"""What the endpoints work on, and how the workspace behaves."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from local.workspace.runner import RecordingRunner, RunHandle, Runner
from local.workspace.state import State

WORKSPACE_ID = "1234567890123456"


def _no_objection(_arn: str) -> str | None:
    return None


@dataclass
class Behaviour:
    """What differs from one workspace to the next; all of it may be changed at any time.

    Attributes:
        token_seconds: how long an OAuth token is valid.
        profile_refusals: how many times the dry run of a new instance profile is refused, as while IAM does not show
            the profile everywhere yet.
        object_to_profile: says why AWS would refuse the dry run for an ARN, or None.
        restart_seconds: the delay before a continuous job's next run; doubled by each failure in a row.
        restart_limit_seconds: the longest such delay.
        start_seconds: how long a run is ``PENDING``, which is when a real workspace starts the cluster.
        every_default: whether jobs are read back with every default that any client of the service has seen, and not
            only with those that are sure to come. Counts for jobs that are created or changed from then on.
        filters: whether lists of jobs and runs look at what they are to filter by; not so in Databricks' own fake.
        logs_of_failures: whether the output of a failed task has ``logs``. Without them ``error`` is the exception's
            last line only, as Databricks measured it for a Python task, and ``error_trace`` has the rest.
    """

    token_seconds: float = 3600
    profile_refusals: int = 0
    object_to_profile: Callable[[str], str | None] = _no_objection
    restart_seconds: float = 0.2
    restart_limit_seconds: float = 60
    start_seconds: float = 0.0
    every_default: bool = False
    filters: bool = True
    logs_of_failures: bool = True


@dataclass
class Workspace:
    """The workspace as its endpoints see it; they are called one at a time.

    Attributes:
        host: the address, such as ``http://127.0.0.1:8080``.
        state: what it holds.
        runner: what runs tasks.
        behaviour: how it behaves.
        handles: tasks that are running, by the task's run id.
        clock: a clock that never goes back, in seconds.
    """

    host: str
    state: State
    runner: Runner = field(default_factory=RecordingRunner)
    behaviour: Behaviour = field(default_factory=Behaviour)
    handles: dict[int, RunHandle] = field(default_factory=dict)
    clock: Callable[[], float] = time.monotonic


def now_ms() -> int:
    """Return the time as the API writes it: milliseconds since 1970."""
    return int(time.time() * 1000)
