"""The proof that the logs can be read: a one-time run on the job's cluster, with the wheel's entry point `verify`.

What passed is remembered, so that nothing is verified twice: an update that CloudFormation rolls back returns to
what passed before, and must not depend on another cluster. Each try has its own token, which is remembered
before the run is submitted: the workspace answers a token it knows with the run it made for it, even a failed one.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from uuid import uuid4

from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import NotFound
from databricks.sdk.service import compute, jobs

from infra.workspace import memory as remembered
from infra.workspace.errors import DeploymentError
from infra.workspace.explain import saying
from infra.workspace.job import job_settings, run_words
from infra.workspace.job.runs import ended, state_of
from infra.workspace.memory import Remembered, Verification
from infra.workspace.pace import Pace
from infra.workspace.spec import WorkspaceSpec
from infra.workspace.step import Step

TASK_KEY = "verify"

_MOST_PASSED = 10

_NOT_OF_ACCESS = ("headers", "trigger", "new-checkpoint")
"""Parameters that change nothing about what can be read: a new format needs no cluster to prove that again."""


def run_name(spec: WorkspaceSpec) -> str:
    """Return the name of the one-time runs."""
    return f"{spec.job.name} verify"


def ensure(
    client: WorkspaceClient,
    spec: WorkspaceSpec,
    *,
    wheel_path: str,
    has_disk: bool,
    memory: Remembered,
    pace: Pace,
    if_denied: str = "",
) -> tuple[Step, Remembered]:
    """Verify, unless exactly this passed before; wait for a run that is under way.

    ``if_denied`` is the advice for a run that is denied access, if more is known than the storage reports.

    Raises:
        DeploymentError: the run failed; with its words and its page.
    """
    cluster = job_settings.verify_cluster(spec, has_disk=has_disk)
    key = _key(spec, wheel_path, cluster)
    if key in memory.passed:
        return Step("verification", "unchanged", "passed before, with the same cluster, wheel and paths"), memory
    last = memory.verification
    now = last if last is not None and last.key == key else Verification(key=key, token=_new_token())
    run = _run(client, now.run_id)
    if run is None and now.run_id is not None:  # deleted, and its token with it
        now = Verification(key=key, token=_new_token())
    if run is None:
        # The token first: a submit whose answer gets lost finds its run again.
        memory = _remember(client, spec, memory, now)
        now = replace(now, run_id=_submit(client, spec, _task(spec, wheel_path, cluster), now.token))
        memory = _remember(client, spec, memory, now)
        run = _run(client, now.run_id)
    run = _ended(client, run, pace=pace)
    if run is None or not _succeeded(run):
        _remember(client, spec, memory, Verification(key=key, token=_new_token()))
        if run is None:
            raise DeploymentError("The verify run was deleted", advice="Deploy again")
        raise run_words.failure(client, spec, run, if_denied=if_denied)
    passed = (*(other for other in memory.passed if other != key), key)[-_MOST_PASSED:]
    memory = remembered.write(client, spec.folder, old=memory, new=replace(memory, verification=None, passed=passed))
    return Step("verification", "created", f"{run.run_page_url}{run_words.printed(client, run)}"), memory


def await_under_way(
    client: WorkspaceClient, spec: WorkspaceSpec, *, wheel_path: str, memory: Remembered, pace: Pace
) -> None:
    """Wait for a verify run of these settings that an earlier call started, before anything else is looked at.

    A call that only waits is made again and again, and CloudFormation's hour has to hold all of them.

    Raises:
        NotYet: the run goes on, and ``pace`` does not wait.
    """
    last = memory.verification
    if last is None or not spec.verify:
        return
    # Finding out whether the nodes have disks takes a request; the run's key shows it too.
    clusters = (job_settings.verify_cluster(spec, has_disk=has_disk) for has_disk in (True, False))
    if last.key in [_key(spec, wheel_path, cluster) for cluster in clusters]:
        _ended(client, _run(client, last.run_id), pace=pace)


def forgotten(memory: Remembered) -> Remembered:
    """Return the memory without what passed, so that the next verification is a new run, or the one under way."""
    return replace(memory, passed=())


def _ended(client: WorkspaceClient, run: jobs.Run | None, *, pace: Pace) -> jobs.Run | None:
    while run is not None and not ended(run):
        pace.later(f"waiting for the verify run ({state_of(run)}): {run.run_page_url}")
        run = _run(client, run.run_id)
    return run


def _key(spec: WorkspaceSpec, wheel_path: str, cluster: compute.ClusterSpec) -> str:
    """Return a hash of all that a verify run proves something about."""
    parameters = {name: value for name, value in job_settings.parameters(spec).items() if name not in _NOT_OF_ACCESS}
    return _hash([cluster.as_dict(), wheel_path, parameters])


def _submit(client: WorkspaceClient, spec: WorkspaceSpec, task: jobs.SubmitTask, token: str) -> int:
    with saying("Starting the verify run"):
        return int(client.jobs.submit(run_name=run_name(spec), tasks=[task], idempotency_token=token).run_id)


def _task(spec: WorkspaceSpec, wheel_path: str, cluster: compute.ClusterSpec) -> jobs.SubmitTask:
    return jobs.SubmitTask(
        task_key=TASK_KEY,
        new_cluster=cluster,
        libraries=[compute.Library(whl=wheel_path)],
        python_wheel_task=job_settings.wheel_task(spec, "verify"),
    )


def _remember(client: WorkspaceClient, spec: WorkspaceSpec, memory: Remembered, now: Verification) -> Remembered:
    return remembered.write(client, spec.folder, old=memory, new=replace(memory, verification=now))


def _run(client: WorkspaceClient, run_id: int | None) -> jobs.Run | None:
    if run_id is None:
        return None
    with saying(f"Looking at the verify run {run_id}"):
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
