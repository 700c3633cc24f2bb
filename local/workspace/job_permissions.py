"""Permissions on jobs."""

from __future__ import annotations

from typing import Any, Literal

from databricks.sdk.service.jobs import JobsAPI

from local.workspace.context import Workspace
from local.workspace.errors import denied, invalid, not_found
from local.workspace.exchange import Request
from local.workspace.route import Route
from local.workspace.shape import of_method
from local.workspace.state import ADMINS, Job, Kind, Permission, Principal, State

Key = Literal["group_name", "user_name", "service_principal_name"]
_KEYS: dict[Key, tuple[Kind, str]] = {
    "group_name": ("Groups", "GroupName"),
    "user_name": ("Users", "UserName"),
    "service_principal_name": ("ServicePrincipals", "ServicePrincipalName"),
}
MANAGING = ("IS_OWNER", "CAN_MANAGE")
STARTING = (*MANAGING, "CAN_MANAGE_RUN")
ANY_LEVEL = (*STARTING, "CAN_VIEW")


def key_of(principal: Principal) -> Key:
    """Return the key that names a principal of this kind."""
    return next(key for key, (kind, _) in _KEYS.items() if kind == principal.kind)


def has_level(job: Job, caller: Principal, levels: tuple[str, ...]) -> bool:
    """Return whether a caller has one of the levels on a job: directly, through a group, or as an administrator."""
    return caller.admin or any(
        permission.level in levels
        and (permission.name in caller.groups if permission.key == "group_name" else permission.name == caller.name)
        for permission in job.permissions
    )


def replaced(state: State, job: Job, access: list[dict[str, Any]], *, keep_owner: bool = False) -> list[Permission]:
    """Return a job's permissions after all of them are replaced.

    Args:
        state: the state, with the principals.
        job: the job.
        access: the new ``access_control_list``.
        keep_owner: whether the owner stays if the list has none, as in ``jobs/create``.

    Raises:
        ApiError: if a principal does not exist, or if there is not exactly one owner.
    """
    permissions = [permission_of(state, entry) for entry in access]
    # The last of several entries for the same principal wins.
    new = list({(permission.key, permission.name): permission for permission in permissions}.values())
    owners = [permission for permission in new if permission.level == "IS_OWNER"]
    if not owners and keep_owner:
        new = [*(permission for permission in job.permissions if permission.level == "IS_OWNER"), *new]
    elif len(owners) != 1:
        raise invalid("The job must have exactly one owner.")
    return new


def permission_of(state: State, entry: dict[str, Any]) -> Permission:
    """Return the permission in an entry of a request.

    Raises:
        ApiError: if the entry is not valid, or its principal does not exist.
    """
    named = [(key, entry[key]) for key in _KEYS if entry.get(key)]
    if len(named) != 1 or not entry.get("permission_level"):
        raise invalid("Each entry needs a permission_level and exactly one principal")
    (key, name), level = named[0], entry["permission_level"]
    kind, noun = _KEYS[key]
    if not any(each.kind == kind and each.name == name for each in state.principals.values()):
        raise not_found(f"Principal: {noun}({name}) does not exist")
    if level == "IS_OWNER" and key == "group_name":
        raise invalid("Groups can not be owners")
    return Permission(key, name, level)


def _get(workspace: Workspace, request: Request) -> dict[str, Any]:
    return _document(workspace.state, _job(workspace, request, ANY_LEVEL))


def _set(workspace: Workspace, request: Request) -> dict[str, Any]:
    """Replace the permissions on the job."""
    job = _job(workspace, request, MANAGING)
    job.permissions = replaced(workspace.state, job, request.body.get("access_control_list") or [])
    return _document(workspace.state, job)


def _job(workspace: Workspace, request: Request, levels: tuple[str, ...]) -> Job:
    text = request.params["job_id"]
    job = workspace.state.jobs.get(int(text)) if text.isdigit() else None
    if job is None:
        raise not_found(f"Job {text} does not exist.")
    if not has_level(job, request.caller, levels):
        raise denied(f"User {request.caller.name} does not have {' or '.join(levels)} permissions on job {text}")
    return job


def entry_of(state: State, permission: Permission) -> dict[str, Any]:
    """Return a permission as an entry of a response."""
    entry: dict[str, Any] = {permission.key: permission.name}
    if permission.key == "service_principal_name":
        entry["display_name"] = state.principal(permission.name).display_name
    return entry | {"all_permissions": [{"permission_level": permission.level, "inherited": False}]}


def _document(state: State, job: Job) -> dict[str, Any]:
    entries = [entry_of(state, permission) for permission in job.permissions]
    from_above = {"permission_level": "CAN_MANAGE", "inherited": True, "inherited_from_object": ["/jobs/"]}
    entries.append({"group_name": ADMINS, "all_permissions": [from_above]})
    return {"object_id": f"/jobs/{job.job_id}", "object_type": "job", "access_control_list": entries}


_PATH = "/api/2.0/permissions/jobs/{job_id}"
ROUTES = (
    Route("GET", _PATH, _get),
    Route("PUT", _PATH, _set, shape=of_method(JobsAPI.set_permissions, but=("job_id",))),
)
