"""Unity Catalog and files in volumes, in the workspace stand-in."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import AlreadyExists, BadRequest, InvalidParameterValue, NotFound, PermissionDenied
from databricks.sdk.service.catalog import PermissionsChange, Privilege, VolumeType

from local.workspace import Table, WorkspaceServer, add_group, add_service_principal
from tests.support.workspaces import connect


@pytest.fixture
def server() -> Iterator[WorkspaceServer]:
    with WorkspaceServer() as running:
        yield running


@pytest.fixture
def client(server: WorkspaceServer) -> WorkspaceClient:
    return connect(server)


def test_schema_and_volume_are_made_found_listed_and_deleted(client: WorkspaceClient) -> None:
    client.catalogs.create("network")
    assert [one.name for one in client.catalogs.list()] == ["main", "network", "system"]
    client.schemas.create("net", "network")
    schema = client.schemas.create("net", "main", comment="traffic")
    volume = client.volumes.create("main", "net", "checkpoints", VolumeType.MANAGED)
    assert client.schemas.get("main.net") == schema
    assert client.volumes.read("main.net.checkpoints") == volume
    assert [one.full_name for one in client.schemas.list("main", max_results=1)] == ["main.net"]
    assert [one.name for one in client.volumes.list("main", "net")] == ["checkpoints"]
    with pytest.raises(BadRequest, match="not empty"):
        client.schemas.delete("main.net")
    client.volumes.delete("main.net.checkpoints")
    client.schemas.delete("main.net")
    assert list(client.schemas.list("main")) == []


def test_lists_have_pages(server: WorkspaceServer, client: WorkspaceClient) -> None:
    for number in range(5):
        client.schemas.create(f"s{number}", "main")
    server.log.requests.clear()
    assert len(list(client.schemas.list("main", max_results=2))) == 5
    assert len(server.requests) == 3


def test_what_is_not_there_is_not_found_and_says_what_is_missing(client: WorkspaceClient) -> None:
    client.schemas.create("net", "main")
    for attempt, code in (
        (lambda: client.catalogs.get("other"), "CATALOG_DOES_NOT_EXIST"),
        (lambda: client.schemas.create("net", "other"), "CATALOG_DOES_NOT_EXIST"),
        (lambda: client.schemas.get("main.other"), "SCHEMA_DOES_NOT_EXIST"),
        (lambda: client.volumes.create("main", "other", "v", VolumeType.MANAGED), "SCHEMA_DOES_NOT_EXIST"),
        (lambda: client.volumes.read("main.net.v"), "RESOURCE_DOES_NOT_EXIST"),
        (lambda: client.tables.get("main.net.t"), "TABLE_DOES_NOT_EXIST"),
    ):
        with pytest.raises(NotFound) as refused:
            attempt()
        assert refused.value.error_code == code


def test_a_second_one_of_the_same_name_is_refused(client: WorkspaceClient) -> None:
    client.schemas.create("net", "main")
    # The SDK has no class of its own for this code.
    with pytest.raises(BadRequest, match="already exists") as refused:
        client.schemas.create("net", "main")
    assert refused.value.error_code == "SCHEMA_ALREADY_EXISTS"
    client.volumes.create("main", "net", "v", VolumeType.MANAGED)
    with pytest.raises(AlreadyExists):
        client.volumes.create("main", "net", "v", VolumeType.MANAGED)


def test_an_external_volume_needs_its_location_and_a_managed_one_has_none(client: WorkspaceClient) -> None:
    client.schemas.create("net", "main")
    with pytest.raises(InvalidParameterValue, match="storage_location"):
        client.volumes.create("main", "net", "v", VolumeType.EXTERNAL)
    with pytest.raises(InvalidParameterValue, match=r"CreateVolume storage_location can not be provided\."):
        client.volumes.create("main", "net", "v", VolumeType.MANAGED, storage_location="s3://b/p")
    made = client.volumes.create("main", "net", "v", VolumeType.EXTERNAL, storage_location="s3://b/p/")
    assert made.storage_location == "s3://b/p"


def test_names_are_kept_in_lower_case_and_found_in_any(client: WorkspaceClient) -> None:
    client.catalogs.create("Network")
    assert client.schemas.create("Flow_Logs", "NETWORK").full_name == "network.flow_logs"
    made = client.volumes.create("Network", "Flow_Logs", "Checkpoints", VolumeType.MANAGED)
    assert made.full_name == "network.flow_logs.checkpoints"
    assert client.schemas.get("NETWORK.FLOW_LOGS") == client.schemas.get("network.flow_logs")
    assert client.volumes.read("Network.Flow_Logs.Checkpoints") == made
    with pytest.raises(BadRequest, match="already exists"):
        client.schemas.create("flow_logs", "network")
    client.files.upload("/Volumes/Network/Flow_Logs/Checkpoints/A", io.BytesIO(b"x"), overwrite=True)
    found = client.files.list_directory_contents("/Volumes/network/flow_logs/checkpoints")
    assert [one.path for one in found] == ["/Volumes/network/flow_logs/checkpoints/A"]


def test_external_locations_are_listed_in_pages_of_which_some_are_empty(
    server: WorkspaceServer, client: WorkspaceClient
) -> None:
    for number in range(7):
        client.external_locations.create(f"Location_{number}", f"s3://b/{number}/", "credential")
    other = connect(server, token=add_service_principal(server.state, "other", groups=["users"]).token)
    assert list(other.external_locations.list(max_results=0)) == []
    add = PermissionsChange(principal="users", add=[Privilege.READ_FILES])
    client.grants.update("external_location", "location_6", changes=[add])
    server.log.requests.clear()
    (seen,) = other.external_locations.list(max_results=0)
    assert len(server.requests) == 3
    assert (seen.name, seen.url, seen.effective_enable_file_events) == ("location_6", "s3://b/6", True)
    granted = other.grants.get_effective("external_location", "location_6").privilege_assignments or []
    assert [(one.principal, [p.privilege for p in one.privileges or []]) for one in granted] == [
        ("users", [Privilege.READ_FILES])
    ]
    with pytest.raises(PermissionDenied):
        other.grants.get_effective("external_location", "location_5")
    client.external_locations.delete("location_6")
    with pytest.raises(NotFound, match="location_6"):
        client.external_locations.get("location_6")


def test_the_default_catalog_is_the_assignments_and_by_the_setting_another(
    server: WorkspaceServer, client: WorkspaceClient
) -> None:
    assert client.metastores.current().default_catalog_name == "hive_metastore"
    with pytest.raises(NotFound):
        client.settings.default_namespace.get()
    server.state.default_namespace = "main"
    assert client.settings.default_namespace.get().namespace.value == "main"


def test_tables_are_those_that_runs_made(server: WorkspaceServer, client: WorkspaceClient) -> None:
    client.schemas.create("net", "main")
    assert not client.tables.exists("main.net.flow_logs").table_exists
    server.state.tables["main.net.flow_logs"] = Table("main", "net", "flow_logs")
    assert client.tables.exists("main.net.flow_logs").table_exists
    assert client.tables.get("main.net.flow_logs").name == "flow_logs"
    assert [one.name for one in client.tables.list("main", "net")] == ["flow_logs"]


def test_privileges_are_granted_revoked_and_enforced(server: WorkspaceServer, client: WorkspaceClient) -> None:
    add_group(server.state, "engineers")
    client.schemas.create("net", "main")
    other = connect(server, token=add_service_principal(server.state, "other", groups=["engineers"]).token)
    with pytest.raises(PermissionDenied, match="CREATE SCHEMA"):
        other.schemas.create("theirs", "main")
    with pytest.raises(PermissionDenied, match="CREATE VOLUME"):
        other.volumes.create("main", "net", "v", VolumeType.MANAGED)
    add = PermissionsChange(principal="engineers", add=[Privilege.CREATE_VOLUME, Privilege.USE_SCHEMA])
    granted = client.grants.update("schema", "main.net", changes=[add])
    assert [one.principal for one in granted.privilege_assignments or []] == ["engineers"]
    other.volumes.create("main", "net", "v", VolumeType.MANAGED)
    remove = PermissionsChange(principal="engineers", remove=[Privilege.CREATE_VOLUME, Privilege.USE_SCHEMA])
    client.grants.update("schema", "main.net", changes=[remove])
    assert client.grants.get("schema", "main.net").privilege_assignments == []
    with pytest.raises(PermissionDenied, match="MANAGE"):
        other.grants.update("schema", "main.net", changes=[add])


def test_a_grant_to_nobody_is_refused(client: WorkspaceClient) -> None:
    change = PermissionsChange(principal="nobody", add=[Privilege.USE_CATALOG])
    with pytest.raises(NotFound, match="nobody"):
        client.grants.update("catalog", "main", changes=[change])


def test_files_in_a_volume_are_put_read_listed_and_deleted(client: WorkspaceClient) -> None:
    client.schemas.create("net", "main")
    client.volumes.create("main", "net", "code", VolumeType.MANAGED)
    root = "/Volumes/main/net/code"
    client.files.upload(f"{root}/a b/x.whl", io.BytesIO(b"PK\x00"), overwrite=True)
    contents = client.files.download(f"{root}/a b/x.whl").contents
    assert contents is not None
    assert contents.read() == b"PK\x00"
    assert client.files.get_metadata(f"{root}/a b/x.whl").content_length == 3
    assert [one.name for one in client.files.list_directory_contents(root)] == ["a b"]
    with pytest.raises(AlreadyExists):
        client.files.upload(f"{root}/a b/x.whl", io.BytesIO(b"PK"), overwrite=False)
    with pytest.raises(BadRequest, match="not empty"):
        client.files.delete_directory(f"{root}/a b")
    client.files.delete(f"{root}/a b/x.whl")
    client.files.delete_directory(f"{root}/a b")
    with pytest.raises(NotFound):
        client.files.get_directory_metadata(f"{root}/a b")


def test_a_file_needs_its_volume(client: WorkspaceClient) -> None:
    with pytest.raises(NotFound, match=r"main\.net\.code"):
        client.files.upload("/Volumes/main/net/code/x", io.BytesIO(b""), overwrite=True)
    with pytest.raises(InvalidParameterValue, match="must start with /Volumes"):
        client.files.upload("/tmp/x", io.BytesIO(b""), overwrite=True)
