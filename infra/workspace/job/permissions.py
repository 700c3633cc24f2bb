"""Set who sees the job and who may change it: the groups of the file, and the owner, who stays.

The list is the job's whole direct list: the next deploy removes what was added by hand. Nobody gets a right on
the cluster: whoever may attach to it has the reader role's rights.
"""

from __future__ import annotations

from databricks.sdk import WorkspaceClient
from databricks.sdk.service.jobs import JobAccessControlRequest, JobAccessControlResponse, JobPermissionLevel

from infra.workspace.access import principals
from infra.workspace.access.principals import Principal
from infra.workspace.explain import saying
from infra.workspace.spec import Job
from infra.workspace.step import Step

Who = tuple[str, str]
"""Kind of a principal as the request spells it, and its name."""


def bring_up_to_date(client: WorkspaceClient, job: Job, job_id: int) -> Step:
    """Give the groups their rights on a job, unless they have exactly those."""
    with saying(f"Setting the permissions of the job {job_id}"):
        entries = client.jobs.get_permissions(str(job_id)).access_control_list or []
        there = {_who(entry): level for entry in entries for level in _direct(entry)}
        wanted: dict[Who, JobPermissionLevel] = {
            who: level for who, level in there.items() if level == JobPermissionLevel.IS_OWNER
        }
        if not wanted:
            # The owner was deleted. The workspace refuses every list without one.
            wanted[_new_owner(client, job_id)] = JobPermissionLevel.IS_OWNER
        wanted |= {("group_name", group): JobPermissionLevel.CAN_VIEW for group in job.can_view}
        wanted |= {("group_name", group): JobPermissionLevel.CAN_MANAGE for group in job.can_manage}
        spoken = ", ".join(f"{name}: {level.value}" for (_, name), level in sorted(wanted.items(), key=str))
        if there == wanted:
            return Step("permissions", "unchanged", spoken)
        client.jobs.set_permissions(
            str(job_id),
            access_control_list=[
                JobAccessControlRequest(permission_level=level, **{kind: name})
                for (kind, name), level in sorted(wanted.items(), key=str)
            ],
        )
        return Step("permissions", "updated", spoken)


def owner(client: WorkspaceClient, job_id: int) -> Who | None:
    """Return the owner of a job; None where it has none."""
    with saying(f"Looking at the permissions of the job {job_id}"):
        entries = client.jobs.get_permissions(str(job_id)).access_control_list or []
    owners = [_who(entry) for entry in entries if JobPermissionLevel.IS_OWNER in _direct(entry)]
    return owners[0] if owners else None


def _new_owner(client: WorkspaceClient, job_id: int) -> Who:
    """Return the creator of a job, or the deploying principal where the creator is gone."""
    creator = client.jobs.get(job_id).creator_user_name or ""
    me = client.current_user.me().user_name or ""
    for name in filter(None, (creator, me)):
        if principals.ids(client, [Principal("service principal", name)]):
            return "service_principal_name", name
        if principals.ids(client, [Principal("user", name)]):
            return "user_name", name
    return ("user_name" if "@" in me else "service_principal_name"), me


def _who(entry: JobAccessControlResponse) -> Who:
    for kind in ("group_name", "user_name", "service_principal_name"):
        if getattr(entry, kind):
            return kind, getattr(entry, kind)
    return "user_name", ""


def _direct(entry: JobAccessControlResponse) -> list[JobPermissionLevel]:
    return [
        permission.permission_level
        for permission in entry.all_permissions or []
        if not permission.inherited and permission.permission_level is not None
    ]
