"""Register the instance profile. The API cannot read a single profile, so it is found by listing all profiles."""

from __future__ import annotations

from contextlib import suppress

from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import BadRequest, NotFound, ResourceConflict
from databricks.sdk.service.compute import InstanceProfile

from infra.workspace.errors import DeploymentError
from infra.workspace.explain import explaining, message_of
from infra.workspace.pace import Pace
from infra.workspace.spec import Profile
from infra.workspace.step import Step

PATIENCE = 180
"""Seconds during which a rejected profile is retried: a new IAM profile becomes visible after an unspecified delay."""

_INTERVAL = 5


def find(client: WorkspaceClient, arn: str) -> InstanceProfile | None:
    """Return the registered profile with an ARN; None if it is not registered."""
    with explaining("Listing the instance profiles"):
        profiles = client.instance_profiles.list()
        return next((profile for profile in profiles if profile.instance_profile_arn == arn), None)


def register(client: WorkspaceClient, profile: Profile, *, pace: Pace) -> Step:
    """Register a profile, never as a meta instance profile; send its role only if the names differ.

    Raises:
        DeploymentError: the workspace rejects the profile. If IAM's delay may be the cause, the error comes
            after three minutes of retries.
    """
    name = "instance profile"
    role = profile.role_arn if _name(profile.role_arn) != _name(profile.arn) else None
    with explaining(f"Registering the instance profile {profile.arn}"):
        registered = find(client, profile.arn)
        if registered is None:
            _add(client, profile, role=role, pace=pace)
            return Step(name, "created", profile.arn)
        if role is not None and registered.iam_role_arn != role:
            client.instance_profiles.edit(profile.arn, iam_role_arn=role)
            return Step(name, "updated", f"{profile.arn} with the role {role}")
        return Step(name, "unchanged", profile.arn)


def remove(client: WorkspaceClient, arn: str) -> Step | None:
    """Remove a profile from the workspace; return None if it is not registered."""
    with explaining(f"Removing the instance profile {arn}"):
        if find(client, arn) is None:
            return None
        with suppress(NotFound):  # removed by an earlier request with a lost response
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
        except ResourceConflict:  # added by an earlier request with a lost response
            return
        except BadRequest as error:
            # IAM's delay causes various messages, from "Invalid IAM Instance Profile ARN" to an encoded authorization
            # failure.
            if pace.clock() + _INTERVAL > deadline:
                raise _refused(profile, error) from error
        pace.sleep(_INTERVAL)


def _refused(profile: Profile, error: Exception) -> DeploymentError:
    return DeploymentError(
        f"The workspace has rejected the instance profile {profile.arn} for {PATIENCE} seconds:",
        detail=message_of(error),
        advice="Check that reader.databricks_role_arn is the cross-account role of this workspace. If the dry run "
        "fails for another reason, such as a tag policy, set workspace.skip_validation = true. Then deploy again",
    )


def _name(arn: str) -> str:
    return arn.rsplit("/", 1)[-1]
