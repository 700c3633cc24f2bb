"""AI/BI dashboards of the local workspace, through the real SDK."""

from __future__ import annotations

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import InvalidParameterValue, NotFound, ResourceAlreadyExists
from databricks.sdk.errors.base import DatabricksError
from databricks.sdk.service.dashboards import Dashboard, LifecycleState
from databricks.sdk.service.iam import AccessControlRequest, PermissionLevel
from databricks.sdk.service.workspace import ObjectType

from local.workspace import WorkspaceServer, add_group
from tests.support.workspaces import call, connect

CONTENT = '{\n  "pages": [\n    {\n      "name": "a",\n      "pageType": "PAGE_TYPE_CANVAS"\n    }\n  ]\n}\n'
WANTED = Dashboard(
    display_name="Traffic", parent_path="/Workspace/Shared", serialized_dashboard=CONTENT, warehouse_id="abc"
)
API = "/api/2.0/lakeview/dashboards"


@pytest.fixture
def client(server: WorkspaceServer) -> WorkspaceClient:
    return connect(server)


def test_a_draft_is_created_in_the_tree_and_read_back(client: WorkspaceClient) -> None:
    created = client.lakeview.create(WANTED)
    assert client.lakeview.get(created.dashboard_id or "") == created
    assert (created.parent_path, created.path) == ("/Shared", "/Shared/Traffic.lvdash.json")
    assert (created.etag, created.lifecycle_state) == ("1", LifecycleState.ACTIVE)
    item = client.workspace.get_status("/Workspace/Shared/Traffic.lvdash.json")
    assert (item.object_type, item.resource_id) == (ObjectType.DASHBOARD, created.dashboard_id)
    assert [each.display_name for each in client.lakeview.list()] == ["Traffic"]


def test_a_complete_document_comes_back_unchanged_and_another_one_is_completed(client: WorkspaceClient) -> None:
    assert client.lakeview.create(WANTED).serialized_dashboard == CONTENT
    short = Dashboard(display_name="b", parent_path="/Shared", serialized_dashboard='{"pages": [{"name": "a"}]}')
    assert client.lakeview.create(short).serialized_dashboard == CONTENT


def test_a_missing_folder_a_taken_name_and_bad_json_are_rejected(client: WorkspaceClient) -> None:
    client.lakeview.create(WANTED)
    with pytest.raises(NotFound, match=r"Path \(/nowhere\) doesn't exist"):
        client.lakeview.create(Dashboard(display_name="b", parent_path="/nowhere"))
    with pytest.raises(ResourceAlreadyExists, match=r"Caused by Node named 'Traffic.lvdash.json' already exists"):
        client.lakeview.create(WANTED)
    with pytest.raises(InvalidParameterValue, match="not valid JSON"):
        client.lakeview.create(Dashboard(display_name="c", parent_path="/Shared", serialized_dashboard="{"))


def test_an_unknown_key_of_a_request_is_rejected(server: WorkspaceServer) -> None:
    status, answer = call(server, "POST", API, {"display_name": "a", "parent_path": "/Shared", "folder": "b"})
    assert (status, answer["message"]) == (400, "Could not parse request object: Unknown field 'folder'")


@pytest.mark.parametrize(("every_write", "etag"), [(False, "1"), (True, "2")])
def test_the_etag_follows_the_content_or_every_write(
    server: WorkspaceServer, client: WorkspaceClient, every_write: bool, etag: str
) -> None:
    server.behavior.etag_counts_every_write = every_write
    created = client.lakeview.create(WANTED)
    key = created.dashboard_id or ""
    renamed = client.lakeview.update(key, Dashboard(display_name="New", warehouse_id="abc"))
    assert (renamed.etag, renamed.path) == (etag, "/Shared/New.lvdash.json")
    changed = client.lakeview.update(key, Dashboard(serialized_dashboard="{}"))
    assert changed.etag == str(int(etag) + 1)
    assert changed.warehouse_id == "", "a warehouse that a request leaves out is cleared"
    with pytest.raises(DatabricksError, match="was modified"):
        client.lakeview.update(key, Dashboard(serialized_dashboard=CONTENT, etag="1"))
    with pytest.raises(InvalidParameterValue, match="parent_path of a dashboard cannot be changed"):
        client.lakeview.update(key, Dashboard(parent_path="/Users"))


