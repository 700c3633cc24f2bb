"""Verify that the job can read the logs: a one-time run of the wheel's entry point `verify` on the job's cluster.

The memory records settings that passed, so that they are not verified twice: a CloudFormation rollback returns to
settings that passed before and must not depend on starting another cluster. Each attempt has its own idempotency token,
recorded before the run is submitted: for a known token, the workspace returns the existing run, even a failed one.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from uuid import uuid4

from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import NotFound
from databricks.sdk.service import compute, jobs

from infra.workspace.errors import DeploymentError
from infra.workspace.explain import explaining
from infra.workspace.job import job_settings, run_output
from infra.workspace.job.runs import ended, state_of
from infra.workspace.memory import Memory, Verification
from infra.workspace.pace import Pace
from infra.workspace.spec import WorkspaceSpec
from infra.workspace.step import Step

TASK_KEY = "verify"

_MOST_PASSED = 10

_NOT_OF_ACCESS = ("headers", "trigger", "new-checkpoint", "names-table")
"""Parameters that do not affect access. For example, a new record format does not require a new verify run."""


def run_name(spec: WorkspaceSpec) -> str:
    """Return the name of the verify runs."""
    return f"{spec.job.name} verify"


def ensure(
    client: WorkspaceClient,
    spec: WorkspaceSpec,
    *,
    wheel_path: str,
    has_disk: bool,
    memory: Memory,
    pace: Pace,
    if_denied: str = "",
) -> Step:
    """Verify unless the same settings passed before; wait for an active run.

    ``if_denied`` is advice for a run without access, if the deployment knows a cause that the storage does not report.

    Raises:
        DeploymentError: the run failed; the message has its reason and the URL of its page.
        NotYet: the run is active, and ``pace`` does not wait.
    """
    cluster = job_settings.verify_cluster(spec, has_disk=has_disk)
    key = _key(spec, wheel_path, cluster)
    if key in memory.value.passed:
        return Step("verification", "unchanged", "passed before, with the same cluster, wheel and paths")
    previous = memory.value.verification
    current = previous if previous is not None and previous.key == key else Verification(key=key, token=_new_token())
    run = _run(client, current.run_id)
    if run is None and current.run_id is not None:  # deleted, together with its token
        current = Verification(key=key, token=_new_token())
    if run is None:
        # Record the token first, so that a submit request with a lost response finds its run again.
        memory.update(verification=current)
        current = replace(current, run_id=_submit(client, spec, _task(spec, wheel_path, cluster), current.token))
        memory.update(verification=current)
        run = _run(client, current.run_id)
    run = _ended(client, run, pace=pace)
    if run is None or not _succeeded(run):
        memory.update(verification=Verification(key=key, token=_new_token()))
        if run is None:
            raise DeploymentError("The verify run was deleted", advice="Deploy again")
        raise run_output.failure(client, spec, run, if_denied=if_denied)
    passed = (*(other for other in memory.value.passed if other != key), key)[-_MOST_PASSED:]
    memory.update(verification=None, passed=passed)
    return Step("verification", "created", f"{run.run_page_url}{run_output.printed(client, run)}")


def await_under_way(
    client: WorkspaceClient, spec: WorkspaceSpec, *, wheel_path: str, memory: Memory, pace: Pace
) -> None:
    """Wait for a verify run of these settings that an earlier call started, before any other request.

    CloudFormation repeats a waiting call many times, and all calls must fit into its limit of one hour.

    Raises:
        NotYet: the run is active, and ``pace`` does not wait.
    """
    previous = memory.value.verification
    if previous is None or not spec.verify:
        return
    # Compare both kinds of node types, because a request for the actual one would take time.
    clusters = (job_settings.verify_cluster(spec, has_disk=has_disk) for has_disk in (True, False))
    if previous.key in [_key(spec, wheel_path, cluster) for cluster in clusters]:
        _ended(client, _run(client, previous.run_id), pace=pace)


def _ended(client: WorkspaceClient, run: jobs.Run | None, *, pace: Pace) -> jobs.Run | None:
    while run is not None and not ended(run):
        pace.later(f"waiting for the verify run ({state_of(run)}): {run.run_page_url}")
        run = _run(client, run.run_id)
    return run


def _key(spec: WorkspaceSpec, wheel_path: str, cluster: compute.ClusterSpec) -> str:
    """Return a hash of the settings that a verify run covers."""
    parameters = {name: value for name, value in job_settings.parameters(spec).items() if name not in _NOT_OF_ACCESS}
    return _hash([cluster.as_dict(), wheel_path, parameters])


def _submit(client: WorkspaceClient, spec: WorkspaceSpec, task: jobs.SubmitTask, token: str) -> int:
    with explaining("Starting the verify run"):
        return int(client.jobs.submit(run_name=run_name(spec), tasks=[task], idempotency_token=token).run_id)


def _task(spec: WorkspaceSpec, wheel_path: str, cluster: compute.ClusterSpec) -> jobs.SubmitTask:
    return jobs.SubmitTask(
        task_key=TASK_KEY,
        new_cluster=cluster,
        libraries=[compute.Library(whl=wheel_path)],
        python_wheel_task=job_settings.wheel_task(spec, "verify"),
    )


def _run(client: WorkspaceClient, run_id: int | None) -> jobs.Run | None:
    if run_id is None:
        return None
    with explaining(f"Reading the verify run {run_id}"):
        try:
            return client.jobs.get_run(run_id)
        except NotFound:  # runs are kept for 60 days
            return None


def _succeeded(run: jobs.Run) -> bool:
    return run.state is not None and run.state.result_state == jobs.RunResultState.SUCCESS


def _new_token() -> str:
    return str(uuid4())


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:32]
