"""Set a job's permissions: those of the groups in the environment file, and the current owner.

They replace all direct permissions of the job, so the next deployment removes manual additions. No permissions on the
cluster are granted, because everyone who can attach to it has the reader role's permissions.
"""

from __future__ import annotations

from databricks.sdk import WorkspaceClient
from databricks.sdk.service.jobs import JobAccessControlRequest, JobPermissionLevel

from infra.workspace.access import access_list, principals
from infra.workspace.access.access_list import Who
from infra.workspace.access.principals import Principal
from infra.workspace.explain import explaining
from infra.workspace.spec import Job
from infra.workspace.step import Step


def bring_up_to_date(client: WorkspaceClient, job: Job, job_id: int, *, step: str = "permissions") -> Step:
    """Set the permissions of a job unless they are up to date; return the step under the name ``step``."""
    with explaining(f"Setting the permissions of the job {job_id}"):
        entries = client.jobs.get_permissions(str(job_id)).access_control_list or []
        current = dict(access_list.direct(entries))
        desired: dict[Who, JobPermissionLevel] = {
            principal: level for principal, level in current.items() if level == JobPermissionLevel.IS_OWNER
        }
        if not desired:
            # The owner was deleted. The workspace rejects permissions without an owner.
            desired[_new_owner(client, job_id)] = JobPermissionLevel.IS_OWNER
        desired |= {("group_name", group): JobPermissionLevel.CAN_VIEW for group in job.can_view}
        desired |= {("group_name", group): JobPermissionLevel.CAN_MANAGE for group in job.can_manage}
        summary = ", ".join(f"{name}: {level.value}" for (_, name), level in sorted(desired.items(), key=str))
        if current == desired:
            return Step(step, "unchanged", summary)
        client.jobs.set_permissions(
            str(job_id),
            access_control_list=[
                JobAccessControlRequest(permission_level=level, **{kind: name})
                for (kind, name), level in sorted(desired.items(), key=str)
            ],
        )
        return Step(step, "updated", summary)


def owner(client: WorkspaceClient, job_id: int) -> Who | None:
    """Return the owner of a job; None if it has no owner."""
    with explaining(f"Reading the permissions of the job {job_id}"):
        entries = client.jobs.get_permissions(str(job_id)).access_control_list or []
    owners = [who for who, level in access_list.direct(entries) if level == JobPermissionLevel.IS_OWNER]
    return owners[0] if owners else None


def _new_owner(client: WorkspaceClient, job_id: int) -> Who:
    """Return the creator of a job, or the deploying principal if the creator no longer exists."""
    creator = client.jobs.get(job_id).creator_user_name or ""
    me = client.current_user.me().user_name or ""
    for name in filter(None, (creator, me)):
        if principals.ids(client, [Principal("service principal", name)]):
            return "service_principal_name", name
        if principals.ids(client, [Principal("user", name)]):
            return "user_name", name
    return ("user_name" if "@" in me else "service_principal_name"), me
