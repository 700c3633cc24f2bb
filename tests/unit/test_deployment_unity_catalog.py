"""The default catalog and the external locations, which a deploy checks before it changes anything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from databricks.sdk.service.catalog import ExternalLocationInfo

from infra.workspace.errors import DeploymentError
from infra.workspace.spec import WorkspaceSpec
from infra.workspace.unity.external_locations import covering
from local.workspace import ExternalLocation, Fault, Outcome, RecordingRunner, Script, add_service_principal
from tests.support.deploying import NO_VERIFY, OFF, STACK_QUEUE, Stage, staged

LOCATIONS = "/api/2.1/unity-catalog/external-locations"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path) as stage:
        yield stage


def _add_location(stage: Stage, url: str, *, owner: str = "someone", name: str = "logs", **more: bool) -> None:
    stage.server.state.external_locations[name] = ExternalLocation(name, url, "credential", owner, **more)


def _grant(stage: Stage, principal: str, *privileges: str, name: str = "logs") -> None:
    stage.server.state.grants.setdefault(f"external_location {name}", {})[principal] = list(privileges)


def _notes(stage: Stage, spec: WorkspaceSpec | None = None) -> list[str]:
    stage.steps.clear()
    stage.deploy(spec or stage.spec(NO_VERIFY))
    return [step.detail for step in stage.steps if step.outcome == "note"]


def _spec(stage: Stage, table: str, *, path: str = "") -> WorkspaceSpec:
    spec = stage.spec(NO_VERIFY)
    parameters = {**spec.job.parameters, "table-name": table, "delta-output-path": path}
    return replace(spec, job=replace(spec.job, parameters=parameters))


# The default catalog


@pytest.mark.parametrize(("setting", "assignment"), [("main", "hive_metastore"), (None, "main")])
def test_a_schema_without_a_catalog_is_created_in_the_default_catalog_of_the_workspace(
    stage: Stage, setting: str | None, assignment: str
) -> None:
    stage.server.state.default_namespace, stage.server.state.default_catalog = setting, assignment
    assert _notes(stage, _spec(stage, "security.flow_logs")) == []
    assert set(stage.server.state.schemas) == {"main.security", "network.flow_logs"}


def test_a_table_without_a_schema_needs_no_new_schema(stage: Stage) -> None:
    stage.server.state.default_catalog = "main"
    stage.deploy(_spec(stage, "flow_logs"))
    assert list(stage.server.state.schemas) == ["network.flow_logs"]


def test_a_missing_default_catalog_is_reported_before_any_change(stage: Stage) -> None:
    stage.server.state.default_catalog = "elsewhere"
    with pytest.raises(DeploymentError, match="no catalog 'elsewhere'"):
        stage.deploy(_spec(stage, "security.flow_logs"))
    assert stage.writing() == []


def test_a_default_catalog_that_cannot_be_read_is_noted_and_the_deploy_continues(stage: Stage) -> None:
    stage.server.faults.on("GET", "/api/2.0/settings/types/default_namespace_ws/*", Fault.DENIED)
    stage.server.faults.on("GET", "/api/2.1/unity-catalog/current-metastore-assignment", Fault.DENIED)
    (note,) = _notes(stage, _spec(stage, "security.flow_logs"))
    assert "'security.flow_logs' belongs to the workspace's default catalog, which cannot be read" in note
    assert "catalog.schema.name" in note


def test_the_default_catalog_is_not_read_if_the_table_names_its_catalog(stage: Stage) -> None:
    stage.deploy(stage.spec(NO_VERIFY))
    assert not any("default_namespace" in str(request) for request in stage.server.requests)


# An external table in Unity Catalog


@pytest.mark.parametrize(
    ("table", "default"), [("network.flow_logs.test", "hive_metastore"), ("flow_logs", "main"), ("a.flow_logs", "main")]
)
def test_an_external_table_that_no_external_location_covers_is_rejected_before_any_change(
    stage: Stage, table: str, default: str
) -> None:
    stage.server.state.default_catalog = default
    _add_location(stage, "s3://lake/other", owner="admins")
    with pytest.raises(DeploymentError) as failure:
        stage.deploy(_spec(stage, table, path="s3://lake/flow_logs"))
    text = str(failure.value)
    assert "cannot be stored in s3://lake/flow_logs and s3://lake/flow_logs_quarantine (job.delta_output_path)" in text
    assert "READ FILES and CREATE EXTERNAL TABLE" in text
    assert "Nothing was changed" in text
    assert stage.writing() == []


def test_a_quarantine_table_that_no_external_location_covers_is_rejected(stage: Stage) -> None:
    _add_location(stage, "s3://lake/flow_logs/", owner="admins")
    with pytest.raises(DeploymentError, match=r"cannot be stored in s3://lake/flow_logs_quarantine \("):
        stage.deploy(_spec(stage, "network.flow_logs.test", path="s3://lake/flow_logs"))


def test_a_table_folder_in_an_external_location_is_accepted(stage: Stage) -> None:
    _add_location(stage, "s3://lake", owner="admins")
    stage.deploy(_spec(stage, "network.flow_logs.test", path="s3://lake/flow_logs/"))


def test_an_external_location_that_the_service_principal_cannot_see_does_not_count(stage: Stage) -> None:
    _add_location(stage, "s3://lake")
    with pytest.raises(DeploymentError, match="no external location that the service principal can see covers it"):
        stage.deploy(_spec(stage, "network.flow_logs.test", path="s3://lake/flow_logs"))


def test_an_existing_external_table_is_accepted(stage: Stage) -> None:
    stage.server.state.tables.add("network.flow_logs.test")
    stage.deploy(_spec(stage, "network.flow_logs.test", path="s3://lake/flow_logs"))


def test_a_roll_up_that_no_external_location_covers_is_a_note_because_the_logs_can_be_loaded(stage: Stage) -> None:
    for number, folder in enumerate(("flow_logs", "flow_logs_quarantine")):
        _add_location(stage, f"s3://lake/{folder}/", name=f"lake{number}", owner="admins")
    spec = _spec(stage, "network.flow_logs.test", path="s3://lake/flow_logs")
    (note,) = _notes(stage, spec)
    assert note.startswith("no external location that the service principal can see covers s3://lake/flow_logs_hourly,")
    assert "maintenance.enabled = false" in note
    assert _notes(stage, replace(spec, maintenance=None)) == []


@pytest.mark.parametrize("table", ["flow_logs", "hive_metastore.a.flow_logs"])
def test_a_hive_table_needs_no_external_location(stage: Stage, table: str) -> None:
    stage.deploy(_spec(stage, table, path="s3://lake/flow_logs"))


# The logs


def test_logs_that_no_external_location_covers_cause_no_note(stage: Stage) -> None:
    _add_location(stage, "s3://flow-logs-bucket/other", owner="admins")
    _add_location(stage, "s3://flow-logs", owner="admins", name="alike")
    assert _notes(stage) == []


def test_an_external_location_that_covers_the_logs_is_noted_with_the_grant_that_the_job_needs(stage: Stage) -> None:
    _add_location(stage, "s3://flow-logs-bucket", file_events=False)
    _add_location(stage, "s3://flow-logs-bucket/AWSLogs/", file_events=False, name="logs_folder")
    deployer = stage.deployer.client_id
    _grant(stage, "users", "BROWSE")
    _grant(stage, "users", "BROWSE", name="logs_folder")
    (note,) = _notes(stage)
    assert "external location logs_folder (s3://flow-logs-bucket/AWSLogs/) covers the logs" in note
    assert "that the service principal can see" in note
    assert (
        f"has no visible READ FILES privilege: GRANT READ FILES ON EXTERNAL LOCATION `logs_folder` TO `{deployer}`"
        in note
    )
    _grant(stage, deployer, "READ_FILES", name="logs_folder")
    (note,) = _notes(stage)
    assert f"The job runs as {deployer}, which has READ FILES" in note
    assert "GRANT" not in note


@pytest.mark.parametrize("group", ["admins", "account users"])
def test_a_grant_to_a_group_of_the_service_principal_counts(stage: Stage, group: str) -> None:
    _add_location(stage, "s3://flow-logs-bucket", file_events=False)
    _grant(stage, group, "ALL_PRIVILEGES")
    (note,) = _notes(stage)
    assert "has READ FILES" in note


def test_grants_that_cannot_be_read_are_noted_with_the_required_grant_and_the_deploy_continues(stage: Stage) -> None:
    _add_location(stage, "s3://flow-logs-bucket", file_events=False)
    _grant(stage, "users", "BROWSE")
    stage.server.faults.on("GET", "/api/2.1/unity-catalog/effective-permissions/*", Fault.DENIED)
    (note,) = _notes(stage)
    assert "needs READ FILES: GRANT READ FILES ON EXTERNAL LOCATION `logs`" in note


@pytest.mark.parametrize(("changes", "noted"), [([], True), ([STACK_QUEUE], True), ([OFF], False)])
def test_file_events_that_conflict_with_the_notifications_of_the_job_are_noted(
    stage: Stage, changes: list[tuple[str, str]], noted: bool
) -> None:
    _add_location(stage, "s3://flow-logs-bucket", owner="admins", file_events=True)
    notes = _notes(stage, stage.spec(NO_VERIFY, *changes))
    assert any("useManagedFileEvents" in note and 'job.notifications = "off"' in note for note in notes) == noted


def test_external_locations_that_cannot_be_listed_are_noted(stage: Stage) -> None:
    stage.server.faults.on("GET", LOCATIONS, Fault.DENIED)
    (note,) = _notes(stage)
    assert "cannot be listed (Only admins can perform this operation). If one covers s3://flow-logs-bucket/" in note


@pytest.mark.parametrize(("granted", "advised"), [(False, True), (True, False)])
def test_a_verify_run_that_is_denied_access_is_reported_with_the_missing_grant(
    stage: Stage, granted: bool, advised: bool
) -> None:
    _add_location(stage, "s3://flow-logs-bucket", file_events=False)
    _grant(stage, "users", "READ_FILES" if granted else "BROWSE")
    runner = stage.server.workspace.runner
    assert isinstance(runner, RecordingRunner)
    runner.next.append(Script(Outcome("FAILED", "[INSUFFICIENT_PERMISSIONS] no permission")))
    with pytest.raises(DeploymentError, match=r"^The verify run failed: \[INSUFFICIENT_PERMISSIONS\]") as failure:
        stage.deploy(stage.spec())
    assert ("GRANT READ FILES ON EXTERNAL LOCATION `logs`" in str(failure.value)) == advised


def test_empty_pages_of_external_locations_are_skipped(stage: Stage) -> None:
    for number in range(7):
        _add_location(stage, f"s3://other-{number}", name=f"a{number}")
    _add_location(stage, "s3://flow-logs-bucket", owner="admins", file_events=False, name="z")
    stage.server.clear_log()
    assert len(_notes(stage)) == 1
    assert len([request for request in stage.server.requests if request.path == LOCATIONS]) == 3


def test_a_second_deploy_with_notes_writes_nothing(stage: Stage) -> None:
    _add_location(stage, "s3://flow-logs-bucket", owner="admins")
    stage.deploy(stage.spec())
    stage.server.clear_log()
    assert len(_notes(stage, stage.spec())) == 2
    assert stage.writing() == []


def test_a_deployer_without_metastore_admin_rights_can_deploy(stage: Stage) -> None:
    token = add_service_principal(stage.server.state, "other", admin=True).token
    _add_location(stage, "s3://flow-logs-bucket", owner="metastore admins")
    stage.deploy(stage.spec(NO_VERIFY), client=stage.client(token=token))


@pytest.mark.parametrize(
    ("url", "path", "covers"),
    [
        ("s3://b", "s3://b/x", True),
        ("s3://b/x/", "s3://b/x", True),
        ("s3a://b/x", "s3://b/x/y/", True),
        ("s3://b/x", "s3://b/xy", False),
        ("s3://b/x/y", "s3://b/x", False),
        ("", "s3://b/x", False),
    ],
)
def test_an_external_location_covers_its_folder_and_everything_below(url: str, path: str, covers: bool) -> None:
    assert (covering([ExternalLocationInfo(url=url)], path) is not None) == covers
