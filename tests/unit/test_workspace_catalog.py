"""Unity Catalog of the local workspace."""

from __future__ import annotations

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import AlreadyExists, BadRequest, InvalidParameterValue, NotFound, PermissionDenied
from databricks.sdk.service.catalog import Privilege, VolumeType

from local.workspace import ExternalLocation, WorkspaceServer, add_group, add_service_principal
from tests.support.workspaces import connect


@pytest.fixture
def client(server: WorkspaceServer) -> WorkspaceClient:
    return connect(server)


def test_a_schema_and_a_volume_are_created_and_read_back(client: WorkspaceClient) -> None:
    schema = client.schemas.create("net", "main", comment="traffic")
    volume = client.volumes.create("main", "net", "checkpoints", VolumeType.MANAGED)
    assert client.schemas.get("main.net") == schema
    assert client.volumes.read("main.net.checkpoints") == volume


def test_catalogs_are_listed_in_pages(server: WorkspaceServer, client: WorkspaceClient) -> None:
    server.state.catalogs["network"] = "admins"
    server.log.requests.clear()
    assert [catalog.name for catalog in client.catalogs.list(max_results=2)] == ["main", "network", "system"]
    assert len(server.requests) == 2


def test_a_missing_object_is_reported_with_its_error_code(client: WorkspaceClient) -> None:
    client.schemas.create("net", "main")
    for attempt, code in (
        (lambda: client.catalogs.get("other"), "CATALOG_DOES_NOT_EXIST"),
        (lambda: client.schemas.create("net", "other"), "CATALOG_DOES_NOT_EXIST"),
        (lambda: client.schemas.get("main.other"), "SCHEMA_DOES_NOT_EXIST"),
        (lambda: client.volumes.create("main", "other", "v", VolumeType.MANAGED), "SCHEMA_DOES_NOT_EXIST"),
        (lambda: client.volumes.read("main.net.v"), "RESOURCE_DOES_NOT_EXIST"),
    ):
        with pytest.raises(NotFound) as rejected:
            attempt()
        assert rejected.value.error_code == code


def test_a_duplicate_name_is_rejected(client: WorkspaceClient) -> None:
    client.schemas.create("net", "main")
    # The SDK has no error class for this code.
    with pytest.raises(BadRequest, match="already exists") as rejected:
        client.schemas.create("net", "main")
    assert rejected.value.error_code == "SCHEMA_ALREADY_EXISTS"
    client.volumes.create("main", "net", "v", VolumeType.MANAGED)
    with pytest.raises(AlreadyExists):
        client.volumes.create("main", "net", "v", VolumeType.MANAGED)


def test_an_external_volume_requires_a_location_and_a_managed_volume_rejects_one(client: WorkspaceClient) -> None:
    client.schemas.create("net", "main")
    with pytest.raises(InvalidParameterValue, match="storage_location"):
        client.volumes.create("main", "net", "v", VolumeType.EXTERNAL)
    with pytest.raises(InvalidParameterValue, match=r"CreateVolume storage_location can not be provided\."):
        client.volumes.create("main", "net", "v", VolumeType.MANAGED, storage_location="s3://b/p")
    volume = client.volumes.create("main", "net", "v", VolumeType.EXTERNAL, storage_location="s3://b/p/")
    assert volume.storage_location == "s3://b/p"


def test_names_are_stored_in_lowercase_and_found_in_any_case(client: WorkspaceClient) -> None:
    assert client.schemas.create("Flow_Logs", "MAIN").full_name == "main.flow_logs"
    volume = client.volumes.create("Main", "Flow_Logs", "Checkpoints", VolumeType.MANAGED)
    assert volume.full_name == "main.flow_logs.checkpoints"
    assert client.schemas.get("MAIN.FLOW_LOGS") == client.schemas.get("main.flow_logs")
    assert client.volumes.read("Main.Flow_Logs.Checkpoints") == volume
    with pytest.raises(BadRequest, match="already exists"):
        client.schemas.create("flow_logs", "main")


def test_external_locations_are_listed_in_pages_that_may_be_empty(server: WorkspaceServer) -> None:
    state = server.state
    for number in range(7):
        name = f"location_{number}"
        state.external_locations[name] = ExternalLocation(name, f"s3://b/{number}", "credential", owner="someone")
    other = connect(server, token=add_service_principal(state, "other", groups=["users"]).token)
    assert list(other.external_locations.list(max_results=0)) == []
    state.grants["external_location location_6"] = {"users": ["READ_FILES"]}
    server.log.requests.clear()
    (location,) = other.external_locations.list(max_results=0)
    assert len(server.requests) == 3
    assert (location.name, location.url, location.effective_enable_file_events) == ("location_6", "s3://b/6", True)
    granted = other.grants.get_effective("external_location", "location_6").privilege_assignments or []
    assert [(grant.principal, [p.privilege for p in grant.privileges or []]) for grant in granted] == [
        ("users", [Privilege.READ_FILES])
    ]
    with pytest.raises(PermissionDenied):
        other.grants.get_effective("external_location", "location_5")
    with pytest.raises(NotFound, match="location_7"):
        other.grants.get_effective("external_location", "location_7")


def test_the_default_namespace_setting_overrides_the_default_catalog_of_the_metastore(
    server: WorkspaceServer, client: WorkspaceClient
) -> None:
    assert client.metastores.current().default_catalog_name == "hive_metastore"
    with pytest.raises(NotFound):
        client.settings.default_namespace.get()
    server.state.default_namespace = "main"
    assert client.settings.default_namespace.get().namespace.value == "main"


def test_the_existence_of_a_table_is_reported(server: WorkspaceServer, client: WorkspaceClient) -> None:
    assert not client.tables.exists("main.net.flow_logs").table_exists
    server.state.tables.add("main.net.flow_logs")
    assert client.tables.exists("main.net.Flow_Logs").table_exists


def test_privileges_are_enforced(server: WorkspaceServer, client: WorkspaceClient) -> None:
    add_group(server.state, "engineers")
    client.schemas.create("net", "main")
    other = connect(server, token=add_service_principal(server.state, "other", groups=["engineers"]).token)
    with pytest.raises(PermissionDenied, match="CREATE SCHEMA"):
        other.schemas.create("theirs", "main")
    with pytest.raises(PermissionDenied, match="CREATE VOLUME"):
        other.volumes.create("main", "net", "v", VolumeType.MANAGED)
    server.state.grants["catalog main"] = {"engineers": ["CREATE_SCHEMA"]}
    server.state.grants["schema main.net"] = {"engineers": ["CREATE_VOLUME"]}
    other.schemas.create("theirs", "main")
    other.volumes.create("main", "net", "v", VolumeType.MANAGED)