def test_a_publication_embeds_credentials_unless_the_request_says_otherwise(client: WorkspaceClient) -> None:
    key = client.lakeview.create(WANTED).dashboard_id or ""
    with pytest.raises(NotFound, match=r"Unable to find published dashboard \["):
        client.lakeview.get_published(key)
    assert client.lakeview.publish(key).embed_credentials is True
    published = client.lakeview.publish(key, embed_credentials=False, warehouse_id="def")
    assert (published.embed_credentials, published.warehouse_id) == (False, "def")
    assert client.lakeview.get_published(key) == published
    client.lakeview.unpublish(key)
    with pytest.raises(NotFound):
        client.lakeview.get_published(key)


def test_a_change_of_the_draft_is_later_than_the_publication(client: WorkspaceClient) -> None:
    created = client.lakeview.create(WANTED)
    key = created.dashboard_id or ""
    published = client.lakeview.publish(key, embed_credentials=False)
    assert (published.revision_create_time or "") >= (created.update_time or "")
    changed = client.lakeview.update(key, Dashboard(serialized_dashboard="{}"))
    assert (published.revision_create_time or "") < (changed.update_time or "")


def test_a_dashboard_in_the_trash_is_shown_as_such_and_frees_its_name(client: WorkspaceClient) -> None:
    key = client.lakeview.create(WANTED).dashboard_id or ""
    client.lakeview.publish(key, embed_credentials=False)
    client.lakeview.trash(key)
    client.lakeview.trash(key)
    shown = client.lakeview.get(key)
    assert (shown.lifecycle_state, shown.display_name, shown.serialized_dashboard) == (
        LifecycleState.TRASHED,
        None,
        None,
    )
    assert (shown.parent_path or "").endswith("/Trash")
    with pytest.raises(NotFound):
        client.lakeview.get_published(key)
    with pytest.raises(NotFound):
        client.lakeview.publish(key)
    with pytest.raises(NotFound):
        client.workspace.get_status("/Shared/Traffic.lvdash.json")
    assert list(client.lakeview.list()) == []
    assert [each.dashboard_id for each in client.lakeview.list(show_trashed=True)] == [key]
    assert client.lakeview.create(WANTED).dashboard_id != key


def test_the_first_reads_after_a_write_can_return_the_former_state(
    server: WorkspaceServer, client: WorkspaceClient
) -> None:
    server.behavior.stale_dashboard_reads = 1
    created = client.lakeview.create(WANTED)
    key = created.dashboard_id or ""
    with pytest.raises(NotFound):
        client.lakeview.get(key)
    assert client.lakeview.get(key) == created
    changed = client.lakeview.update(key, Dashboard(serialized_dashboard="{}"))
    assert client.lakeview.get(key) == created
    assert client.lakeview.get(key) == changed


def test_the_creator_can_manage_a_dashboard_until_its_permissions_are_replaced(
    server: WorkspaceServer, client: WorkspaceClient
) -> None:
    add_group(server.state, "auditors")
    key = client.lakeview.create(WANTED).dashboard_id or ""
    creator, admins = client.permissions.get("dashboards", key).access_control_list or []
    assert creator.service_principal_name == client.current_user.me().user_name
    assert (admins.group_name, (admins.all_permissions or [])[0].inherited) == ("admins", True)
    entry = AccessControlRequest(group_name="auditors", permission_level=PermissionLevel.CAN_READ)
    shown = client.permissions.set("dashboards", key, access_control_list=[entry])
    assert shown.object_type == "dashboard"
    assert [each.group_name for each in shown.access_control_list or []] == ["auditors", "admins"]
    wrong = AccessControlRequest(group_name="auditors", permission_level=PermissionLevel.IS_OWNER)
    with pytest.raises(InvalidParameterValue):
        client.permissions.set("dashboards", key, access_control_list=[wrong])


def test_deleting_a_folder_moves_its_dashboards_to_the_trash(server: WorkspaceServer, client: WorkspaceClient) -> None:
    client.workspace.mkdirs("/Shared/a")
    created = client.lakeview.create(Dashboard(display_name="b", parent_path="/Shared/a"))
    client.workspace.delete("/Shared/a", recursive=True)
    assert client.lakeview.get(created.dashboard_id or "").lifecycle_state == LifecycleState.TRASHED


def test_warehouses_are_listed_and_looked_up(server: WorkspaceServer, client: WorkspaceClient) -> None:
    assert list(client.warehouses.list()) == []
    server.state.warehouses["abc"] = "Small"
    assert [(each.id, each.name) for each in client.warehouses.list()] == [("abc", "Small")]
    assert client.warehouses.get("abc").name == "Small"
    with pytest.raises(NotFound):
        client.warehouses.get("def")
