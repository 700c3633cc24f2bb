"""Deploy, verify and destroy the workspace half of an environment.

Every step reads the current state first and writes only what differs. Each function can therefore be called again
after a failure, and a second call after success writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from databricks.sdk import WorkspaceClient

from infra.workspace import preflight
from infra.workspace.access import grants, instance_profile
from infra.workspace.access.principals import Principal
from infra.workspace.aws.tear_down import Aws, tear_down_reachable
from infra.workspace.dashboard import dashboards
from infra.workspace.errors import DeploymentError
from infra.workspace.job import deployed_job, jobs, verification
from infra.workspace.job.job_kind import STREAMING
from infra.workspace.job.runs import end_single_runs
from infra.workspace.memory import Memory
from infra.workspace.pace import Pace
from infra.workspace.spec import Logs, WorkspaceSpec
from infra.workspace.step import Step, Steps
from infra.workspace.unity import catalog
from infra.workspace.wheel import upload
from infra.workspace.wheel.wheel_file import WheelFile


@dataclass(frozen=True)
class Deployment:
    """The result: the steps, the job, the table's name, and the maintenance job and the dashboard, if any."""

    steps: tuple[Step, ...]
    job_id: int
    job_url: str
    table: str
    maintenance_id: int | None = None
    maintenance_url: str | None = None
    dashboard_id: str | None = None
    dashboard_url: str | None = None


def deploy(
    client: WorkspaceClient,
    spec: WorkspaceSpec,
    *,
    wheel_file: WheelFile,
    aws: Aws,
    pace: Pace,
    previous_streams: Iterable[Logs] = (),
    template: str = "",
) -> Deployment:
    """Bring the workspace in line with the settings.

    Args:
        client: client for the workspace.
        spec: the desired state.
        wheel_file: the job's wheel.
        aws: clients that remove Auto Loader's resources for former streams; not used otherwise.
        pace: waits and reports each step.
        previous_streams: Auto Loader streams of earlier settings, in addition to those in the memory.
        template: template of the dashboard; not used if the settings have no warehouse.

    Raises:
        DeploymentError: the deployment cannot continue. Calling the function again resumes it.
        NotYet: a wait is needed, and ``pace`` does not wait.
    """
    done = Steps(pace.report)
    path = upload.path_of(spec.folder, wheel_file)
    _await_verify_run(client, spec, wheel_path=path, pace=pace)
    checks = preflight.check(client, spec)
    done.add(*checks.notes)
    pace.check()
    memory = Memory.read(client, spec.folder)
    done.add(instance_profile.register(client, spec.profile, pace=pace))
    pace.check()
    done.add(*grants.grant(client, profile=spec.profile.arn, ids=checks.grantee_ids, memory=memory, pace=pace))
    pace.check()
    done.add(upload.upload(client, spec.folder, wheel_file))
    pace.check()
    done.add(*catalog.create(client, checks.names))
    pace.check()
    if spec.verify:
        verified = verification.ensure(
            client,
            spec,
            wheel_path=path,
            has_disk=checks.has_disk,
            memory=memory,
            pace=pace,
            if_denied=checks.if_denied,
        )
        done.add(verified)
        pace.check()
    # Record the streams before the job runs: its AWS resources must be known even if this call ends here.
    memory.update(streams=_streams(spec, memory, previous_streams))
    ids = jobs.bring_up_to_date(
        client,
        spec,
        wheel_path=path,
        has_disk=checks.has_disk,
        maintenance_has_disk=checks.maintenance_has_disk,
        done=done,
        pace=pace,
    )
    # After the jobs, so that a failure here does not keep the logs from being loaded.
    dashboard = dashboards.bring_up_to_date(client, spec, template=template, memory=memory, done=done, pace=pace)
    done.add(*upload.remove_others(client, spec.folder, wheel_file))
    pace.check()
    done.add(*_leave_replaced_profiles(client, spec, memory))
    pace.check()
    done.add(*_leave_streams(spec, aws, memory))
    return Deployment(
        steps=tuple(done.completed),
        job_id=ids.streaming,
        job_url=deployed_job.url(spec.host, ids.streaming),
        table=spec.table,
        maintenance_id=ids.maintenance,
        maintenance_url=deployed_job.url(spec.host, ids.maintenance) if ids.maintenance is not None else None,
        dashboard_id=dashboard,
        dashboard_url=dashboards.url(spec.host, dashboard) if dashboard is not None else None,
    )


