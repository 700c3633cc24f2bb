"""Find the streaming job by the deployment's tag; create it once, keep it up to date, remove it."""

from __future__ import annotations

from contextlib import suppress

from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import BadRequest, InvalidParameterValue, NotFound, PermissionDenied
from databricks.sdk.service.jobs import BaseJob, Continuous, CronSchedule, JobSettings, PauseStatus

from infra.workspace.errors import DeploymentError
from infra.workspace.explain import saying
from infra.workspace.job import identity
from infra.workspace.job.job_diff import differences
from infra.workspace.job.job_settings import DEFINITION_TAG, ENVIRONMENT_TAG
from infra.workspace.job.runs import end_job_runs
from infra.workspace.pace import Pace
from infra.workspace.spec import WorkspaceSpec
from infra.workspace.step import Step

# What a run is made of; anything else may change under it.
_OF_A_RUN = ("tasks", "job_clusters", "continuous", "schedule", "run_as")


def url(host: str, job_id: int) -> str:
    """Return the URL of the job's page."""
    return f"{host}/jobs/{job_id}"


def find(client: WorkspaceClient, spec: WorkspaceSpec) -> list[BaseJob]:
    """Return the environment's job, and after it the doubles of a create whose answer got lost."""
    with saying("Looking for the job"):
        # The name first: it saves paging through all jobs. Somebody may have changed it, so the tag decides.
        named = [job for job in _named(client, spec) if _is_ours(job, spec)]
        found = named or [job for job in client.jobs.list() if _is_ours(job, spec)]
        found.sort(key=lambda job: (job.created_time or 0, job.job_id or 0))
        # A copy that somebody made has our tag too, but another name, or it runs: it is theirs.
        return found[:1] + [job for job in found[1:] if job in named and _is_paused(job)]


def problems(client: WorkspaceClient, spec: WorkspaceSpec) -> list[str]:
    """Return a problem if the name is taken by another job, or our job belongs to another AWS account."""
    if found := find(client, spec):
        profile = profile_of(client, found[0].job_id or 0)
        if profile is None or _account(profile) == _account(spec.profile.arn):
            return []
        problem = (
            f"the job {found[0].job_id} of an environment {spec.environment!r} runs with {profile}, of another AWS "
            "account: give this environment's file another name"
        )
        return [problem]
    with saying("Looking for the job"):
        others = [job.job_id for job in _named(client, spec)]
    problem = (
        f"the job name {spec.job.name!r} is taken by job {others[0] if others else None}, which is not this "
        "deployment's and stays as it is: rename that job, or give the environment's file another name"
    )
    return [problem] if others else []


def profile_of(client: WorkspaceClient, job_id: int) -> str | None:
    """Return the ARN of the instance profile of a job's cluster."""
    with saying(f"Looking at the job {job_id}"):
        settings = client.jobs.get(job_id).settings
    for cluster in (settings.job_clusters if settings else None) or []:
        if cluster.new_cluster and cluster.new_cluster.aws_attributes:
            return cluster.new_cluster.aws_attributes.instance_profile_arn
    return None


def bring_up_to_date(
    client: WorkspaceClient, spec: WorkspaceSpec, wanted: JobSettings, *, pace: Pace
) -> tuple[Step, int]:
    """Create the job, or change it to the wanted settings if it differs; return the step and the job's ID.

    A run with an old definition is ended before the new one starts. Nothing is written if nothing differs.
    """
    found = find(client, spec)
    if not found:
        job_id = _create(client, spec, wanted)
        return Step("job", "created", url(spec.host, job_id)), job_id
    job_id = found[0].job_id or 0
    for double in found[1:]:
        remove(client, double.job_id or 0, pace=pace)
    with saying(f"Looking at the job {job_id}"):
        there = client.jobs.get(job_id)
    settings = there.settings or JobSettings()
    changed = differences(wanted, settings)
    if (owner := identity.to_set_again(client, there)) is not None:
        wanted.run_as = owner
        changed.append("run_as")
    if not changed:
        return Step("job", "unchanged", url(spec.host, job_id)), job_id
    places = [place for place in changed if place != f"tags.{DEFINITION_TAG}"]
    if spec.job.pause or any(place.startswith(_OF_A_RUN) for place in places):
        changing = _changing(wanted)
        with saying(f"Pausing the job {job_id}"):
            if changing.run_as or differences(changing, settings):
                _reset(client, job_id, changing)
        end_job_runs(client, job_id, pace=pace)
    with saying(f"Changing the job {job_id}"):
        _reset(client, job_id, wanted)
    return Step("job", "updated", f"{url(spec.host, job_id)} ({', '.join(places) or 'its tag'})"), job_id


