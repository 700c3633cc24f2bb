"""Find a job of an environment by its tags; create, update and remove it."""

from __future__ import annotations

from contextlib import suppress

from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import BadRequest, InvalidParameterValue, NotFound, PermissionDenied
from databricks.sdk.service.jobs import BaseJob, Continuous, CronSchedule, JobSettings, PauseStatus

from infra.workspace.aws.arn import Arn
from infra.workspace.errors import DeploymentError
from infra.workspace.explain import explaining
from infra.workspace.job import identity
from infra.workspace.job.job_diff import differences
from infra.workspace.job.job_kind import JobKind
from infra.workspace.job.job_settings import DEFINITION_TAG
from infra.workspace.job.runs import end_job_runs
from infra.workspace.pace import Pace
from infra.workspace.spec import WorkspaceSpec
from infra.workspace.step import Step

_PAGE = 100
"""Maximum number of jobs that a response can list."""

# Settings that a run depends on; all others may change during a run.
_OF_A_RUN = ("tasks", "job_clusters", "continuous", "schedule", "run_as")


def url(host: str, job_id: int) -> str:
    """Return the URL of the job's page."""
    return f"{host}/jobs/{job_id}"


def find(client: WorkspaceClient, spec: WorkspaceSpec, kind: JobKind) -> list[BaseJob]:
    """Return the environment's job of a kind, followed by duplicates from a create request with a lost response."""
    with explaining(f"Looking for the {kind.noun}"):
        # Search by name first, to avoid paging through all jobs. The name may have changed, so the tags decide.
        named = [job for job in _named(client, spec, kind) if kind.owns(job, spec)]
        tagged = named or [job for job in client.jobs.list(limit=_PAGE) if kind.owns(job, spec)]
        tagged.sort(key=lambda job: (job.created_time or 0, job.job_id or 0))
        # A manual copy has the tags too, but it has another name or is not paused, so it is not a duplicate.
        return tagged[:1] + [job for job in tagged[1:] if job in named and _is_paused(job)]


def problems(client: WorkspaceClient, spec: WorkspaceSpec, kind: JobKind) -> list[str]:
    """Return a problem if another job has the name, or the environment's job belongs to another AWS account."""
    if jobs := find(client, spec, kind):
        profile = profile_of(client, jobs[0].job_id or 0)
        if profile is None or Arn.parse(profile).account == Arn.parse(spec.profile.arn).account:
            return []
        problem = (
            f"the {kind.noun} {jobs[0].job_id} of an environment named {spec.environment!r} runs with {profile}, which "
            "belongs to another AWS account: rename this environment's file"
        )
        return [problem]
    with explaining(f"Looking for the {kind.noun}"):
        others = [job.job_id for job in _named(client, spec, kind)]
    problem = (
        f"the job name {kind.name(spec)!r} is taken by job {others[0] if others else None}, which does not belong to "
        "this deployment and is not changed: rename that job, or rename the environment's file"
    )
    return [problem] if others else []


def profile_of(client: WorkspaceClient, job_id: int) -> str | None:
    """Return the ARN of the instance profile of a job's cluster."""
    with explaining(f"Reading the job {job_id}"):
        settings = client.jobs.get(job_id).settings
    for cluster in (settings.job_clusters if settings else None) or []:
        if cluster.new_cluster and cluster.new_cluster.aws_attributes:
            return cluster.new_cluster.aws_attributes.instance_profile_arn
    return None


def bring_up_to_date(
    client: WorkspaceClient, spec: WorkspaceSpec, kind: JobKind, *, desired: JobSettings, pace: Pace
) -> tuple[Step, int]:
    """Create the job, or change it to the desired settings if it differs; return the step and the job's ID.

    A run with an old definition ends before a new one starts. Without differences, nothing is written.
    """
    jobs = find(client, spec, kind)
    if not jobs:
        job_id = _create(client, spec, kind, desired=desired)
        return Step(kind.noun, "created", url(spec.host, job_id)), job_id
    job_id = jobs[0].job_id or 0
    for duplicate in jobs[1:]:
        remove(client, duplicate.job_id or 0, pace=pace)
    with explaining(f"Reading the job {job_id}"):
        job = client.jobs.get(job_id)
    settings = job.settings or JobSettings()
    changed = differences(desired, settings)
    if (owner := identity.to_set_again(client, job)) is not None:
        desired.run_as = owner
        changed.append("run_as")
    if not changed:
        return Step(kind.noun, "unchanged", url(spec.host, job_id)), job_id
    places = [place for place in changed if place != f"tags.{DEFINITION_TAG}"]
    if spec.job.pause or any(place.startswith(_OF_A_RUN) for place in places):
        changing = _changing(desired)
        with explaining(f"Pausing the job {job_id}"):
            if changing.run_as or differences(changing, settings):
                _reset(client, job_id, changing)
        end_job_runs(client, job_id, pace=pace)
    with explaining(f"Changing the job {job_id}"):
        _reset(client, job_id, desired)
    return Step(kind.noun, "updated", f"{url(spec.host, job_id)} ({', '.join(places) or 'its tag'})"), job_id


