"""Instance profiles of the local workspace."""

from __future__ import annotations

import pytest
from databricks.sdk.errors import InvalidParameterValue, NotFound, PermissionDenied, ResourceAlreadyExists

from local.workspace import WorkspaceServer, add_service_principal
from tests.support.workspaces import PROFILE, connect, job

ROLE = "arn:aws:iam::123456789012:role/flow-log-reader-role"


def test_a_profile_is_added_listed_edited_and_removed(server: WorkspaceServer) -> None:
    profiles = connect(server).instance_profiles
    assert list(profiles.list()) == []
    profiles.add(PROFILE)
    profiles.edit(PROFILE, iam_role_arn=ROLE)
    (profile,) = profiles.list()
    assert (profile.instance_profile_arn, profile.iam_role_arn, profile.is_meta_instance_profile) == (
        PROFILE,
        ROLE,
        False,
    )
    profiles.remove(PROFILE)
    assert list(profiles.list()) == []


def test_a_duplicate_arn_is_rejected(server: WorkspaceServer) -> None:
    profiles = connect(server).instance_profiles
    profiles.add(PROFILE)
    with pytest.raises(ResourceAlreadyExists, match="already exists"):
        profiles.add(PROFILE, skip_validation=True)


@pytest.mark.parametrize("arn", ["flow-log-reader", ROLE, "arn:aws:iam::12:instance-profile/x"])
def test_an_invalid_profile_arn_is_rejected(server: WorkspaceServer, arn: str) -> None:
    with pytest.raises(InvalidParameterValue, match="not a valid instance profile ARN"):
        connect(server).instance_profiles.add(arn, skip_validation=True)


def test_an_unknown_profile_can_be_neither_edited_nor_removed(server: WorkspaceServer) -> None:
    profiles = connect(server).instance_profiles
    with pytest.raises(NotFound):
        profiles.edit(PROFILE)
    with pytest.raises(NotFound):
        profiles.remove(PROFILE)


def test_the_dry_run_fails_until_the_profile_is_visible_in_iam(server: WorkspaceServer) -> None:
    server.behavior.profile_refusals = 2
    profiles = connect(server).instance_profiles
    for _ in range(2):
        with pytest.raises(InvalidParameterValue, match="Invalid IAM Instance Profile ARN"):
            profiles.add(PROFILE)
    profiles.add(PROFILE)
    assert PROFILE in server.state.instance_profiles


def test_skip_validation_skips_the_dry_run(server: WorkspaceServer) -> None:
    server.behavior.object_to_profile = lambda _arn: "You are not authorized to perform this operation."
    with pytest.raises(InvalidParameterValue, match="AWS error: You are not authorized"):
        connect(server).instance_profiles.add(PROFILE)
    connect(server).instance_profiles.add(PROFILE, skip_validation=True)


def test_only_a_principal_with_the_role_can_list_and_use_a_profile(server: WorkspaceServer) -> None:
    connect(server).instance_profiles.add(PROFILE)
    credentials = add_service_principal(server.state, "runner")
    client = connect(server, token=credentials.token)
    assert list(client.instance_profiles.list()) == []
    with pytest.raises(PermissionDenied, match="not authorized to use the instance profile"):
        client.jobs.create(**job())
    server.state.principal("users").roles.append(PROFILE)
    assert [profile.instance_profile_arn for profile in client.instance_profiles.list()] == [PROFILE]
    assert client.jobs.create(**job()).job_id in server.state.jobs
