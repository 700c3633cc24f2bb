"""Jobs: create, get, list, reset, update, delete."""

from __future__ import annotations

import copy
from typing import Any

from databricks.sdk.service.jobs import JobsAPI

from local.workspace import job_permissions, run_progress
from local.workspace.context import Workspace, now_ms
from local.workspace.defaults import with_defaults
from local.workspace.errors import denied, invalid
from local.workspace.exchange import Request
from local.workspace.job_settings import check_settings
from local.workspace.paging import page_of
from local.workspace.route import Route
from local.workspace.shape import of_method
from local.workspace.state import Job, Permission, Principal, State

# Settings that the list omits unless the request expands tasks.
_LEFT_OUT = ("tasks", "job_clusters", "environments", "parameters")


def find_job(state: State, job_id: int) -> Job:
    """Return a job.

    Raises:
        ApiError: 400 if the job does not exist, as in the service; the SDK turns it into "not found" for ``get`` only.
    """
    try:
        return state.jobs[job_id]
    except KeyError:
        raise invalid(f"Job {job_id} does not exist.") from None


def managed_job(state: State, caller: Principal, job_id: int, *, levels: tuple[str, ...]) -> Job:
    """Return a job on which the caller has one of the permission levels.

    Raises:
        ApiError: if the job does not exist, or if the caller has none of the levels.
    """
    job = find_job(state, job_id)
    if not job_permissions.has_level(job, caller, levels):
        raise denied(f"User {caller.name} does not have {' or '.join(levels)} permissions on job {job_id}")
    return job


def _create(workspace: Workspace, request: Request) -> dict[str, Any]:
    """Create a job. Names are not unique, so a repeated request creates a second job."""
    state, caller = workspace.state, request.caller
    settings = dict(request.body)
    access = settings.pop("access_control_list", None) or []
    check_settings(state, caller, settings)
    job = Job(state.new_id(), with_defaults(settings, every=workspace.behavior.every_default), caller.name, now_ms())
    job.permissions = [Permission(job_permissions.key_of(caller), caller.name, "IS_OWNER")]
    if access:
        job.permissions = job_permissions.replaced(state, job, access, keep_owner=True)
    state.jobs[job.job_id] = job
    run_progress.settings_changed(workspace, job, None)
    return {"job_id": job.job_id}


def _get(workspace: Workspace, request: Request) -> dict[str, Any]:
    job = managed_job(workspace.state, request.caller, request.number("job_id"), levels=job_permissions.ANY_LEVEL)
    return _document(job) | {"run_as_user_name": job.run_as}


def _document(job: Job) -> dict[str, Any]:
    return {
        "job_id": job.job_id,
        "creator_user_name": job.creator,
        "created_time": job.created_time,
        "settings": copy.deepcopy(job.settings),
    }


def _list(workspace: Workspace, request: Request) -> dict[str, Any]:
    """List the jobs that the caller can see, newest first, with tasks only if the request expands them."""
    name = request.query.get("name", "").lower() if workspace.behavior.filters else ""
    visible = [
        job
        for job in sorted(workspace.state.jobs.values(), key=lambda job: -job.job_id)
        if job_permissions.has_level(job, request.caller, job_permissions.ANY_LEVEL)
        and name in ("", str(job.settings["name"]).lower())
    ]
    page, following = page_of(request, visible, size="limit", default=20, most=100)
    shown = [_document(job) for job in page]
    if not request.switch("expand_tasks"):
        for document in shown:
            for key in _LEFT_OUT:
                document["settings"].pop(key, None)
    # The service omits the key if there is no job.
    return {"has_more": bool(following), **({"jobs": shown} if shown else {}), **following}


def _reset(workspace: Workspace, request: Request) -> dict[str, Any]:
    """Replace all settings. An active run keeps the settings it started with."""
    state = workspace.state
    job = managed_job(state, request.caller, request.body["job_id"], levels=job_permissions.MANAGING)
    new = dict(request.body["new_settings"])
    if "run_as" in job.settings:
        # Omitting run_as does not clear it.
        new.setdefault("run_as", job.settings["run_as"])
    _replace(workspace, request.caller, job, new)
    return {}


def _update(workspace: Workspace, request: Request) -> dict[str, Any]:
    """Replace some settings. The service merges lists entry by entry; lists are not supported here."""
    state = workspace.state
    job = managed_job(state, request.caller, request.body["job_id"], levels=job_permissions.MANAGING)
    new = request.body.get("new_settings") or {}
    if request.body.get("fields_to_remove") or any(isinstance(value, list) for value in new.values()):
        raise invalid("Only new_settings without lists are supported here")
    _replace(workspace, request.caller, job, {**job.settings, **new})
    return {}


def _replace(workspace: Workspace, caller: Principal, job: Job, settings: dict[str, Any]) -> None:
    check_settings(workspace.state, caller, settings)
    before, job.settings = job.settings, with_defaults(settings, every=workspace.behavior.every_default)
    run_progress.settings_changed(workspace, job, before)


def _delete(workspace: Workspace, request: Request) -> dict[str, Any]:
    """Delete a job immediately and cancel its runs, which end some time later."""
    job = managed_job(workspace.state, request.caller, request.body["job_id"], levels=job_permissions.MANAGING)
    del workspace.state.jobs[job.job_id]
    run_progress.cancel_all(workspace.state, job.job_id)
    return {}


_API = "/api/2.2/jobs"
ROUTES = (
    Route("POST", f"{_API}/create", _create, shape=of_method(JobsAPI.create)),
    Route("GET", f"{_API}/get", _get),
    Route("GET", f"{_API}/list", _list),
    Route("POST", f"{_API}/reset", _reset, shape=of_method(JobsAPI.reset)),
    Route("POST", f"{_API}/update", _update, shape=of_method(JobsAPI.update)),
    Route("POST", f"{_API}/delete", _delete, shape=of_method(JobsAPI.delete)),
)
