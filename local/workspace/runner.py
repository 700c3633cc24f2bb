"""What runs a task: the interface, and a runner that only keeps what it was asked and plays a script."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol


@dataclass(frozen=True)
class Library:
    """A library of the task: the path that the task names, and what is there."""

    path: str
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class UnityCatalog:
    """What Unity Catalog is to a cluster at the start of a run.

    Attributes:
        default_catalog: the catalog that names without one mean.
        hive_metastore: whether there is a Hive metastore; without one any use of it is refused with
            ``UC_HIVE_METASTORE_DISABLED_EXCEPTION``.
        locations: the external locations by their URL (no slash at the end), with the privileges that the run's
            identity has there, such as ``READ_FILES``. The instance profile counts for nothing below such a URL.
    """

    default_catalog: str = "hive_metastore"
    hive_metastore: bool = True
    locations: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class RunRequest:
    """One task to run.

    Attributes:
        run_id: the task's own run id.
        parent_run_id: the run that the task belongs to.
        job_id: the run's job id.
        task_key: the task's name.
        trigger: what started the run, such as ``CONTINUOUS`` or ``ONE_TIME``.
        package_name: of the wheel; empty when the task is no wheel task.
        entry_point: of the wheel.
        arguments: the command line, named parameters as ``--name=value``.
        libraries: the task's wheels, read when the run started.
        instance_profile_arn: of the cluster, registered; empty when the cluster has none.
        iam_role_arn: as registered with the profile; empty when it was not given.
        cluster: the cluster's settings.
        task: the task's settings.
        unity_catalog: what the cluster meets of Unity Catalog.
    """

    run_id: int
    parent_run_id: int
    job_id: int
    task_key: str
    trigger: str
    package_name: str
    entry_point: str
    arguments: tuple[str, ...]
    libraries: tuple[Library, ...]
    instance_profile_arn: str
    iam_role_arn: str
    cluster: Mapping[str, Any]
    task: Mapping[str, Any]
    unity_catalog: UnityCatalog = field(default_factory=UnityCatalog)


@dataclass(frozen=True)
class Outcome:
    """How a task ended.

    Attributes:
        result: ``INTERNAL_ERROR`` when the service could not run it, else the task's own end.
        message: for people; the run's ``state_message`` and the ``error`` of get-output.
        trace: the traceback, for get-output.
        code: ``termination_details.code``; by default that of the result.
    """

    result: Literal["SUCCESS", "FAILED", "CANCELED", "TIMEDOUT", "INTERNAL_ERROR"] = "SUCCESS"
    message: str = ""
    trace: str = ""
    code: str = ""


class LaunchError(Exception):
    """A task's cluster cannot be started; the run ends as ``INTERNAL_ERROR`` with this message.

    Attributes:
        code: ``termination_details.code``.
    """

    def __init__(self, message: str, code: str = "CLUSTER_ERROR") -> None:
        """Keep message and code."""
        super().__init__(message)
        self.code = code


class RunHandle(Protocol):
    """A task that was started. No method waits."""

    def poll(self) -> Outcome | None:
        """Return how it ended, or None while it runs."""
        ...

    def cancel(self) -> None:
        """Ask it to end; ``poll`` tells when it has."""
        ...

    def output(self) -> str:
        """Return what it printed so far, which get-output shows as ``logs``."""
        ...

    def log(self) -> str:
        """Return everything it wrote so far, the driver's log included."""
        ...


class Runner(Protocol):
    """Starts tasks. Called with the workspace's lock held, so it must not wait."""

    def start(self, request: RunRequest) -> RunHandle:
        """Start the task.

        Raises:
            LaunchError: when its cluster cannot be started.
        """
        ...


@dataclass(frozen=True)
class Script:
    """What a recorded run does.

    Attributes:
        outcome: how it ends.
        seconds: after how long; None = not before it is cancelled.
        cancel_seconds: how long it takes to end once cancelled.
        log: what it prints.
    """

    outcome: Outcome = Outcome()
    seconds: float | None = 0.0
    cancel_seconds: float = 0.0
    log: str = ""


@dataclass
class RecordingRunner:
    """Runs nothing; keeps every request and plays a script for it.

    Attributes:
        requests: the tasks it was asked to run, in order.
        next: scripts for the next tasks, used up one by one.
        by_entry_point: scripts for every task with this entry point, when ``next`` is empty.
        clock: the time in seconds.

    A task without a script succeeds at once, but for those of continuous jobs: they go on until they are cancelled.
    """

    requests: list[RunRequest] = field(default_factory=list)
    next: deque[Script] = field(default_factory=deque)
    by_entry_point: dict[str, Script] = field(default_factory=dict)
    clock: Callable[[], float] = time.monotonic

    def start(self, request: RunRequest) -> RunHandle:
        """Keep the request and begin its script."""
        self.requests.append(request)
        return _Played(self._script(request), self.clock)

    def _script(self, request: RunRequest) -> Script:
        if self.next:
            return self.next.popleft()
        endless = request.trigger.startswith("CONTINUOUS")
        return self.by_entry_point.get(request.entry_point) or Script(seconds=None if endless else 0.0)


class _Played:
    """A script on its way."""

    def __init__(self, script: Script, clock: Callable[[], float]) -> None:
        self._script = script
        self._clock = clock
        self._started = clock()
        self._cancelled: float | None = None

    def poll(self) -> Outcome | None:
        now = self._clock()
        if self._cancelled is not None:
            return Outcome("CANCELED") if now >= self._cancelled + self._script.cancel_seconds else None
        if self._script.seconds is None or now < self._started + self._script.seconds:
            return None
        return self._script.outcome

    def cancel(self) -> None:
        if self._cancelled is None:
            self._cancelled = self._clock()

    def output(self) -> str:
        return self._script.log

    def log(self) -> str:
        return self._script.log
