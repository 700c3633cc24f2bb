"""The probe's one-time run, on a cluster like the job's and with the job's wheel and parameters."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from databricks.sdk import WorkspaceClient
from databricks.sdk.errors.base import DatabricksError
from databricks.sdk.service import compute, jobs
from requests import RequestException

from infra.workspace.access import instance_profile
from infra.workspace.explain import explaining
from infra.workspace.job import job_settings
from infra.workspace.job.runs import ended, state_of
from infra.workspace.pace import Pace
from infra.workspace.spec import WorkspaceSpec
from infra.workspace.wheel import files, upload
from infra.workspace.wheel.wheel_file import WheelFile
from vpc_flow_logs.answer import Answer, answers_in

EMPTY = {"empty": ""}
"""A parameter without a value, to find out how the job receives it."""

NOT_REGISTERED = Answer(
    "the questions to a cluster", "not asked", ("the instance profile is not registered in the workspace",)
)
"""The answer before a deployment, and after one that was rolled back."""

ENDS_WELL = "the run on the job's cluster succeeds, and its output can be read"

_LAST_LINES = 12


def run_name(spec: WorkspaceSpec) -> str:
    """Return the name of the run."""
    return f"{spec.job.name} probe"


def answers(
    client: WorkspaceClient, spec: WorkspaceSpec, *, wheel_file: WheelFile, has_disk: bool, pace: Pace
) -> list[Answer]:
    """Run the probe and return its answers. An interrupted wait cancels the run.

    Raises:
        DeploymentError: The workspace rejects the run, or does not respond.
    """
    if instance_profile.find(client, spec.profile.arn) is None:
        return [NOT_REGISTERED]
    with _uploaded(client, spec.folder, wheel_file) as path:
        run_id = _submit(client, spec, path, has_disk=has_disk)
        try:
            run = _waited_for(client, run_id, pace=pace)
        finally:
            _cancel(client, run_id)
        return _answers(client, run)


@contextmanager
def _uploaded(client: WorkspaceClient, folder: str, wheel_file: WheelFile) -> Iterator[str]:
    """Upload the wheel, and remove it afterward if it was not in the workspace before."""
    with explaining(f"Reading {folder}"):
        there = files.is_there(client, folder)
    step = upload.upload(client, folder, wheel_file)
    path = upload.path_of(folder, wheel_file)
    try:
        yield path
    finally:
        if not there:
            upload.remove_folder(client, folder)
        elif step.outcome == "created":
            with explaining(f"Removing {path}"):
                client.workspace.delete(path.rpartition("/")[0], recursive=True)


def _submit(client: WorkspaceClient, spec: WorkspaceSpec, wheel_path: str, *, has_disk: bool) -> int:
    task = job_settings.wheel_task(spec, "probe")
    task.named_parameters = {**(task.named_parameters or {}), **EMPTY}
    submitted = jobs.SubmitTask(
        task_key="probe",
        new_cluster=job_settings.cluster(spec, has_disk=has_disk),
        libraries=[compute.Library(whl=wheel_path)],
        python_wheel_task=task,
    )
    with explaining("Starting the probe"):
        token = str(uuid4())
        wait = client.jobs.submit(run_name=run_name(spec), tasks=[submitted], idempotency_token=token)
        return int(wait.run_id)


def _waited_for(client: WorkspaceClient, run_id: int, *, pace: Pace) -> jobs.Run:
    while True:
        with explaining(f"Reading the probe's run {run_id}"):
            run = client.jobs.get_run(run_id)
        if ended(run):
            return run
        pace.later(f"waiting for the probe's run ({state_of(run)}): {run.run_page_url}")


def _cancel(client: WorkspaceClient, run_id: int) -> None:
    """Cancel a run that is still active, for example after Ctrl-C."""
    with explaining(f"Canceling the probe's run {run_id}"):
        if not ended(client.jobs.get_run(run_id)):
            client.jobs.cancel_run(run_id)


def _answers(client: WorkspaceClient, run: jobs.Run) -> list[Answer]:
    """Return the run's answers, and an answer about its failure if it did not succeed."""
    outputs = [output for task in run.tasks or [] for output in _output(client, task)]
    printed = [answer for output in outputs for answer in answers_in(output.logs or "")]
    succeeded = run.state is not None and run.state.result_state == jobs.RunResultState.SUCCESS
    if succeeded and printed:
        return printed
    facts = [state_of(run), (run.state.state_message if run.state else None) or "no message"]
    for output in outputs:
        texts = [text for text in (output.error, output.error_trace, output.logs) if text]
        facts += [line for text in texts for line in text.strip().splitlines()[-_LAST_LINES:]]
    return [*printed, Answer(ENDS_WELL, "does not hold", tuple(facts))]


def _output(client: WorkspaceClient, task: jobs.RunTask) -> Iterator[jobs.RunOutput]:
    try:
        yield client.jobs.get_run_output(task.run_id or 0)
    except (DatabricksError, RequestException, TimeoutError):  # the report then has the run's own message
        return
