"""Answers without a cluster: the job's settings as the workspace returns them, its last failure, external locations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import islice

from databricks.sdk import WorkspaceClient
from databricks.sdk.errors.base import DatabricksError
from databricks.sdk.service.jobs import BaseRun, RunOutput, RunResultState, RunType
from requests import RequestException

from infra.probe import read_back
from infra.workspace.job import deployed_job, job_settings, verification
from infra.workspace.job.job_kind import STREAMING
from infra.workspace.job.runs import state_of
from infra.workspace.spec import WorkspaceSpec
from vpc_flow_logs.answer import Answer, holds
from vpc_flow_logs.progress import counted

_RUNS = 20
_LAST_LINES = 12


def answers(client: WorkspaceClient, spec: WorkspaceSpec, *, has_disk: bool) -> list[Answer]:
    """Ask all questions. If a question fails, its error is the answer."""
    questions: list[tuple[str, Callable[[], Iterable[Answer]]]] = [
        ("the workspace returns the job", lambda: _job(client, spec, has_disk=has_disk)),
        ("a failed run keeps its output", lambda: _failures(client, spec)),
        ("no external location covers the logs", lambda: _locations(client, spec)),
    ]
    return [answer for question, ask in questions for answer in _answered(question, ask)]


def queue_url(client: WorkspaceClient, spec: WorkspaceSpec) -> str | None:
    """Return the URL of the queue that the deployed job reads; None without a job or a queue."""
    for job in deployed_job.find(client, spec, STREAMING)[:1]:
        settings = client.jobs.get(job.job_id or 0).settings
        for task in (settings.tasks if settings else None) or []:
            if task.python_wheel_task:
                return (task.python_wheel_task.named_parameters or {}).get("queue-url")
    return None


def names(client: WorkspaceClient) -> dict[str, str]:
    """Return names in the workspace that are not in the environment file, with their replacements."""
    replacements: dict[str, str] = {}
    kinds: dict[str, Callable[[], Iterable[str | None]]] = {
        "<catalog>": lambda: [catalog.name for catalog in client.catalogs.list()],
        "<external location>": lambda: [location.name for location in client.external_locations.list()],
        "<principal>": lambda: [client.current_user.me().user_name, client.current_user.me().display_name],
    }
    for shown, ask in kinds.items():
        with suppress(DatabricksError, RequestException, TimeoutError, ValueError):
            replacements.update({name: shown for name in ask() if name})
    return replacements


def _answered(question: str, ask: Callable[[], Iterable[Answer]]) -> Iterator[Answer]:
    try:
        yield from ask()
    except Exception as error:  # noqa: BLE001 - the error is the answer
        yield Answer(question, "does not hold", (f"{type(error).__name__}: {first_line(error)}",))


def first_line(error: Exception) -> str:
    """Return the first line of an error's message, without the configuration that the SDK appends."""
    return (str(error).strip().splitlines() or [""])[0].split(". Config: ")[0]


def _job(client: WorkspaceClient, spec: WorkspaceSpec, *, has_disk: bool) -> Iterator[Answer]:
    jobs = deployed_job.find(client, spec, STREAMING)
    settings = client.jobs.get(jobs[0].job_id or 0).settings if jobs else None
    if settings is None:
        yield Answer("the workspace returns the job", "not asked", ("the job does not exist yet",))
        return
    # The job's own wheel: the wheel of this source may be newer.
    wheels = [library.whl for task in settings.tasks or [] for library in task.libraries or [] if library.whl]
    sent = job_settings.settings(spec, wheel_path=wheels[0] if wheels else "", has_disk=has_disk)
    yield from read_back.answers(sent.as_dict(), settings.as_dict())


def _failures(client: WorkspaceClient, spec: WorkspaceSpec) -> Iterator[Answer]:
    question = "a failed run keeps its output"
    failed = next((run for run in _runs(client, spec) if _failed(run)), None)
    if failed is None or failed.run_id is None:
        yield Answer(question, "not asked", ("no recent run failed",))
        return
    facts = [f"run: {state_of(failed)}, message: {failed.state.state_message if failed.state else None}"]
    outputs = [client.jobs.get_run_output(task.run_id or 0) for task in client.jobs.get_run(failed.run_id).tasks or []]
    for output in outputs:
        facts += _last_lines(output)
    yield holds(question, any(output.logs for output in outputs), *facts)


def _runs(client: WorkspaceClient, spec: WorkspaceSpec) -> Iterator[BaseRun]:
    """Yield the last runs of the job, then the last verify runs."""
    for job in deployed_job.find(client, spec, STREAMING)[:1]:
        yield from islice(client.jobs.list_runs(job_id=job.job_id, completed_only=True, limit=_RUNS), _RUNS)
    single = client.jobs.list_runs(completed_only=True, run_type=RunType.SUBMIT_RUN, limit=_RUNS)
    yield from (run for run in islice(single, 5 * _RUNS) if run.run_name == verification.run_name(spec))


def _failed(run: BaseRun) -> bool:
    return run.state is not None and run.state.result_state == RunResultState.FAILED


def _last_lines(output: RunOutput) -> list[str]:
    """Return the number of lines in each part of a task's output, and the last lines of each."""
    facts = []
    for name, text in (
        ("lines of error", output.error),
        ("lines of error_trace", output.error_trace),
        ("lines of output", output.logs),
    ):
        lines = (text or "").strip().splitlines()
        facts.append(f"{name}, {len(lines)} in total, the last of them:" if lines else f"{name}: none")
        facts += [f"  {line}" for line in lines[-_LAST_LINES:]]
    return facts


def _locations(client: WorkspaceClient, spec: WorkspaceSpec) -> Iterator[Answer]:
    locations = list(client.external_locations.list())
    logs = f"s3://{spec.logs.bucket}/{spec.logs.prefix}"
    covering = [each for each in locations if each.url and f"{logs}/".startswith(f"{each.url.rstrip('/')}/")]
    facts = [f"{counted(len(locations), 'external location')} visible to the deploying principal"]
    for location in covering:
        facts.append(
            f"{location.name} covers the logs: file events {location.effective_enable_file_events}, fallback "
            f"{location.fallback}, read only {location.read_only}"
        )
    yield holds("no external location covers the logs", not covering, *facts)
