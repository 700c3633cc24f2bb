"""Runs and the runs of their tasks: plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

# States in which nothing more happens.
ENDED = frozenset({"TERMINATED", "SKIPPED", "INTERNAL_ERROR"})


@dataclass
class TaskRun:
    """The run of one task.

    Attributes:
        run_id: its own id, not that of the run it belongs to.
        task: the task's settings.
        cluster: the settings of its cluster, whether the task's own or a job cluster.
        life_cycle: ``life_cycle_state``.
        result: ``result_state``, once there is one.
        message: ``state_message``.
        code: why it ended, ``status.termination_details.code``.
        error: for get-output.
        trace: for get-output.
        output: for get-output, what the task printed.
        log: everything the task wrote.
        start_time: milliseconds since 1970, 0 before the start.
        end_time: milliseconds since 1970, 0 before the end.
        timed_out: whether it was ended because it took too long.
        attempt: 0 for the first try, then one more for each retry.
        not_before: when it starts at the earliest, milliseconds since 1970.
        superseded: whether a retry took its place.
    """

    run_id: int
    task: dict[str, Any]
    cluster: dict[str, Any]
    life_cycle: str = "PENDING"
    result: str | None = None
    message: str = ""
    code: str | None = None
    error: str = ""
    trace: str = ""
    output: str = ""
    log: str = ""
    start_time: int = 0
    end_time: int = 0
    timed_out: bool = False
    attempt: int = 0
    not_before: float = 0
    superseded: bool = False

    @property
    def ended(self) -> bool:
        """Whether nothing will happen to it any more."""
        return self.life_cycle in ENDED


@dataclass
class Run:
    """A run of a job, or a one-time run.

    Attributes:
        run_id: its id.
        job_id: its job; one-time runs have an id here too, that of no job in the list.
        name: ``run_name``.
        run_type: ``JOB_RUN`` or ``SUBMIT_RUN``.
        trigger: what started it.
        creator: who asked for it.
        run_as: with whose rights it runs.
        start_time: milliseconds since 1970.
        number: the how-manieth run of its job.
        tasks: its tasks.
        job_clusters: the job clusters as they were at the start.
        timeout_seconds: how long it may take; 0 = as long as it likes.
        end_time: milliseconds since 1970, 0 before the end.
        cancelling: whether somebody asked for its end.
        skipped: why it never started.
    """

    run_id: int
    job_id: int
    name: str
    run_type: Literal["JOB_RUN", "SUBMIT_RUN"]
    trigger: str
    creator: str
    start_time: int
    number: int
    tasks: list[TaskRun]
    job_clusters: list[dict[str, Any]] = field(default_factory=list)
    timeout_seconds: int = 0
    end_time: int = 0
    cancelling: bool = False
    run_as: str = ""
    skipped: str = ""

    @property
    def ended(self) -> bool:
        """Whether nothing will happen to it any more."""
        return self.end_time > 0

    @property
    def latest(self) -> list[TaskRun]:
        """The last try of each task."""
        return [task for task in self.tasks if not task.superseded]
