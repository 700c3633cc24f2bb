"""Read the state of runs, cancel runs and wait until they end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import NotFound
from databricks.sdk.service.jobs import BaseRun, Run, RunLifeCycleState, RunType

from infra.workspace.explain import explaining
from infra.workspace.pace import Pace

_ENDED = {RunLifeCycleState.TERMINATED, RunLifeCycleState.SKIPPED, RunLifeCycleState.INTERNAL_ERROR}


def ended(run: Run | BaseRun) -> bool:
    """Return whether a run has ended, regardless of its result."""
    return run.state is not None and run.state.life_cycle_state in _ENDED


def state_of(run: Run | BaseRun) -> str:
    """Return a run's state in a word or two: ``RUNNING``, ``TERMINATED SUCCESS``, ``FAILED``."""
    if run.state is None:
        return "PENDING"
    # A failed task puts its run into INTERNAL_ERROR, which looks like a Databricks fault.
    if run.state.life_cycle_state == RunLifeCycleState.INTERNAL_ERROR and run.state.result_state is not None:
        return run.state.result_state.value
    states = (run.state.life_cycle_state, run.state.result_state)
    return " ".join(state.value for state in states if state is not None)


def of_job(runs: Iterable[BaseRun], job_id: int) -> Iterator[BaseRun]:
    """Yield only the runs of a job. The service's filter is not enough: other runs could cause an endless wait."""
    return (run for run in runs if run.job_id in (None, job_id) and run.run_type in (None, RunType.JOB_RUN))


def end_job_runs(client: WorkspaceClient, job_id: int, *, pace: Pace) -> int:
    """Cancel a paused job's runs and wait until they end; return their number.

    A continuous job replaces a canceled run with a new one unless the job is paused first.
    """
    count = None
    while True:
        with explaining("Ending the job's runs"):
            runs = of_job(client.jobs.list_runs(job_id=job_id, active_only=True), job_id)
            active = [run for run in runs if not ended(run)]
            if any(not _ending(run) for run in active):
                client.jobs.cancel_all_runs(job_id=job_id)
        count = len(active) if count is None else count
        if not active:
            return count
        pace.later(f"waiting for the job's run to end ({state_of(active[0])})")


def end_single_runs(client: WorkspaceClient, name: str, *, pace: Pace) -> int:
    """Cancel the one-time runs with a given name and wait until they end; return their number."""
    count = None
    while True:
        with explaining(f"Ending the runs named {name}"):
            runs = client.jobs.list_runs(active_only=True, run_type=RunType.SUBMIT_RUN)
            active = [
                run
                for run in runs
                if run.run_name == name and run.run_type in (None, RunType.SUBMIT_RUN) and not ended(run)
            ]
            _cancel(client, active)
        count = len(active) if count is None else count
        if not active:
            return count
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
