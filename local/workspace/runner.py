"""The runner of tasks: its interface, and a runner that only records requests and plays scripts."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol


@dataclass(frozen=True)
class Library:
    """A library of the task: its path in the task's settings, and its content."""

    path: str
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class UnityCatalog:
    """Unity Catalog as a cluster sees it at the start of a run.

    Attributes:
        default_catalog: the catalog of names without a catalog.
        hive_metastore: whether there is a Hive metastore; without one, any use of it fails with
            ``UC_HIVE_METASTORE_DISABLED_EXCEPTION``.
        locations: the privileges of the run's identity, such as ``READ_FILES``, by the URL of the external location
            (without a trailing slash). The instance profile has no effect below such a URL.
    """

    default_catalog: str = "hive_metastore"
    hive_metastore: bool = True
    locations: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class RunRequest:
    """One task to run.

    Attributes:
        run_id: the ID of the task run.
        parent_run_id: the ID of the run that the task belongs to.
        job_id: the ID of the run's job.
        task_key: the task's name.
        trigger: the kind of trigger that started the run, such as ``CONTINUOUS`` or ``ONE_TIME``.
        package_name: the wheel's package; empty if the task is not a wheel task.
        entry_point: the wheel's entry point.
        arguments: the command line, with named parameters as ``--name=value``.
        libraries: the task's wheels, read at the start of the run.
        instance_profile_arn: the cluster's registered instance profile; empty if the cluster has none.
        iam_role_arn: the role that was registered with the profile; empty if there is none.
        cluster: the cluster's settings.
        task: the task's settings.
        unity_catalog: Unity Catalog as the cluster sees it.
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
    """The end of a task.

    Attributes:
        result: ``INTERNAL_ERROR`` if the service could not run the task, otherwise the task's own result.
        message: the message in the run's ``state_message`` and in ``error`` of get-output.
        trace: the traceback in get-output.
        code: ``termination_details.code``; by default the code of the result.
    """

    result: Literal["SUCCESS", "FAILED", "CANCELED", "TIMEDOUT", "INTERNAL_ERROR"] = "SUCCESS"
    message: str = ""
    trace: str = ""
    code: str = ""


class LaunchError(Exception):
    """The task's cluster cannot start. The run ends as ``INTERNAL_ERROR`` with this message.

    Attributes:
        code: ``termination_details.code``.
    """

    def __init__(self, message: str, code: str = "CLUSTER_ERROR") -> None:
        """Store the message and the code."""
        super().__init__(message)
        self.code = code


class RunHandle(Protocol):
    """A task that was started. Its methods do not wait."""

    def poll(self) -> Outcome | None:
        """Return the outcome, or None while the task runs."""
        ...

    def cancel(self) -> None:
        """Request the end of the task; ``poll`` returns its outcome once it has ended."""
        ...

    def output(self) -> str:
        """Return the text printed so far, ``logs`` of get-output."""
        ...

    def log(self) -> str:
        """Return everything written so far, including the driver's log."""
        ...


class Runner(Protocol):
    """A runner of tasks. It is called with the workspace's lock held, so it must not wait."""

    def start(self, request: RunRequest) -> RunHandle:
        """Start the task.

        Raises:
            LaunchError: if the task's cluster cannot start.
        """
        ...


@dataclass(frozen=True)
class Script:
    """The behavior of a recorded task.

    Attributes:
        outcome: the outcome.
        seconds: the duration; None for a task that lasts until it is canceled.
        cancel_seconds: the time between its cancellation and its end.
        log: the text it prints.
    """

    outcome: Outcome = Outcome()
    seconds: float | None = 0.0
    cancel_seconds: float = 0.0
    log: str = ""


@dataclass
class RecordingRunner:
    """A runner that runs nothing: it records every request and plays a script for it.

    A task without a script succeeds immediately. A continuous job's task without a script lasts until it is canceled.

    Attributes:
        requests: the requested tasks, in order.
        next: scripts for the next tasks, one for each.
        by_entry_point: scripts for tasks with this entry point, used if ``next`` is empty.
        clock: the time in seconds.
    """

    requests: list[RunRequest] = field(default_factory=list)
    next: deque[Script] = field(default_factory=deque)
    by_entry_point: dict[str, Script] = field(default_factory=dict)
    clock: Callable[[], float] = time.monotonic

    def start(self, request: RunRequest) -> RunHandle:
        """Record the request and start its script."""
        self.requests.append(request)
        return _Played(self._script(request), self.clock)

    def _script(self, request: RunRequest) -> Script:
        if self.next:
            return self.next.popleft()
        endless = request.trigger.startswith("CONTINUOUS")
        return self.by_entry_point.get(request.entry_point) or Script(seconds=None if endless else 0.0)


class _Played:
    """A script that is being played."""

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
