"""Instance profiles: list, add, edit, remove. The API has no get."""

from __future__ import annotations

import re
from typing import Any

from databricks.sdk.service.compute import InstanceProfilesAPI

from local.workspace.context import Workspace
from local.workspace.errors import exists, invalid, not_found
from local.workspace.exchange import Request
from local.workspace.route import Route
from local.workspace.shape import of_method
from local.workspace.state import InstanceProfile, Principal, State

_PROFILE_ARN = re.compile(r"arn:aws(-[a-z]+)*:iam::\d{12}:instance-profile/([\w+=,.@-]+/)*[\w+=,.@-]{1,128}")
_ROLE_ARN = re.compile(r"arn:aws(-[a-z]+)*:iam::\d{12}:role/([\w+=,.@-]+/)*[\w+=,.@-]{1,64}")


def may_use(state: State, caller: Principal, arn: str) -> bool:
    """Return whether a caller can start clusters with a registered profile."""
    granted = set(caller.roles)
    for group in state.principals.values():
        if group.kind == "Groups" and group.name in caller.groups:
            granted.update(group.roles)
    return caller.admin or arn in granted


def _list(workspace: Workspace, request: Request) -> dict[str, Any]:
    """List the profiles that the caller can use."""
    state = workspace.state
    usable = [profile for profile in state.instance_profiles.values() if may_use(state, request.caller, profile.arn)]
    # The service omits the key if there is no profile.
    return {"instance_profiles": [_document(profile) for profile in usable]} if usable else {}


def _document(profile: InstanceProfile) -> dict[str, Any]:
    document: dict[str, Any] = {
        "instance_profile_arn": profile.arn,
        "is_meta_instance_profile": bool(profile.is_meta),
    }
    if profile.iam_role_arn:
        document["iam_role_arn"] = profile.iam_role_arn
    return document


def _add(workspace: Workspace, request: Request) -> dict[str, Any]:
    state, body = workspace.state, request.body
    arn, role = body["instance_profile_arn"], body.get("iam_role_arn")
    _check_arns(arn, role)
    if arn in state.instance_profiles:
        raise exists(f"Instance profile {arn} already exists")
    if not body.get("skip_validation"):
        _dry_run(workspace, arn)
    state.instance_profiles[arn] = InstanceProfile(arn, role, body.get("is_meta_instance_profile"))
    return {}


def _dry_run(workspace: Workspace, arn: str) -> None:
    """Check, as the service does, whether AWS would allow an instance to start with the profile."""
    refused = workspace.state.profile_refusals.get(arn, 0)
    reason = workspace.behavior.object_to_profile(arn)
    if reason is None and refused < workspace.behavior.profile_refusals:
        workspace.state.profile_refusals[arn] = refused + 1
        reason = f"Value ({arn}) for parameter iamInstanceProfile.arn is invalid. Invalid IAM Instance Profile ARN"
    if reason is not None:
        raise invalid(f"Verification of the instance profile failed. AWS error: {reason}")


def _edit(workspace: Workspace, request: Request) -> dict[str, Any]:
    body = request.body
    _check_arns(body["instance_profile_arn"], body.get("iam_role_arn"))
    profile = _registered(workspace.state, body["instance_profile_arn"])
    profile.iam_role_arn = body.get("iam_role_arn")
    profile.is_meta = body.get("is_meta_instance_profile")
    return {}


def _remove(workspace: Workspace, request: Request) -> dict[str, Any]:
    """Remove the profile. Principals keep their grants, and running clusters keep running."""
    profile = _registered(workspace.state, request.body["instance_profile_arn"])
    del workspace.state.instance_profiles[profile.arn]
    return {}


def _registered(state: State, arn: str) -> InstanceProfile:
    try:
        return state.instance_profiles[arn]
    except KeyError:
        raise not_found(f"Instance profile {arn} does not exist") from None


def _check_arns(arn: str, role: str | None) -> None:
    if not _PROFILE_ARN.fullmatch(arn):
        raise invalid(f"{arn} is not a valid instance profile ARN")
    if role is not None and not _ROLE_ARN.fullmatch(role):
        raise invalid(f"{role} is not a valid IAM role ARN")


_API = "/api/2.0/instance-profiles"
ROUTES = (
    Route("GET", f"{_API}/list", _list),
    Route("POST", f"{_API}/add", _add, shape=of_method(InstanceProfilesAPI.add), admin=True),
    Route("POST", f"{_API}/edit", _edit, shape=of_method(InstanceProfilesAPI.edit), admin=True),
    Route("POST", f"{_API}/remove", _remove, shape=of_method(InstanceProfilesAPI.remove), admin=True),
)
