"""Register the instance profile. The API has no call for one profile: it is found by listing them."""

from __future__ import annotations

from contextlib import suppress

from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import BadRequest, NotFound, ResourceConflict
from databricks.sdk.service.compute import InstanceProfile

from infra.workspace.errors import DeploymentError
from infra.workspace.explain import saying, words_of
from infra.workspace.pace import Pace
from infra.workspace.spec import Profile
from infra.workspace.step import Step

PATIENCE = 180
"""Seconds during which a refused profile is tried again: IAM shows a new one with a delay without a stated limit."""

_INTERVAL = 5


def find(client: WorkspaceClient, arn: str) -> InstanceProfile | None:
    """Return the registered profile of an ARN."""
    with saying("Looking at the instance profiles"):
        return next((found for found in client.instance_profiles.list() if found.instance_profile_arn == arn), None)


def register(client: WorkspaceClient, profile: Profile, *, pace: Pace) -> Step:
    """Register a profile, never as a meta profile; its role is named only if the names differ.

    Raises:
        DeploymentError: the workspace refuses it, after three minutes of trying if the cause may be IAM's delay.
    """
    name = "instance profile"
    wanted_role = profile.role_arn if _name(profile.role_arn) != _name(profile.arn) else None
    with saying(f"Registering the instance profile {profile.arn}"):
        found = find(client, profile.arn)
        if found is None:
            _add(client, profile, role=wanted_role, pace=pace)
            return Step(name, "created", profile.arn)
        if wanted_role is not None and found.iam_role_arn != wanted_role:
            client.instance_profiles.edit(profile.arn, iam_role_arn=wanted_role)
            return Step(name, "updated", f"{profile.arn} with the role {wanted_role}")
        return Step(name, "unchanged", profile.arn)


def remove(client: WorkspaceClient, arn: str) -> Step | None:
    """Remove a profile from the workspace; return None if it is not there."""
    with saying(f"Removing the instance profile {arn}"):
        if find(client, arn) is None:
            return None
        with suppress(NotFound):  # removed by an earlier request whose answer got lost
            client.instance_profiles.remove(arn)
        return Step("instance profile", "removed", arn)


def _add(client: WorkspaceClient, profile: Profile, *, role: str | None, pace: Pace) -> None:
    deadline = pace.clock() + PATIENCE
    while True:
        try:
            client.instance_profiles.add(
                profile.arn, iam_role_arn=role, skip_validation=True if profile.skip_validation else None
            )
            return
        except ResourceConflict:  # added by an earlier request whose answer got lost
            return
        except BadRequest as error:
            # IAM's delay has many texts, from "Invalid IAM Instance Profile ARN" to an encoded authorization failure.
            if pace.clock() + _INTERVAL > deadline:
                raise _refused(profile, error) from error
        pace.sleep(_INTERVAL)


def _refused(profile: Profile, error: Exception) -> DeploymentError:
    return DeploymentError(
        f"The workspace has refused the instance profile {profile.arn} for {PATIENCE} seconds:",
        words=words_of(error),
        advice="Check that the cross-account role in reader.databricks_role_arn belongs to this workspace. If the dry "
        "run fails for another reason, such as a tag policy, set workspace.skip_validation = true. Then deploy again",
    )


def _name(arn: str) -> str:
    return arn.rsplit("/", 1)[-1]