def remove(client: WorkspaceClient, job_id: int, *, pace: Pace) -> None:
    """Pause a job, end its runs, and delete it, if it is still there."""
    with saying(f"Pausing the job {job_id}"):
        try:
            _pause(client, job_id)
        except NotFound:
            return
    end_job_runs(client, job_id, pace=pace)
    with saying(f"Deleting the job {job_id}"):
        _delete(client, job_id)


def _create(client: WorkspaceClient, spec: WorkspaceSpec, wanted: JobSettings) -> int:
    """Create the job paused, make sure that it is the only one, and start it.

    A create may take effect and its answer be lost; the SDK then sends it again. Two paused jobs do no harm, two
    streams on one checkpoint would.
    """
    with saying("Creating the job"):
        made = wanted if spec.job.pause else _changing(wanted)
        client.jobs.create(**{name: value for name, value in vars(made).items() if value is not None})
        first, *doubles = find(client, spec)
        for double in doubles:
            _delete(client, double.job_id or 0)
        if not spec.job.pause:
            client.jobs.reset(first.job_id or 0, wanted)
    return first.job_id or 0


def _changing(wanted: JobSettings) -> JobSettings:
    """Return the settings of a job during a change: paused, and with a tag that no complete one has."""
    changing = JobSettings.from_dict(wanted.as_dict())
    for trigger in (changing.continuous, changing.schedule):
        if trigger is not None:
            trigger.pause_status = PauseStatus.PAUSED
    changing.tags = {**(changing.tags or {}), DEFINITION_TAG: "changing"}
    return changing


def _reset(client: WorkspaceClient, job_id: int, settings: JobSettings) -> None:
    """Replace the settings of a job; one that is gone by now is reported as that, whatever the answer.

    Permissions are looked at before existence, so the answer may be that of a missing right.
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
    """Pause a job that is to go; its other settings stay."""
    settings = client.jobs.get(job_id).settings or JobSettings()
    paused = JobSettings()
    if settings.continuous:
        paused.continuous = Continuous(pause_status=PauseStatus.PAUSED)
    if settings.schedule:
        paused.schedule = CronSchedule.from_dict({**settings.schedule.as_dict(), "pause_status": "PAUSED"})
    # Refused where the job has become impossible, its runtime or node type gone: it runs no more then.
    with suppress(BadRequest):
        client.jobs.update(job_id, new_settings=paused)


def _delete(client: WorkspaceClient, job_id: int) -> None:
    try:
        client.jobs.delete(job_id)
    except NotFound:
        return
    except InvalidParameterValue as error:
        # The service has no 404 for this, and the SDK makes one of it for `get` alone.
        if "does not exist" not in str(error):
            raise


def _named(client: WorkspaceClient, spec: WorkspaceSpec) -> list[BaseJob]:
    """Return the jobs of the deployment's name, compared as the service does: a refusal depends on it."""
    name = spec.job.name.casefold()
    found = client.jobs.list(name=spec.job.name)
    return [job for job in found if job.settings and (job.settings.name or "").casefold() == name]


def _is_paused(job: BaseJob) -> bool:
    triggers = (job.settings.continuous, job.settings.schedule) if job.settings else ()
    return any(trigger is not None and trigger.pause_status == PauseStatus.PAUSED for trigger in triggers)


def _is_ours(job: BaseJob, spec: WorkspaceSpec) -> bool:
    return bool(job.settings and (job.settings.tags or {}).get(ENVIRONMENT_TAG) == spec.environment)


def _account(arn: str) -> str:
    return arn.split(":")[4]
