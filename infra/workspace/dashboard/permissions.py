"""Set the permissions on the dashboard: the groups that can view or manage the jobs can read it.

They replace all direct permissions, so the next deployment removes manual additions. The deploying identity keeps the
permission that it got when it created the dashboard. Admins can manage every dashboard.
"""

from __future__ import annotations

from databricks.sdk import WorkspaceClient
from databricks.sdk.service.iam import AccessControlRequest, PermissionLevel

from infra.workspace.access import access_list
from infra.workspace.explain import explaining
from infra.workspace.spec import Job
from infra.workspace.step import Step

STEP = "permissions of the dashboard"
_TYPE = "dashboards"


def bring_up_to_date(client: WorkspaceClient, job: Job, dashboard_id: str) -> Step:
    """Set the permissions of a dashboard unless they are up to date."""
    with explaining(f"Setting the permissions of the dashboard {dashboard_id}"):
        entries = client.permissions.get(_TYPE, dashboard_id).access_control_list or []
        current = dict(access_list.direct(entries))
        groups = dict.fromkeys((*job.can_view, *job.can_manage))
        desired = {("group_name", group): PermissionLevel.CAN_READ for group in groups}
        summary = ", ".join(f"{group}: {PermissionLevel.CAN_READ.value}" for group in sorted(groups))
        if current == desired:
            return Step(STEP, "unchanged", summary)
        me = client.current_user.me().user_name
        desired |= {principal: level for principal, level in current.items() if principal[1] == me}
        if current == desired:
            return Step(STEP, "unchanged", summary)
        client.permissions.set(
            _TYPE,
            dashboard_id,
            access_control_list=[
                AccessControlRequest(permission_level=level, **{kind: name})
                for (kind, name), level in sorted(desired.items(), key=str)
            ],
        )
        return Step(STEP, "updated", summary)