def remove(client: WorkspaceClient, job_id: int, *, pace: Pace) -> None:
    """Pause a job, end its runs, and delete it, if it still exists."""
    with explaining(f"Pausing the job {job_id}"):
        try:
            _pause(client, job_id)
        except NotFound:
            return
    end_job_runs(client, job_id, pace=pace)
    with explaining(f"Deleting the job {job_id}"):
        _delete(client, job_id)


def _create(client: WorkspaceClient, spec: WorkspaceSpec, kind: JobKind, *, desired: JobSettings) -> int:
    """Create a job paused, delete duplicates, and start it.

    A create request may take effect although its response is lost; the SDK then sends it again. Two paused jobs do no
    harm, but two streams on one checkpoint would.
    """
    with explaining(f"Creating the {kind.noun}"):
        initial = desired if spec.job.pause else _changing(desired)
        client.jobs.create(**{name: value for name, value in vars(initial).items() if value is not None})
        first, *duplicates = find(client, spec, kind)
        for duplicate in duplicates:
            _delete(client, duplicate.job_id or 0)
        if not spec.job.pause:
            client.jobs.reset(first.job_id or 0, desired)
    return first.job_id or 0


def _changing(desired: JobSettings) -> JobSettings:
    """Return the settings of a job during a change: paused, and with a definition tag that no complete job has."""
    changing = JobSettings.from_dict(desired.as_dict())
    for trigger in (changing.continuous, changing.schedule):
        if trigger is not None:
            trigger.pause_status = PauseStatus.PAUSED
    changing.tags = {**(changing.tags or {}), DEFINITION_TAG: "changing"}
    return changing


def _reset(client: WorkspaceClient, job_id: int, settings: JobSettings) -> None:
    """Replace the settings of a job; report a deleted job as deleted, whatever error the response contains.

    The service checks permissions before existence, so it may report a missing permission for a deleted job.
    """
    try:
        client.jobs.reset(job_id, settings)
    except (NotFound, InvalidParameterValue, PermissionDenied):
        if not _is_there(client, job_id):
            raise DeploymentError(f"The job {job_id} was deleted while it was changed", advice="Deploy again") from None
        raise


def _is_there(client: WorkspaceClient, job_id: int) -> bool:
    try:
        client.jobs.get(job_id)
    except NotFound:
        return False
    return True


def _pause(client: WorkspaceClient, job_id: int) -> None:
    """Pause a job before its removal; its other settings stay."""
    settings = client.jobs.get(job_id).settings or JobSettings()
    paused = JobSettings()
    if settings.continuous:
        paused.continuous = Continuous(pause_status=PauseStatus.PAUSED)
    if settings.schedule:
        paused.schedule = CronSchedule.from_dict({**settings.schedule.as_dict(), "pause_status": "PAUSED"})
    # The service rejects this if the job is no longer valid, for example because its runtime or node type no longer
    # exists. Such a job cannot run anyway.
    with suppress(BadRequest):
        client.jobs.update(job_id, new_settings=paused)


def _delete(client: WorkspaceClient, job_id: int) -> None:
    try:
        client.jobs.delete(job_id)
    except NotFound:
        return
    except InvalidParameterValue as error:
        # The service does not return 404 here, and the SDK maps this error to NotFound only for `get`.
        if "does not exist" not in str(error):
            raise


def _named(client: WorkspaceClient, spec: WorkspaceSpec, kind: JobKind) -> list[BaseJob]:
    """Return the jobs with the name of this kind, ignoring case as the service does, so that no job is missed."""
    name = kind.name(spec)
    jobs = client.jobs.list(name=name)
    return [job for job in jobs if job.settings and (job.settings.name or "").casefold() == name.casefold()]


def _is_paused(job: BaseJob) -> bool:
    triggers = (job.settings.continuous, job.settings.schedule) if job.settings else ()
    return any(trigger is not None and trigger.pause_status == PauseStatus.PAUSED for trigger in triggers)