def verify(client: WorkspaceClient, spec: WorkspaceSpec, *, wheel_file: WheelFile, pace: Pace) -> tuple[Step, ...]:
    """Verify again, even if the same settings passed before; the profile must be registered.

    Raises:
        DeploymentError: the profile is not registered, or the run failed.
        NotYet: as in ``deploy``.
    """
    if instance_profile.find(client, spec.profile.arn) is None:
        raise DeploymentError(
            f"The workspace {spec.host} does not have the instance profile {spec.profile.arn}",
            advice="Deploy first: .venv/bin/python -m infra.workspace deploy --env " + spec.environment,
        )
    done = Steps(pace.report)
    done.add(upload.upload(client, spec.folder, wheel_file))
    pace.check()
    has_disk = preflight.has_disk(client, spec)
    memory = Memory.read(client, spec.folder)
    memory.ignore_passed()
    path = upload.path_of(spec.folder, wheel_file)
    done.add(verification.ensure(client, spec, wheel_path=path, has_disk=has_disk, memory=memory, pace=pace))
    return tuple(done.completed)


def destroy(
    client: WorkspaceClient, spec: WorkspaceSpec, *, aws: Aws, pace: Pace, whole: bool = True
) -> tuple[Step, ...]:
    """Remove what ``deploy`` and Auto Loader created. Data, tables, checkpoints, schemas and volumes stay.

    Args:
        client: client for the workspace.
        spec: the deployed state.
        aws: clients that remove Auto Loader's resources.
        pace: waits and reports each step.
        whole: remove the whole environment; if False and another profile has replaced the profile of ``spec``, remove
            only the replaced profile.

    Raises:
        DeploymentError: the removal cannot continue. Calling the function again resumes it.
        NotYet: as in ``deploy``.
    """
    done = Steps(pace.report)
    memory = Memory.read(client, spec.folder)
    if not whole and (successor := _successor(client, spec, memory)):
        done.add(Step("job", "unchanged", f"stays: {successor} has replaced this profile"))
        pace.check()
        done.add(*_leave_profile(client, spec.profile.arn, memory))
        pace.check()
        memory.remove_grants(spec.profile.arn)
        return tuple(done.completed)
    jobs.remove(client, spec, done=done, pace=pace)
    if end_single_runs(client, verification.run_name(spec), pace=pace):
        done.add(Step("verify run", "removed"))
        pace.check()
    for arn in dict.fromkeys((spec.profile.arn, *memory.value.granted)):
        done.add(*_leave_profile(client, arn, memory))
        pace.check()
    done.add(*tear_down_reachable(aws, _streams(spec, memory, []), bucket=spec.logs.bucket)[0])
    pace.check()
    # Before its folder, because nothing documents that deleting the folder ends the publication.
    dashboards.remove(client, spec, memory, done=done, pace=pace)
    # Last, because the folder holds the memory.
    done.add(*upload.remove_folder(client, spec.folder))
    return tuple(done.completed)


def _await_verify_run(client: WorkspaceClient, spec: WorkspaceSpec, *, wheel_path: str, pace: Pace) -> None:
    """Wait for the verify run of an earlier call before the preflight checks repeat their requests."""
    try:
        memory = Memory.read(client, spec.folder)
    except DeploymentError:  # the preflight checks may report a clearer cause; the memory is read again after them
        return
    verification.await_under_way(client, spec, wheel_path=wheel_path, memory=memory, pace=pace)


def _streams(spec: WorkspaceSpec, memory: Memory, previous_streams: Iterable[Logs]) -> tuple[Logs, ...]:
    current = [spec.logs] if spec.auto_loader else []
    # Keep the newest of equal streams: those that an older version recorded have no checkpoint.
    return tuple({stream: stream for stream in (*memory.value.streams, *previous_streams, *current)}.values())


def _leave_streams(spec: WorkspaceSpec, aws: Aws, memory: Memory) -> list[Step]:
    """Remove Auto Loader's resources for former streams; the updated job no longer reads them."""
    current = [spec.logs] if spec.auto_loader else []
    former = [stream for stream in memory.value.streams if stream not in current]
    steps, kept = tear_down_reachable(aws, former, bucket=spec.logs.bucket)
    memory.update(streams=(*kept, *current))
    return steps


def _leave_replaced_profiles(client: WorkspaceClient, spec: WorkspaceSpec, memory: Memory) -> list[Step]:
    """Remove the profiles that the jobs used before; the updated jobs use the new one."""
    steps = []
    for arn in [arn for arn in memory.value.granted if arn != spec.profile.arn]:
        steps += _leave_profile(client, arn, memory)
        memory.remove_grants(arn)
    return steps


def _leave_profile(client: WorkspaceClient, arn: str, memory: Memory) -> list[Step]:
    grantees = [Principal.of(text) for text in memory.value.granted.get(arn, ())]
    steps = grants.withdraw(client, profile=arn, whom=grantees)
    removed = instance_profile.remove(client, arn)
    return [*steps, removed] if removed else steps


def _successor(client: WorkspaceClient, spec: WorkspaceSpec, memory: Memory) -> str | None:
    """Return the profile that replaced this one: the job's profile or, without a job, another granted profile."""
    found = deployed_job.find(client, spec, STREAMING)
    job_profile = deployed_job.profile_of(client, found[0].job_id or 0) if found else None
    if job_profile is not None:
        return job_profile if job_profile != spec.profile.arn else None
    return next((arn for arn in memory.value.granted if arn != spec.profile.arn), None)
