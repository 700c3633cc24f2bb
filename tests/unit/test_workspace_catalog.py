"""Unity Catalog in the workspace stand-in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import AlreadyExists, BadRequest, InvalidParameterValue, NotFound, PermissionDenied
from databricks.sdk.service.catalog import Privilege, VolumeType

from local.workspace import ExternalLocation, WorkspaceServer, add_group, add_service_principal
from tests.support.workspaces import connect


@pytest.fixture
def server() -> Iterator[WorkspaceServer]:
    with WorkspaceServer() as running:
        yield running


@pytest.fixture
def client(server: WorkspaceServer) -> WorkspaceClient:
    return connect(server)


def test_schema_and_volume_are_made_and_found(client: WorkspaceClient) -> None:
    schema = client.schemas.create("net", "main", comment="traffic")
    volume = client.volumes.create("main", "net", "checkpoints", VolumeType.MANAGED)
    assert client.schemas.get("main.net") == schema
    assert client.volumes.read("main.net.checkpoints") == volume


def test_the_list_of_catalogs_has_pages(server: WorkspaceServer, client: WorkspaceClient) -> None:
    server.state.catalogs["network"] = "admins"
    server.log.requests.clear()
    assert [one.name for one in client.catalogs.list(max_results=2)] == ["main", "network", "system"]
    assert len(server.requests) == 2


def test_what_is_not_there_is_not_found_and_says_what_is_missing(client: WorkspaceClient) -> None:
    client.schemas.create("net", "main")
    for attempt, code in (
        (lambda: client.catalogs.get("other"), "CATALOG_DOES_NOT_EXIST"),
        (lambda: client.schemas.create("net", "other"), "CATALOG_DOES_NOT_EXIST"),
        (lambda: client.schemas.get("main.other"), "SCHEMA_DOES_NOT_EXIST"),
        (lambda: client.volumes.create("main", "other", "v", VolumeType.MANAGED), "SCHEMA_DOES_NOT_EXIST"),
        (lambda: client.volumes.read("main.net.v"), "RESOURCE_DOES_NOT_EXIST"),
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
    assert client.schemas.create("Flow_Logs", "MAIN").full_name == "main.flow_logs"
    made = client.volumes.create("Main", "Flow_Logs", "Checkpoints", VolumeType.MANAGED)
    assert made.full_name == "main.flow_logs.checkpoints"
    assert client.schemas.get("MAIN.FLOW_LOGS") == client.schemas.get("main.flow_logs")
    assert client.volumes.read("Main.Flow_Logs.Checkpoints") == made
    with pytest.raises(BadRequest, match="already exists"):
        client.schemas.create("flow_logs", "main")


def test_external_locations_are_listed_in_pages_of_which_some_are_empty(server: WorkspaceServer) -> None:
    state = server.state
    for number in range(7):
        name = f"location_{number}"
        state.external_locations[name] = ExternalLocation(name, f"s3://b/{number}", "credential", owner="someone")
    other = connect(server, token=add_service_principal(state, "other", groups=["users"]).token)
    assert list(other.external_locations.list(max_results=0)) == []
    state.grants["external_location location_6"] = {"users": ["READ_FILES"]}
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
    with pytest.raises(NotFound, match="location_7"):
        other.grants.get_effective("external_location", "location_7")


def test_the_default_catalog_is_the_assignments_and_by_the_setting_another(
    server: WorkspaceServer, client: WorkspaceClient
) -> None:
    assert client.metastores.current().default_catalog_name == "hive_metastore"
    with pytest.raises(NotFound):
        client.settings.default_namespace.get()
    server.state.default_namespace = "main"
    assert client.settings.default_namespace.get().namespace.value == "main"


def test_a_table_exists_or_not(server: WorkspaceServer, client: WorkspaceClient) -> None:
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
