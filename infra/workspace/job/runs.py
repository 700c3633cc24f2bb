"""Wait for runs in the workspace, and end them in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import NotFound
from databricks.sdk.service.jobs import BaseRun, Run, RunLifeCycleState, RunType

from infra.workspace.explain import saying
from infra.workspace.pace import Pace

_ENDED = {RunLifeCycleState.TERMINATED, RunLifeCycleState.SKIPPED, RunLifeCycleState.INTERNAL_ERROR}


def ended(run: Run | BaseRun) -> bool:
    """Return whether a run is over, whatever its result."""
    return run.state is not None and run.state.life_cycle_state in _ENDED


def state_of(run: Run | BaseRun) -> str:
    """Return a run's state in a word or two: ``RUNNING``, ``TERMINATED SUCCESS``, ``FAILED``."""
    if run.state is None:
        return "PENDING"
    # A failed task makes its run an INTERNAL_ERROR, which reads like a fault of Databricks.
    if run.state.life_cycle_state == RunLifeCycleState.INTERNAL_ERROR and run.state.result_state is not None:
        return run.state.result_state.value
    states = (run.state.life_cycle_state, run.state.result_state)
    return " ".join(state.value for state in states if state is not None)


def of_job(found: Iterable[BaseRun], job_id: int) -> Iterator[BaseRun]:
    """Leave out runs that are not a job's, whatever the service filters by: an endless wait may depend on it."""
    return (run for run in found if run.job_id in (None, job_id) and run.run_type in (None, RunType.JOB_RUN))


def end_job_runs(client: WorkspaceClient, job_id: int, *, pace: Pace) -> int:
    """Cancel a paused job's runs and wait until they are over; return how many there were.

    A continuous job replaces a cancelled run by a new one unless it was paused before.
    """
    first = None
    while True:
        with saying("Ending the job's runs"):
            found = of_job(client.jobs.list_runs(job_id=job_id, active_only=True), job_id)
            active = [run for run in found if not ended(run)]
            if any(not _ending(run) for run in active):
                client.jobs.cancel_all_runs(job_id=job_id)
        first = len(active) if first is None else first
        if not active:
            return first
        pace.later(f"waiting for the job's run to end ({state_of(active[0])})")


def end_single_runs(client: WorkspaceClient, name: str, *, pace: Pace) -> int:
    """Cancel the one-time runs of a name and wait until they are over; return how many there were."""
    first = None
    while True:
        with saying(f"Ending the runs named {name}"):
            every = client.jobs.list_runs(active_only=True, run_type=RunType.SUBMIT_RUN)
            active = [
                run
                for run in every
                if run.run_name == name and run.run_type in (None, RunType.SUBMIT_RUN) and not ended(run)
            ]
            _cancel(client, active)
        first = len(active) if first is None else first
        if not active:
            return first
        pace.later(f"waiting for the run {name} to end ({state_of(active[0])})")


def _cancel(client: WorkspaceClient, active: Iterable[BaseRun]) -> None:
    for run in active:
        if not _ending(run) and run.run_id is not None:
            try:
                client.jobs.cancel_run(run.run_id)
            except NotFound:
                continue


def _ending(run: BaseRun) -> bool:
    return run.state is not None and run.state.life_cycle_state == RunLifeCycleState.TERMINATING
