"""The two jobs of an environment: bring both up to date, and remove them."""

from __future__ import annotations

from dataclasses import dataclass

from databricks.sdk import WorkspaceClient

from infra.workspace.job import deployed_job, job_settings, permissions
from infra.workspace.job.job_kind import MAINTENANCE, STREAMING, JobKind
from infra.workspace.pace import Pace
from infra.workspace.spec import WorkspaceSpec
from infra.workspace.step import Step, Steps


@dataclass(frozen=True)
class JobIds:
    """The IDs of the jobs; ``maintenance`` is None if the environment has no maintenance job."""

    streaming: int
    maintenance: int | None


def bring_up_to_date(
    client: WorkspaceClient,
    spec: WorkspaceSpec,
    *,
    wheel_path: str,
    has_disk: bool,
    maintenance_has_disk: bool,
    done: Steps,
    pace: Pace,
) -> JobIds:
    """Create or change both jobs and their permissions; remove a maintenance job that is not in the settings.

    The maintenance job comes last, so that a failure there does not keep the logs from being loaded.
    """
    desired = job_settings.settings(spec, wheel_path=wheel_path, has_disk=has_disk)
    step, streaming = deployed_job.bring_up_to_date(client, spec, STREAMING, desired=desired, pace=pace)
    done.add(step)
    pace.check()
    done.add(permissions.bring_up_to_date(client, spec.job, streaming))
    pace.check()
    if spec.maintenance is None:
        _remove(client, spec, MAINTENANCE, done=done, pace=pace)
        return JobIds(streaming, None)
    desired = job_settings.maintenance_settings(
        spec, spec.maintenance, wheel_path=wheel_path, has_disk=maintenance_has_disk
    )
    step, maintenance = deployed_job.bring_up_to_date(client, spec, MAINTENANCE, desired=desired, pace=pace)
    done.add(step)
    pace.check()
    step_name = f"permissions of the {MAINTENANCE.noun}"
    done.add(permissions.bring_up_to_date(client, spec.job, maintenance, step=step_name))
    pace.check()
    return JobIds(streaming, maintenance)


def remove(client: WorkspaceClient, spec: WorkspaceSpec, *, done: Steps, pace: Pace) -> None:
    """Remove both jobs, regardless of the settings."""
    for kind in (STREAMING, MAINTENANCE):
        _remove(client, spec, kind, done=done, pace=pace)


def _remove(client: WorkspaceClient, spec: WorkspaceSpec, kind: JobKind, *, done: Steps, pace: Pace) -> None:
    for job in deployed_job.find(client, spec, kind):
        deployed_job.remove(client, job.job_id or 0, pace=pace)
        done.add(Step(kind.noun, "removed", deployed_job.url(spec.host, job.job_id or 0)))
        pace.check()
