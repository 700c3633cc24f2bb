"""Groups, users and service principals of the local workspace, and the roles granted to them."""

from __future__ import annotations

from typing import Any

import pytest
from databricks.sdk.errors import InvalidParameterValue, NotFound
from databricks.sdk.service import iam

from local.workspace import Fault, WorkspaceServer, add_group, add_service_principal, add_user
from tests.support.workspaces import PROFILE, call, connect

OTHER = "arn:aws:iam::123456789012:instance-profile/other"
SCHEMAS = [iam.PatchSchema.URN_IETF_PARAMS_SCIM_API_MESSAGES_2_0_PATCH_OP]


def add_roles(*arns: str) -> iam.Patch:
    return iam.Patch(op=iam.PatchOp.ADD, path="roles", value=[iam.ComplexValue(value=arn).as_dict() for arn in arns])


def remove_role(arn: str) -> iam.Patch:
    return iam.Patch(op=iam.PatchOp.REMOVE, path=f'roles[value eq "{arn}"]')


def roles(principal: Any) -> list[str | None]:
    return [role.value for role in principal.roles or []]


def test_a_group_is_found_by_its_display_name_in_any_case(server: WorkspaceServer) -> None:
    group = add_group(server.state, 'data "eng"')
    client = connect(server)
    (listed,) = client.groups.list(filter='displayName eq "Data \\"Eng\\""')
    assert listed.id == group.id
    assert list(client.groups.list(filter='displayName eq "data"')) == []


def test_users_and_service_principals_are_found_by_name_and_application_id(server: WorkspaceServer) -> None:
    add_user(server.state, "ana@example.com")
    credentials = add_service_principal(server.state, "runner")
    client = connect(server)
    assert [user.user_name for user in client.users.list(filter='userName eq "ana@example.com"')] == ["ana@example.com"]
    (principal,) = client.service_principals.list(filter=f'applicationId eq "{credentials.client_id}"')
    assert principal.display_name == "runner"


def test_the_sdk_reads_all_pages_of_a_list(server: WorkspaceServer) -> None:
    for number in range(7):
        add_group(server.state, f"group {number}")
    client = connect(server)
    assert len(list(client.groups.list(count=3))) == 9
    pages = [request.query["startIndex"] for request in server.requests if request.path.endswith("/Groups")]
    assert pages == ["1", "4", "7", "10"]


@pytest.mark.parametrize("kind", ["groups", "users", "service_principals"])
def test_a_role_is_added_once_and_removed_without_the_others(server: WorkspaceServer, kind: str) -> None:
    names = {"groups": "eng", "users": "ana@example.com", "service_principals": "runner"}
    add_group(server.state, "eng")
    add_user(server.state, "ana@example.com")
    add_service_principal(server.state, "runner")
    api, id_ = getattr(connect(server), kind), server.state.principal(names[kind]).id
    api.patch(id_, operations=[add_roles(PROFILE, OTHER)], schemas=SCHEMAS)
    api.patch(id_, operations=[add_roles(PROFILE)], schemas=SCHEMAS)
    assert roles(api.get(id_)) == [PROFILE, OTHER]
    api.patch(id_, operations=[remove_role(PROFILE)], schemas=SCHEMAS)
    assert roles(api.get(id_)) == [OTHER]
    # Removing a role that is not granted is not an error.
    api.patch(id_, operations=[remove_role(PROFILE)], schemas=SCHEMAS)


def test_a_change_to_an_account_group_returns_success_without_effect(server: WorkspaceServer) -> None:
    group = add_group(server.state, "account group", account_level=True)
    client = connect(server)
    client.groups.patch(group.id, operations=[add_roles(PROFILE)], schemas=SCHEMAS)
    assert roles(client.groups.get(group.id)) == []


def test_a_no_effect_fault_ignores_a_grant(server: WorkspaceServer) -> None:
    group, client = add_group(server.state, "eng"), connect(server)
    server.faults.on("PATCH", "/api/2.0/preview/scim/v2/Groups/*", Fault.NO_EFFECT)
    client.groups.patch(group.id, operations=[add_roles(PROFILE)], schemas=SCHEMAS)
    assert roles(client.groups.get(group.id)) == []
    client.groups.patch(group.id, operations=[add_roles(PROFILE)], schemas=SCHEMAS)
    assert roles(client.groups.get(group.id)) == [PROFILE]


def test_an_unknown_principal_is_not_found(server: WorkspaceServer) -> None:
    user = add_user(server.state, "ana@example.com")
    with pytest.raises(NotFound):
        connect(server).groups.get("1")
    with pytest.raises(NotFound):
        connect(server).groups.get(user.id)


def test_unsupported_scim_requests_are_rejected(server: WorkspaceServer) -> None:
    group, client = add_group(server.state, "eng"), connect(server)
    with pytest.raises(InvalidParameterValue, match="not supported"):
        client.groups.patch(group.id, operations=[iam.Patch(op=iam.PatchOp.ADD, path="members")], schemas=SCHEMAS)
    with pytest.raises(InvalidParameterValue, match="Filter"):
        list(client.groups.list(filter="displayName"))
    path = f"/api/2.0/preview/scim/v2/Groups/{group.id}"
    assert call(server, "PATCH", path, {"Operations": [{"op": "add", "pfad": "roles"}]})[0] == 400
