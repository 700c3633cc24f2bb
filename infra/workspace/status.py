"""Look at an environment in the workspace: profile, grants, job, last runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import islice

from databricks.sdk import WorkspaceClient
from databricks.sdk.service.jobs import BaseRun, JobSettings, PauseStatus

from infra.workspace import memory as remembered
from infra.workspace.access import instance_profile, principals
from infra.workspace.explain import saying
from infra.workspace.job import identity, streaming_job
from infra.workspace.job.runs import ended, of_job, state_of
from infra.workspace.spec import WorkspaceSpec

RUNS = 5
"""Number of the last runs that are shown."""


@dataclass(frozen=True)
class Grant:
    """A principal that may use the profile, and whether this deployment granted it."""

    who: str
    ours: bool


@dataclass(frozen=True)
class RunLine:
    """A run: its state, whether it is over, when it began (None: not yet, or not known), and its page."""

    state: str
    over: bool
    began: datetime | None
    url: str


@dataclass(frozen=True)
class Status:
    """The state of an environment; without a job its parts are empty.

    Attributes:
        registered: whether the workspace has the profile.
        grants: who may use it.
        job_url: the job's page.
        trigger: what starts it.
        wheel: the path of its wheel.
        runs_as: as whom it runs.
        owner: whom the next deploy sets again, where somebody set another identity by hand.
        runs: the last runs.
    """

    registered: bool
    grants: tuple[Grant, ...]
    job_url: str | None
    trigger: str
    wheel: str
    runs_as: str
    owner: str | None
    runs: tuple[RunLine, ...]


def look(client: WorkspaceClient, spec: WorkspaceSpec) -> Status:
    """Look at everything; changes nothing."""
    memory = remembered.read(client, spec.folder)
    ours = set(memory.granted.get(spec.profile.arn, ()))
    with saying("Looking at profile and grants"):
        registered = instance_profile.find(client, spec.profile.arn) is not None
        holders = [str(who) for who in principals.holders(client, spec.profile.arn)]
    found = streaming_job.find(client, spec)
    job_id = found[0].job_id if found else None
    settings, runs, runs_as, other = JobSettings(), [], "", None
    if job_id is not None:
        with saying(f"Looking at the job {job_id}"):
            there = client.jobs.get(job_id)
            settings = there.settings or settings
            runs = list(islice(of_job(client.jobs.list_runs(job_id=job_id, limit=RUNS), job_id), RUNS))
            other = identity.to_set_again(client, there)
            runs_as = there.run_as_user_name or ""
    return Status(
        registered=registered,
        grants=tuple(Grant(who=who, ours=who in ours) for who in holders),
        job_url=streaming_job.url(spec.host, job_id) if job_id is not None else None,
        trigger=_trigger(settings),
        wheel=_wheel(settings),
        runs_as=runs_as,
        owner=(other.service_principal_name or other.user_name) if other else None,
        runs=tuple(_line(run) for run in runs),
    )


def _trigger(settings: JobSettings) -> str:
    if settings.continuous:
        return _paused("continuous", settings.continuous.pause_status)
    if settings.schedule:
        return _paused(f"scheduled {settings.schedule.quartz_cron_expression} UTC", settings.schedule.pause_status)
    return ""


def _paused(text: str, state: PauseStatus | None) -> str:
    return f"{text}, paused" if state == PauseStatus.PAUSED else text


def _wheel(settings: JobSettings) -> str:
    libraries = [library for task in settings.tasks or [] for library in task.libraries or []]
    return libraries[0].whl or "" if libraries else ""


def _line(run: BaseRun) -> RunLine:
    began = datetime.fromtimestamp(run.start_time / 1000, tz=timezone.utc) if run.start_time else None
    return RunLine(state=state_of(run), over=ended(run), began=began, url=run.run_page_url or "")
