"""Deploy, verify and destroy the workspace half of an environment.

Every step looks first and writes only what differs, so each of these may be called again after anything went wrong,
and a second call of what is done writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from databricks.sdk import WorkspaceClient

from infra.workspace import memory as remembered
from infra.workspace import preflight
from infra.workspace.access import grants, instance_profile
from infra.workspace.access.principals import Principal
from infra.workspace.aws.tear_down import Aws, tear_down
from infra.workspace.errors import DeploymentError, composed
from infra.workspace.job import job_settings, permissions, streaming_job, verification
from infra.workspace.job.runs import end_single_runs
from infra.workspace.memory import Remembered
from infra.workspace.pace import Pace
from infra.workspace.spec import Logs, WorkspaceSpec
from infra.workspace.step import Step
from infra.workspace.unity import catalog
from infra.workspace.wheel import upload
from infra.workspace.wheel.wheel_file import WheelFile


@dataclass(frozen=True)
class Deployment:
    """The result of a deployment: its steps, and where the job is."""

    steps: tuple[Step, ...]
    job_id: int
    job_url: str
    table: str


def deploy(
    client: WorkspaceClient,
    spec: WorkspaceSpec,
    *,
    wheel_file: WheelFile,
    aws: Aws,
    pace: Pace,
    left: Iterable[Logs] = (),
) -> Deployment:
    """Bring the workspace in line with the settings.

    Args:
        client: of the workspace.
        spec: what it is to hold.
        wheel_file: the job's wheel.
        aws: for what Auto Loader made, when the settings lead away from it; not used otherwise.
        pace: how to wait, and whom to tell of each step.
        left: streams of Auto Loader that earlier settings had, in addition to those that are remembered.

    Raises:
        DeploymentError: it cannot go on. The same call finishes what is half done.
        NotYet: there is something to wait for, and ``pace`` does not wait.
    """
    done = _Steps(pace)
    path = upload.path_of(spec.folder, wheel_file)
    _await_verify_run(client, spec, wheel_path=path, pace=pace)
    looked = preflight.look(client, spec)
    done.add(*looked.notes)
    memory = remembered.read(client, spec.folder)
    done.add(instance_profile.register(client, spec.profile, pace=pace))
    steps, memory = grants.grant(
        client, profile=spec.profile.arn, wanted=looked.wanted, folder=spec.folder, memory=memory, pace=pace
    )
    done.add(*steps)
    done.add(upload.upload(client, spec.folder, wheel_file))
    done.add(*catalog.create(client, looked.names))
    if spec.verify:
        step, memory = verification.ensure(
            client,
            spec,
            wheel_path=path,
            has_disk=looked.has_disk,
            memory=memory,
            pace=pace,
            if_denied=looked.if_denied,
        )
        done.add(step)
    streams = _streams(spec, memory, left)
    # Before the job runs: what it makes in AWS must be known even if this call ends here.
    memory = remembered.write(client, spec.folder, old=memory, new=replace(memory, streams=streams))
    wanted = job_settings.settings(spec, wheel_path=path, has_disk=looked.has_disk)
    step, job_id = streaming_job.bring_up_to_date(client, spec, wanted, pace=pace)
    done.add(step)
    done.add(permissions.bring_up_to_date(client, spec.job, job_id))
    done.add(*upload.remove_others(client, spec.folder, wheel_file))
    done.add(*_leave_replaced_profiles(client, spec, memory))
    done.add(*_leave_streams(client, spec, aws, memory))
    return Deployment(
        steps=tuple(done.steps), job_id=job_id, job_url=streaming_job.url(spec.host, job_id), table=spec.table
    )


def verify(client: WorkspaceClient, spec: WorkspaceSpec, *, wheel_file: WheelFile, pace: Pace) -> tuple[Step, ...]:
    """Verify again, whatever passed before; the profile has to be registered.

    Raises:
        DeploymentError: the profile is not registered, or the run failed.
        NotYet: as in ``deploy``.
    """
    if instance_profile.find(client, spec.profile.arn) is None:
        raise DeploymentError(
            f"The workspace {spec.host} does not have the instance profile {spec.profile.arn}",
            advice="Deploy first: .venv/bin/python -m infra.workspace deploy --env " + spec.environment,
        )
    done = _Steps(pace)
    done.add(upload.upload(client, spec.folder, wheel_file))
    step, _ = verification.ensure(
        client,
        spec,
        wheel_path=upload.path_of(spec.folder, wheel_file),
        has_disk=preflight.has_disk(client, spec),
        memory=verification.forgotten(remembered.read(client, spec.folder)),
        pace=pace,
    )
    done.add(step)
    return tuple(done.steps)


def destroy(
    client: WorkspaceClient, spec: WorkspaceSpec, *, aws: Aws, pace: Pace, whole: bool = True
) -> tuple[Step, ...]:
    """Remove what ``deploy`` and Auto Loader created. Data, tables, checkpoints, schemas and volumes stay.

    Args:
        client: of the workspace.
        spec: what it was to hold.
        aws: for what Auto Loader made.
        pace: how to wait, and whom to tell of each step.
        whole: the whole environment; else only the profile of ``spec``, if another one took its place.

    Raises:
        DeploymentError: it cannot go on. The same call finishes what is half done.
        NotYet: as in ``deploy``.
    """
    done = _Steps(pace)
    memory = remembered.read(client, spec.folder)
    if not whole and (successor := _successor(client, spec, memory)):
        done.add(Step("job", "unchanged", f"stays: {successor} took this profile's place"))
        done.add(*_leave_profile(client, spec.profile.arn, memory))
        forgotten = memory.with_grants(spec.profile.arn, None)
        remembered.write(client, spec.folder, old=memory, new=forgotten)
        return tuple(done.steps)
    for found in streaming_job.find(client, spec):
        streaming_job.remove(client, found.job_id or 0, pace=pace)
        done.add(Step("job", "removed", streaming_job.url(spec.host, found.job_id or 0)))
    if end_single_runs(client, verification.run_name(spec), pace=pace):
        done.add(Step("verify run", "removed"))
    for arn in dict.fromkeys((spec.profile.arn, *memory.granted)):
        done.add(*_leave_profile(client, arn, memory))
    done.add(*_tear_down(aws, spec, _streams(spec, memory, []))[0])
    # Last, with all that is remembered in it.
    done.add(*upload.remove_folder(client, spec.folder))
    return tuple(done.steps)


def _await_verify_run(client: WorkspaceClient, spec: WorkspaceSpec, *, wheel_path: str, pace: Pace) -> None:
    """Wait for the verify run of an earlier call, before the requests of all the checks are repeated."""
    try:
        memory = remembered.read(client, spec.folder)
    except DeploymentError:  # the checks that follow may know better why, and then it is read again
        return
    verification.await_under_way(client, spec, wheel_path=wheel_path, memory=memory, pace=pace)


class _Steps:
    """Steps that are done, each reported at once; between them there has to be time left."""

    def __init__(self, pace: Pace) -> None:
        self.steps: list[Step] = []
        self._pace = pace

    def add(self, *steps: Step | None) -> None:
        for step in steps:
            if step is not None:
                self.steps.append(step)
                self._pace.report(step)
        self._pace.check()


def _streams(spec: WorkspaceSpec, memory: Remembered, left: Iterable[Logs]) -> tuple[Logs, ...]:
    now = [spec.logs] if spec.auto_loader else []
    # The newest of equal streams: what an older version remembered has no checkpoint.
    return tuple({stream: stream for stream in (*memory.streams, *left, *now)}.values())


def _leave_streams(client: WorkspaceClient, spec: WorkspaceSpec, aws: Aws, memory: Remembered) -> list[Step]:
    """Take down what Auto Loader made for streams that the job no longer has; the job by now runs without them."""
    now = [spec.logs] if spec.auto_loader else []
    gone = [stream for stream in memory.streams if stream not in now]
    steps, kept = _tear_down(aws, spec, gone)
    remembered.write(client, spec.folder, old=memory, new=replace(memory, streams=(*kept, *now)))
    return steps


def _tear_down(aws: Aws, spec: WorkspaceSpec, streams: Sequence[Logs]) -> tuple[list[Step], list[Logs]]:
    """Take down what Auto Loader made; the steps, and the streams of former buckets that are out of reach.

    The function's rights end at the bucket of the settings. A person's may go further: so they stay remembered.
    """
    steps = tear_down(aws, [stream for stream in streams if stream.bucket == spec.logs.bucket])
    kept = []
    for stream in streams:
        if stream.bucket != spec.logs.bucket:
            try:
                steps += tear_down(aws, [stream])
            except DeploymentError as error:
                kept.append(stream)
                advice = "A deployment by hand with rights there removes it"
                text = composed(f"left for {stream.bucket}", words=str(error), advice=advice)
                steps.append(Step("what Auto Loader created", "unchanged", text))
    return steps, kept


def _leave_replaced_profiles(client: WorkspaceClient, spec: WorkspaceSpec, memory: Remembered) -> list[Step]:
    """Remove the profiles that the job used before: by now it uses the new one."""
    steps = []
    for arn in [arn for arn in memory.granted if arn != spec.profile.arn]:
        steps += _leave_profile(client, arn, memory)
        memory = remembered.write(client, spec.folder, old=memory, new=memory.with_grants(arn, None))
    return steps


def _leave_profile(client: WorkspaceClient, arn: str, memory: Remembered) -> list[Step]:
    whom = [Principal.of(text) for text in memory.granted.get(arn, ())]
    steps = grants.withdraw(client, profile=arn, whom=whom)
    removed = instance_profile.remove(client, arn)
    return [*steps, removed] if removed else steps


def _successor(client: WorkspaceClient, spec: WorkspaceSpec, memory: Remembered) -> str | None:
    """Return the profile that replaced this one: the job's, or one that was granted for a job to come."""
    found = streaming_job.find(client, spec)
    used = streaming_job.profile_of(client, found[0].job_id or 0) if found else None
    if used is not None:
        return used if used != spec.profile.arn else None
    return next((arn for arn in memory.granted if arn != spec.profile.arn), None)
