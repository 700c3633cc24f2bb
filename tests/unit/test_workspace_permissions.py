"""Permissions on jobs, and what they allow, in the workspace stand-in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import InvalidParameterValue, NotFound, PermissionDenied
from databricks.sdk.service import jobs

from local.workspace import WorkspaceServer, add_group, add_service_principal, add_user, remove_principal
from local.workspace.state import Permission
from tests.support.workspaces import PROFILE, connect, job, prepared

Level = jobs.JobPermissionLevel
Entry = jobs.JobAccessControlRequest


@pytest.fixture
def server() -> Iterator[WorkspaceServer]:
    with WorkspaceServer() as running:
        add_group(running.state, "viewers")
        yield running


@pytest.fixture
def client(server: WorkspaceServer) -> WorkspaceClient:
    return prepared(server)


def made(client: WorkspaceClient, **changes: Any) -> str:
    return str(client.jobs.create(**job(**changes)).job_id)


def owner(server: WorkspaceServer) -> jobs.JobAccessControlRequest:
    return Entry(service_principal_name=server.credentials.client_id, permission_level=Level.IS_OWNER)


def shown(permissions: jobs.JobPermissions) -> list[tuple[str | None, str, bool | None]]:
    return [
        (
            one.group_name or one.user_name or one.service_principal_name,
            one.all_permissions[0].permission_level.value,
            one.all_permissions[0].inherited,
        )
        for one in permissions.access_control_list or []
        if one.all_permissions and one.all_permissions[0].permission_level
    ]


def test_who_made_a_job_owns_it_and_administrators_manage_it(server: WorkspaceServer, client: WorkspaceClient) -> None:
    permissions = client.jobs.get_permissions(made(client))
    assert shown(permissions) == [
        (server.credentials.client_id, "IS_OWNER", False),
        ("admins", "CAN_MANAGE", True),
    ]


def test_of_two_entries_of_one_principal_the_last_counts(server: WorkspaceServer, client: WorkspaceClient) -> None:
    job_id = made(client)
    twice = [Entry(group_name="viewers", permission_level=level) for level in (Level.CAN_MANAGE, Level.CAN_VIEW)]
    client.jobs.set_permissions(job_id, access_control_list=[owner(server), *twice])
    assert ("viewers", "CAN_VIEW", False) in shown(client.jobs.get_permissions(job_id))
    lost = Entry(service_principal_name=server.credentials.client_id, permission_level=Level.CAN_VIEW)
    with pytest.raises(InvalidParameterValue, match="exactly one owner"):
        client.jobs.set_permissions(job_id, access_control_list=[owner(server), lost])


def test_a_job_whose_owner_was_deleted_has_none(server: WorkspaceServer, client: WorkspaceClient) -> None:
    former = add_service_principal(server.state, "former", admin=True)
    job_id = made(connect(server, token=former.token))
    remove_principal(server.state, server.state.principal("former"))
    assert shown(client.jobs.get_permissions(job_id)) == [("admins", "CAN_MANAGE", True)]
    assert client.jobs.get(int(job_id)).run_as_user_name == former.client_id
    viewers = Entry(group_name="viewers", permission_level=Level.CAN_VIEW)
    with pytest.raises(InvalidParameterValue, match="exactly one owner"):
        client.jobs.set_permissions(job_id, access_control_list=[viewers])
    with pytest.raises(Exception, match="Invalid access token"):
        connect(server, token=former.token).current_user.me()


def test_what_is_set_replaces_all_and_a_new_owner_the_former_one(
    server: WorkspaceServer, client: WorkspaceClient
) -> None:
    add_user(server.state, "ana@example.com")
    job_id = made(client)
    ana = Entry(user_name="ana@example.com", permission_level=Level.IS_OWNER)
    view = Entry(group_name="viewers", permission_level=Level.CAN_VIEW)
    client.jobs.set_permissions(job_id, access_control_list=[owner(server), view])
    client.jobs.set_permissions(job_id, access_control_list=[ana])
    assert [one[0] for one in shown(client.jobs.get_permissions(job_id))] == ["ana@example.com", "admins"]
    assert client.jobs.get(int(job_id)).run_as_user_name == "ana@example.com"


def test_a_job_has_exactly_one_owner(server: WorkspaceServer, client: WorkspaceClient) -> None:
    job_id = made(client)
    for entries in ([], [Entry(group_name="viewers", permission_level=Level.CAN_VIEW)]):
        with pytest.raises(InvalidParameterValue, match="exactly one owner"):
            client.jobs.set_permissions(job_id, access_control_list=entries)
    group = Entry(group_name="viewers", permission_level=Level.IS_OWNER)
    with pytest.raises(InvalidParameterValue, match="Groups can not be owners"):
        client.jobs.set_permissions(job_id, access_control_list=[group])
    assert shown(client.jobs.get_permissions(job_id))[0][:2] == (server.credentials.client_id, "IS_OWNER")


def test_a_principal_that_does_not_exist_is_refused_and_nothing_changes(
    server: WorkspaceServer, client: WorkspaceClient
) -> None:
    job_id = made(client)
    wrong = Entry(group_name="nobody", permission_level=Level.CAN_VIEW)
    with pytest.raises(NotFound, match=r"GroupName\(nobody\) does not exist"):
        client.jobs.set_permissions(job_id, access_control_list=[owner(server), wrong])
    assert len(shown(client.jobs.get_permissions(job_id))) == 2


def test_permissions_given_when_the_job_is_made_keep_its_maker_as_owner(client: WorkspaceClient) -> None:
    view = Entry(group_name="viewers", permission_level=Level.CAN_VIEW)
    levels = [one[1] for one in shown(client.jobs.get_permissions(made(client, access_control_list=[view])))]
    assert levels == ["IS_OWNER", "CAN_VIEW", "CAN_MANAGE"]


def test_who_has_no_permission_sees_no_job_who_views_changes_none_who_manages_does(
    server: WorkspaceServer, client: WorkspaceClient
) -> None:
    job_id = int(made(client))
    credentials = add_service_principal(server.state, "other", groups=["viewers"])
    server.state.principal("other").roles.append(PROFILE)
    other = connect(server, token=credentials.token)
    assert list(other.jobs.list()) == []
    with pytest.raises(PermissionDenied):
        other.jobs.get(job_id)
    allow = server.state.jobs[job_id].permissions.append
    allow(Permission("group_name", "viewers", "CAN_VIEW"))
    assert [one.job_id for one in other.jobs.list()] == [job_id]
    with pytest.raises(PermissionDenied, match="does not have"):
        other.jobs.delete(job_id)
    allow(Permission("group_name", "viewers", "CAN_MANAGE"))
    other.jobs.reset(job_id, jobs.JobSettings(**job(name="theirs")))
    other.jobs.delete(job_id)
    assert not server.state.jobs
