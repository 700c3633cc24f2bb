"""Runs and task runs: plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

# Final life cycle states.
ENDED = frozenset({"TERMINATED", "SKIPPED", "INTERNAL_ERROR"})


@dataclass
class TaskRun:
    """The run of one task.

    Attributes:
        run_id: the ID of the task run, which differs from the ID of its run.
        task: the task's settings.
        cluster: the settings of the task's own cluster or of its job cluster.
        life_cycle: ``life_cycle_state``.
        result: ``result_state``; None until the end.
        message: ``state_message``.
        code: the reason for the end, ``status.termination_details.code``.
        error: ``error`` of get-output.
        trace: ``error_trace`` of get-output.
        output: the text that the task printed, ``logs`` of get-output.
        log: everything that the task wrote.
        start_time: milliseconds since 1970; 0 before the start.
        end_time: milliseconds since 1970; 0 before the end.
        timed_out: whether the timeout ended it.
        attempt: 0 for the first attempt, plus one for each retry.
        not_before: the earliest start, in milliseconds since 1970.
        superseded: whether a retry replaced it.
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
        """True if the task run has ended."""
        return self.life_cycle in ENDED


@dataclass
class Run:
    """A run of a job, or a one-time run.

    Attributes:
        run_id: the run's ID.
        job_id: the job's ID; a one-time run has its own ID here, which is not in the list of jobs.
        name: ``run_name``.
        run_type: ``JOB_RUN`` or ``SUBMIT_RUN``.
        trigger: the kind of trigger that started it.
        creator: the name of the principal that started it.
        run_as: the name of the principal whose permissions it has.
        start_time: milliseconds since 1970.
        number: ``number_in_job``, counted from 1.
        tasks: the task runs, retries included.
        job_clusters: the job clusters at the start of the run.
        timeout_seconds: the timeout; 0 for none.
        end_time: milliseconds since 1970; 0 before the end.
        cancelling: whether its cancellation was requested.
        skipped: the reason why it was skipped; empty if it was not.
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
        """True if the run has ended."""
        return self.end_time > 0

    @property
    def latest(self) -> list[TaskRun]:
        """The last attempt of each task."""
        return [task for task in self.tasks if not task.superseded]
