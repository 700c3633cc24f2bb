"""The dashboard of a deployment: created, published, shared, overwritten, made again, and removed."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from databricks.sdk.service.dashboards import Dashboard as Draft

from infra import by_hand
from infra.workspace import status
from infra.workspace.dashboard import draft
from infra.workspace.errors import DeploymentError
from infra.workspace.memory import Memory
from infra.workspace.spec import WorkspaceSpec
from local.workspace import Fault
from local.workspace.state import Dashboard, Permission
from tests.support.deploying import (
    DASHBOARD,
    NEWER_TEMPLATE,
    NO_VERIFY,
    READERS,
    TEMPLATE,
    WAREHOUSE,
    Stage,
    snapshot,
    staged,
)

FOLDER = "/vpc-flow-logs/test"
PATH = f"{FOLDER}/VPC flow logs test.lvdash.json"
LAKEVIEW = "/api/2.0/lakeview/dashboards"
QUICK = (NO_VERIFY, DASHBOARD)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path) as stage:
        yield stage


def _dashboard(stage: Stage) -> Dashboard:
    (dashboard,) = (each for each in stage.server.state.dashboards.values() if not each.trashed)
    return dashboard


def _steps(stage: Stage, spec: WorkspaceSpec, *, template: str = TEMPLATE) -> dict[str, tuple[str, str]]:
    """Deploy, and return outcome and detail of each step about the dashboard."""
    stage.steps.clear()
    stage.server.clear_log()
    stage.deploy(spec, template=template)
    return {step.name: (step.outcome, step.detail) for step in stage.steps if "dashboard" in step.name}


def _outcomes(stage: Stage, spec: WorkspaceSpec, *, template: str = TEMPLATE) -> dict[str, str]:
    return {name: outcome for name, (outcome, _) in _steps(stage, spec, template=template).items()}


# Created.


def test_a_first_deploy_creates_publishes_and_shares_the_dashboard(stage: Stage) -> None:
    spec = stage.spec(*QUICK, READERS)
    deployed = stage.deploy(spec)
    dashboard = _dashboard(stage)
    url = f"{stage.server.host}/dashboardsv3/{dashboard.dashboard_id}/published"
    assert (deployed.dashboard_id, deployed.dashboard_url) == (dashboard.dashboard_id, url)
    assert dashboard.path == PATH
    assert "`network`.`flow_logs`.`test_all_fields`" in dashboard.content
    assert dashboard.warehouse_id == WAREHOUSE
    assert dashboard.published is not None
    assert dashboard.published_content == dashboard.content
    assert (dashboard.published["embed_credentials"], dashboard.published["warehouse_id"]) == (False, WAREHOUSE)
    shared = {(each.key, each.name): each.level for each in dashboard.permissions if each.key == "group_name"}
    assert shared == {("group_name", "auditors"): "CAN_READ", ("group_name", "operators"): "CAN_READ"}
    assert [(step.name, step.outcome) for step in stage.steps if "dashboard" in step.name] == [
        ("dashboard", "created"),
        ("publication of the dashboard", "created"),
        ("permissions of the dashboard", "updated"),
    ]


def test_every_publish_request_says_that_no_credentials_are_embedded(stage: Stage) -> None:
    stage.deploy(stage.spec(*QUICK))
    bodies = [request.body for request in stage.server.log.writing() if request.path.endswith("/published")]
    assert bodies == [{"embed_credentials": False, "warehouse_id": WAREHOUSE}]


def test_a_second_deploy_writes_nothing(stage: Stage) -> None:
    spec = stage.spec(*QUICK, READERS)
    stage.deploy(spec)
    assert set(_outcomes(stage, spec).values()) == {"unchanged"}
    assert stage.writing() == []


def test_the_file_without_a_warehouse_makes_no_request_about_dashboards(stage: Stage) -> None:
    stage.deploy(stage.spec(NO_VERIFY))
    assert stage.server.state.dashboards == {}
    assert [request.path for request in stage.server.requests if "lakeview" in request.path] == []


def test_a_missing_warehouse_is_reported_with_those_that_exist_and_nothing_changes(stage: Stage) -> None:
    stage.server.state.warehouses = {"00000000000000aa": "Small"}
    with pytest.raises(DeploymentError, match=r"no SQL warehouse '0123456789abcdef'.*00000000000000aa \(Small\)"):
        stage.deploy(stage.spec(*QUICK))
    assert stage.writing() == []


def test_a_lost_response_to_the_creation_leaves_one_dashboard(stage: Stage) -> None:
    stage.server.faults.on("POST", LAKEVIEW, Fault.CUT_AFTER)
    spec = stage.spec(*QUICK)
    stage.deploy(spec)
    assert [step.outcome for step in stage.steps if step.name == "dashboard"] == ["created"]
    assert stage.writing().count(f"POST {LAKEVIEW}") == 2
    assert len(stage.server.state.dashboards) == 1
    assert set(_outcomes(stage, spec).values()) == {"unchanged"}


def test_a_dashboard_that_reads_do_not_show_yet_is_waited_for(stage: Stage) -> None:
    stage.server.behavior.stale_dashboard_reads = 3
    stage.server.faults.on("POST", LAKEVIEW, Fault.CUT_AFTER)
    stage.deploy(stage.spec(*QUICK))
    assert len(stage.server.state.dashboards) == 1


def test_the_first_reads_after_a_write_do_not_matter(stage: Stage) -> None:
    spec = stage.spec(*QUICK)
    stage.server.behavior.stale_dashboard_reads = 1
    stage.deploy(spec)
    stage.deploy(spec, template=NEWER_TEMPLATE)
    dashboard = _dashboard(stage)
    assert '"b"' in dashboard.content
    assert dashboard.published_content == dashboard.content


# Changed.


def test_a_new_template_updates_and_publishes_the_same_dashboard(stage: Stage) -> None:
    spec = stage.spec(*QUICK)
    stage.deploy(spec)
    before = _dashboard(stage).dashboard_id
    outcomes = _outcomes(stage, spec, template=NEWER_TEMPLATE)
    assert (outcomes["dashboard"], outcomes["publication of the dashboard"]) == ("updated", "updated")
    assert _dashboard(stage).dashboard_id == before
    assert '"b"' in _dashboard(stage).published_content


def test_another_warehouse_changes_draft_and_publication_without_a_word_about_changes_by_hand(stage: Stage) -> None:
    stage.deploy(stage.spec(*QUICK))
    stage.server.state.warehouses["fedcba9876543210"] = "Other"
    spec = replace(stage.spec(*QUICK), warehouse_id="fedcba9876543210")
    steps = _steps(stage, spec)
    assert steps["dashboard"][0] == "updated"
    assert "by hand" not in steps["dashboard"][1]
    dashboard = _dashboard(stage)
    assert dashboard.published is not None
    assert (dashboard.warehouse_id, dashboard.published["warehouse_id"]) == ("fedcba9876543210",) * 2
    assert set(_outcomes(stage, spec).values()) == {"unchanged"}


@pytest.mark.parametrize("every_write", [False, True])
def test_a_draft_that_somebody_changed_is_overwritten_and_reported(stage: Stage, every_write: bool) -> None:
    stage.server.behavior.etag_counts_every_write = every_write
    spec = stage.spec(*QUICK)
    stage.deploy(spec)
    dashboard, client = _dashboard(stage), stage.client()
    content = dashboard.content
    changed = Draft(display_name=dashboard.display_name, serialized_dashboard="{}", warehouse_id=WAREHOUSE)
    client.lakeview.update(dashboard.dashboard_id, changed)
    steps = _steps(stage, spec)
    assert steps["dashboard"][0] == "updated"
    assert "overwrote changes that were made by hand" in steps["dashboard"][1]
    assert dashboard.content == dashboard.published_content == content
    assert set(_outcomes(stage, spec).values()) == {"unchanged"}


@pytest.mark.parametrize("every_write", [False, True])
def test_a_dashboard_that_somebody_renamed_gets_its_name_back(stage: Stage, every_write: bool) -> None:
    stage.server.behavior.etag_counts_every_write = every_write
    spec = stage.spec(*QUICK)
    stage.deploy(spec)
    dashboard = _dashboard(stage)
    stage.client().lakeview.update(dashboard.dashboard_id, Draft(display_name="Mine", warehouse_id=WAREHOUSE))
    assert "by hand" in _steps(stage, spec)["dashboard"][1]
    assert dashboard.path == PATH
    assert len(stage.server.state.dashboards) == 1


def test_a_publication_with_embedded_credentials_is_replaced(stage: Stage) -> None:
    spec = stage.spec(*QUICK)
    stage.deploy(spec)
    stage.client().lakeview.publish(_dashboard(stage).dashboard_id, warehouse_id=WAREHOUSE)
    published = _dashboard(stage).published
    assert published is not None
    assert published["embed_credentials"] is True
    assert _outcomes(stage, spec)["publication of the dashboard"] == "updated"
    published = _dashboard(stage).published
    assert published is not None
    assert published["embed_credentials"] is False


def test_a_dashboard_that_somebody_unpublished_is_published_again(stage: Stage) -> None:
    spec = stage.spec(*QUICK)
    stage.deploy(spec)
    stage.client().lakeview.unpublish(_dashboard(stage).dashboard_id)
    assert _outcomes(stage, spec) == {
        "dashboard": "unchanged",
        "publication of the dashboard": "created",
        "permissions of the dashboard": "unchanged",
    }


def test_an_update_whose_publication_failed_is_published_by_the_next_deploy(stage: Stage) -> None:
    spec = stage.spec(*QUICK)
    stage.deploy(spec)
    path = f"{LAKEVIEW}/{_dashboard(stage).dashboard_id}/published"
    stage.server.faults.on("POST", path, Fault.DENIED)
    with pytest.raises(DeploymentError, match="Publishing the dashboard"):
        stage.deploy(spec, template=NEWER_TEMPLATE)
    steps = _steps(stage, spec, template=NEWER_TEMPLATE)
    assert (steps["dashboard"][0], steps["publication of the dashboard"][0]) == ("unchanged", "updated")
    assert '"b"' in _dashboard(stage).published_content


def test_a_dashboard_in_the_trash_is_made_again(stage: Stage) -> None:
    spec = stage.spec(*QUICK)
    stage.deploy(spec)
    former = _dashboard(stage).dashboard_id
    stage.client().lakeview.trash(former)
    steps = _steps(stage, spec)
    assert steps["dashboard"][0] == "created"
    assert "the former one is gone or in the trash" in steps["dashboard"][1]
    assert _dashboard(stage).dashboard_id != former
    assert _dashboard(stage).published is not None


def test_a_dashboard_is_recognized_by_its_path_if_the_memory_is_lost(stage: Stage) -> None:
    spec = stage.spec(*QUICK)
    stage.deploy(spec)
    former = _dashboard(stage).dashboard_id
    Memory.read(stage.client(), spec.folder).update(dashboard=None)
    assert _outcomes(stage, spec)["dashboard"] == "updated"
    assert _dashboard(stage).dashboard_id == former


def test_permissions_that_others_granted_are_removed_but_the_deployer_keeps_its_own(stage: Stage) -> None:
    spec = stage.spec(*QUICK, READERS)
    stage.deploy(spec)
    dashboard = _dashboard(stage)
    dashboard.permissions.append(Permission("user_name", "jane@example.com", "CAN_EDIT"))
    assert _outcomes(stage, spec)["permissions of the dashboard"] == "updated"
    assert [(each.key, each.level) for each in dashboard.permissions] == [
        ("group_name", "CAN_READ"),
        ("group_name", "CAN_READ"),
        ("service_principal_name", "CAN_MANAGE"),
    ]


# Removed.


def test_a_file_without_the_warehouse_takes_the_dashboard_away(stage: Stage) -> None:
    stage.deploy(stage.spec(*QUICK))
    without = stage.spec(NO_VERIFY)
    assert _outcomes(stage, without) == {"dashboard": "removed"}
    assert snapshot(stage.server.state)["dashboards"] == []
    assert Memory.read(stage.client(), without.folder).value.dashboard is None
    assert _outcomes(stage, without) == {}
    assert stage.writing() == []


def test_destroy_takes_the_dashboard_back_before_its_folder(stage: Stage) -> None:
    spec = stage.spec(*QUICK)
    stage.deploy(spec)
    dashboard = _dashboard(stage)
    stage.server.clear_log()
    steps = stage.destroy(spec)
    assert ("dashboard", "removed") in [(step.name, step.outcome) for step in steps]
    assert (dashboard.trashed != "", dashboard.published) == (True, None)
    writing = stage.writing()
    trashed = writing.index(f"DELETE {LAKEVIEW}/{dashboard.dashboard_id}")
    assert trashed < writing.index("POST /api/2.0/workspace/delete")
    assert [path for path in stage.server.state.objects if path.startswith("/vpc-flow-logs")] == []
    assert stage.destroy(spec) == ()


def test_destroy_finds_a_dashboard_without_the_memory(stage: Stage) -> None:
    spec = stage.spec(*QUICK)
    stage.deploy(spec)
    Memory.read(stage.client(), spec.folder).update(dashboard=None)
    stage.destroy(spec)
    assert snapshot(stage.server.state)["dashboards"] == []


# Shown.


def test_status_shows_id_path_and_publication(stage: Stage) -> None:
    spec = stage.spec(*QUICK)
    stage.deploy(spec)
    dashboard = _dashboard(stage)
    shown = status.read(stage.client(), spec).dashboard
    assert shown is not None
    assert (shown.id, shown.path, shown.published) == (dashboard.dashboard_id, f"/Workspace{PATH}", True)
    stage.client().lakeview.unpublish(dashboard.dashboard_id)
    shown = status.read(stage.client(), spec).dashboard
    assert shown is not None
    assert not shown.published


def test_the_command_prints_id_path_and_url(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    spec = stage.spec(*QUICK)
    stage.deploy(spec)
    dashboard = _dashboard(stage)
    stage.client().lakeview.unpublish(dashboard.dashboard_id)
    by_hand._status(stage.client(), spec, Namespace(env="test"))
    assert capsys.readouterr().out.splitlines()[-2:] == [
        f"dashboard {dashboard.dashboard_id}  /Workspace{PATH}  (not published)",
        f"          {stage.server.host}/dashboardsv3/{dashboard.dashboard_id}/published",
    ]


def test_the_memory_keeps_the_id_and_the_etag_of_the_draft(stage: Stage) -> None:
    stage.deploy(stage.spec(*QUICK))
    kept = json.loads(stage.server.state.objects[f"{FOLDER}/deployment.json"].content)["dashboard"]
    assert (kept["id"], kept["etag"]) == (_dashboard(stage).dashboard_id, "1")
    assert len(kept["digest"]) == 16


def test_a_memory_of_version_0_1_0_has_no_dashboard(stage: Stage) -> None:
    spec = stage.spec(*QUICK)
    stage.deploy(spec)
    file = stage.server.state.objects[f"{FOLDER}/deployment.json"]
    content = json.loads(file.content)
    del content["dashboard"]
    file.content = json.dumps(content).encode()
    assert Memory.read(stage.client(), spec.folder).value.dashboard is None


def test_the_name_of_a_dashboard_names_the_environment(stage: Stage) -> None:
    assert draft.path_of(stage.spec(*QUICK)) == f"/Workspace{PATH}"
