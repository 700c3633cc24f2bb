"""Job permissions of the local workspace and the requests that they allow."""

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


def create_job(client: WorkspaceClient, **changes: Any) -> str:
    return str(client.jobs.create(**job(**changes)).job_id)


def owner(server: WorkspaceServer) -> jobs.JobAccessControlRequest:
    return Entry(service_principal_name=server.credentials.client_id, permission_level=Level.IS_OWNER)


def entries_of(permissions: jobs.JobPermissions) -> list[tuple[str | None, str, bool | None]]:
    return [
        (
            entry.group_name or entry.user_name or entry.service_principal_name,
            entry.all_permissions[0].permission_level.value,
            entry.all_permissions[0].inherited,
        )
        for entry in permissions.access_control_list or []
        if entry.all_permissions and entry.all_permissions[0].permission_level
    ]


def test_the_creator_owns_a_job_and_administrators_manage_it(server: WorkspaceServer, client: WorkspaceClient) -> None:
    permissions = client.jobs.get_permissions(create_job(client))
    assert entries_of(permissions) == [
        (server.credentials.client_id, "IS_OWNER", False),
        ("admins", "CAN_MANAGE", True),
    ]


def test_the_last_entry_of_a_principal_applies(server: WorkspaceServer, client: WorkspaceClient) -> None:
    job_id = create_job(client)
    twice = [Entry(group_name="viewers", permission_level=level) for level in (Level.CAN_MANAGE, Level.CAN_VIEW)]
    client.jobs.set_permissions(job_id, access_control_list=[owner(server), *twice])
    assert ("viewers", "CAN_VIEW", False) in entries_of(client.jobs.get_permissions(job_id))
    lost = Entry(service_principal_name=server.credentials.client_id, permission_level=Level.CAN_VIEW)
    with pytest.raises(InvalidParameterValue, match="exactly one owner"):
        client.jobs.set_permissions(job_id, access_control_list=[owner(server), lost])


def test_a_job_whose_owner_was_deleted_has_no_owner(server: WorkspaceServer, client: WorkspaceClient) -> None:
    former = add_service_principal(server.state, "former", admin=True)
    job_id = create_job(connect(server, token=former.token))
    remove_principal(server.state, server.state.principal("former"))
    assert entries_of(client.jobs.get_permissions(job_id)) == [("admins", "CAN_MANAGE", True)]
    assert client.jobs.get(int(job_id)).run_as_user_name == former.client_id
    viewers = Entry(group_name="viewers", permission_level=Level.CAN_VIEW)
    with pytest.raises(InvalidParameterValue, match="exactly one owner"):
        client.jobs.set_permissions(job_id, access_control_list=[viewers])
    with pytest.raises(Exception, match="Invalid access token"):
        connect(server, token=former.token).current_user.me()


def test_set_permissions_replaces_all_entries_and_the_owner(server: WorkspaceServer, client: WorkspaceClient) -> None:
    add_user(server.state, "ana@example.com")
    job_id = create_job(client)
    ana = Entry(user_name="ana@example.com", permission_level=Level.IS_OWNER)
    view = Entry(group_name="viewers", permission_level=Level.CAN_VIEW)
    client.jobs.set_permissions(job_id, access_control_list=[owner(server), view])
    client.jobs.set_permissions(job_id, access_control_list=[ana])
    assert [entry[0] for entry in entries_of(client.jobs.get_permissions(job_id))] == ["ana@example.com", "admins"]
    assert client.jobs.get(int(job_id)).run_as_user_name == "ana@example.com"


def test_a_job_has_exactly_one_owner(server: WorkspaceServer, client: WorkspaceClient) -> None:
    job_id = create_job(client)
    for entries in ([], [Entry(group_name="viewers", permission_level=Level.CAN_VIEW)]):
        with pytest.raises(InvalidParameterValue, match="exactly one owner"):
            client.jobs.set_permissions(job_id, access_control_list=entries)
    group = Entry(group_name="viewers", permission_level=Level.IS_OWNER)
    with pytest.raises(InvalidParameterValue, match="Groups can not be owners"):
        client.jobs.set_permissions(job_id, access_control_list=[group])
    assert entries_of(client.jobs.get_permissions(job_id))[0][:2] == (server.credentials.client_id, "IS_OWNER")


def test_an_unknown_principal_is_rejected_and_nothing_changes(server: WorkspaceServer, client: WorkspaceClient) -> None:
    job_id = create_job(client)
    wrong = Entry(group_name="nobody", permission_level=Level.CAN_VIEW)
    with pytest.raises(NotFound, match=r"GroupName\(nobody\) does not exist"):
        client.jobs.set_permissions(job_id, access_control_list=[owner(server), wrong])
    assert len(entries_of(client.jobs.get_permissions(job_id))) == 2


def test_permissions_in_the_create_request_keep_the_creator_as_owner(client: WorkspaceClient) -> None:
    view = Entry(group_name="viewers", permission_level=Level.CAN_VIEW)
    levels = [
        entry[1] for entry in entries_of(client.jobs.get_permissions(create_job(client, access_control_list=[view])))
    ]
    assert levels == ["IS_OWNER", "CAN_VIEW", "CAN_MANAGE"]


def test_can_view_allows_listing_and_can_manage_allows_changes(
    server: WorkspaceServer, client: WorkspaceClient
) -> None:
    job_id = int(create_job(client))
    credentials = add_service_principal(server.state, "other", groups=["viewers"])
    server.state.principal("other").roles.append(PROFILE)
    other = connect(server, token=credentials.token)
    assert list(other.jobs.list()) == []
    with pytest.raises(PermissionDenied):
        other.jobs.get(job_id)
    allow = server.state.jobs[job_id].permissions.append
    allow(Permission("group_name", "viewers", "CAN_VIEW"))
    assert [listed.job_id for listed in other.jobs.list()] == [job_id]
    with pytest.raises(PermissionDenied, match="does not have"):
        other.jobs.delete(job_id)
    allow(Permission("group_name", "viewers", "CAN_MANAGE"))
    other.jobs.reset(job_id, jobs.JobSettings(**job(name="theirs")))
    other.jobs.delete(job_id)
    assert not server.state.jobs
