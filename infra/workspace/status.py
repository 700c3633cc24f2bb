"""Status of an environment in the workspace: profile, grants, both jobs and their latest runs, and the dashboard."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import islice

from databricks.sdk import WorkspaceClient
from databricks.sdk.service.jobs import BaseRun, JobSettings, PauseStatus

from infra.workspace.access import instance_profile, principals
from infra.workspace.dashboard import dashboards, draft, publication
from infra.workspace.explain import explaining
from infra.workspace.job import deployed_job, identity
from infra.workspace.job.job_kind import MAINTENANCE, STREAMING, JobKind
from infra.workspace.job.runs import ended, of_job, state_of
from infra.workspace.memory import Memory
from infra.workspace.spec import WorkspaceSpec

RUNS = 5
"""Number of runs of the streaming job shown, the latest first."""


@dataclass(frozen=True)
class Grant:
    """A principal that may use the profile; ``managed`` if this deployment granted it."""

    principal: str
    managed: bool


@dataclass(frozen=True)
class RunLine:
    """A run of a job.

    Attributes:
        state: the state in a word or two.
        over: the run has ended.
        began: start time; None if the run has not begun or the time is unknown.
        url: URL of the run's page.
    """

    state: str
    over: bool
    began: datetime | None
    url: str


@dataclass(frozen=True)
class JobStatus:
    """The status of a job.

    Attributes:
        url: URL of the job's page, which ends with its ID.
        trigger: the trigger that starts the job.
        wheel: path of the job's wheel.
        runs_as: the identity that the job runs as.
        owner: the owner, which the next deployment restores as run-as identity, if another identity was set by hand.
        runs: the latest runs.
    """

    url: str
    trigger: str
    wheel: str
    runs_as: str
    owner: str | None
    runs: tuple[RunLine, ...]


@dataclass(frozen=True)
class DashboardStatus:
    """The status of the dashboard.

    Attributes:
        id: ID of the dashboard.
        path: path of the draft in the workspace.
        url: URL of the published dashboard.
        published: the dashboard is published.
    """

    id: str
    path: str
    url: str
    published: bool


@dataclass(frozen=True)
class Status:
    """The status of an environment.

    Attributes:
        registered: the profile is registered in the workspace.
        grants: the principals that may use the profile.
        job: the streaming job; None if there is none.
        maintenance: the maintenance job; None if there is none.
        dashboard: the dashboard; None if there is none.
    """

    registered: bool
    grants: tuple[Grant, ...]
    job: JobStatus | None
    maintenance: JobStatus | None
    dashboard: DashboardStatus | None = None


def read(client: WorkspaceClient, spec: WorkspaceSpec) -> Status:
    """Return the status of an environment; change nothing."""
    memory = Memory.read(client, spec.folder)
    managed = set(memory.value.granted.get(spec.profile.arn, ()))
    with explaining("Reading the instance profile and its grants"):
        registered = instance_profile.find(client, spec.profile.arn) is not None
        holders = [str(holder) for holder in principals.holders(client, spec.profile.arn)]
    return Status(
        registered=registered,
        grants=tuple(Grant(principal=holder, managed=holder in managed) for holder in holders),
        job=_job(client, spec, STREAMING, count=RUNS),
        maintenance=_job(client, spec, MAINTENANCE, count=1),
        dashboard=_dashboard(client, spec, memory),
    )


def _dashboard(client: WorkspaceClient, spec: WorkspaceSpec, memory: Memory) -> DashboardStatus | None:
    found = draft.find(client, spec, memory)
    if found is None:
        return None
    dashboard_id = found.dashboard_id or ""
    with explaining(f"Reading the dashboard {dashboard_id}"):
        published = publication.find(client, dashboard_id) is not None
    path = f"/Workspace{(found.path or '').removeprefix('/Workspace')}"
    return DashboardStatus(dashboard_id, path, dashboards.url(spec.host, dashboard_id), published)


def _job(client: WorkspaceClient, spec: WorkspaceSpec, kind: JobKind, *, count: int) -> JobStatus | None:
    job_id = next((job.job_id for job in deployed_job.find(client, spec, kind)), None)
    if job_id is None:
        return None
    with explaining(f"Reading the job {job_id}"):
        job = client.jobs.get(job_id)
        runs = list(islice(of_job(client.jobs.list_runs(job_id=job_id, limit=count), job_id), count))
        owner = identity.to_set_again(client, job)
    settings = job.settings or JobSettings()
    return JobStatus(
        url=deployed_job.url(spec.host, job_id),
        trigger=_trigger(settings),
        wheel=_wheel(settings),
        runs_as=job.run_as_user_name or "",
        owner=(owner.service_principal_name or owner.user_name) if owner else None,
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
