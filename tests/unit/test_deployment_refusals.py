"""Rejected deployments: one sentence with the next step, and no partial state that blocks the next deploy."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from infra.assets.wheel import build_wheel
from infra.workspace.client import connect, secret_of
from infra.workspace.deployment import destroy
from infra.workspace.errors import DeploymentError, sentence
from infra.workspace.wheel.wheel_file import read_wheel, wheel_in
from local.workspace import Fault, add_service_principal
from tests.support.deploying import GROUP, READERS, Hurried, Stage, snapshot, staged


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path) as stage:
        yield stage


def _rejected(stage: Stage, *changes: tuple[str, str]) -> str:
    """Assert that a deployment is rejected without a write request, and return the message."""
    before = snapshot(stage.server.state)
    stage.server.clear_log()
    with pytest.raises(DeploymentError) as failure:
        stage.deploy(stage.spec(*changes))
    assert stage.writing() == []
    assert snapshot(stage.server.state) == before
    text = str(failure.value)
    assert "\n" not in text
    assert len(text) <= 900
    return text


def test_everything_that_the_workspace_lacks_is_reported_at_once_before_any_change(stage: Stage) -> None:
    text = _rejected(
        stage,
        ("[workspace.cluster]", 'groups = ["nobody", "network-engineers"]\nusers = ["a@b.c"]\n\n[workspace.cluster]'),
        ('"m6gd.large"', '"m6gd.huge"\nspark_version = "17.1.x-scala2.13"'),
        ('trigger = "continuous"', 'trigger = "continuous"\ncan_view = ["ghosts"]'),
        ("network.flow_logs.test", "elsewhere.flow_logs.test"),
    )
    assert "no group 'nobody'" in text
    assert "no user 'a@b.c'" in text
    assert "no group 'ghosts'" in text
    assert "no node type 'm6gd.huge'" in text
    assert "m6gd.large" in text
    assert "no runtime '17.1.x-scala2.13'" in text
    assert "18.x-scala2.13" in text
    assert "no catalog 'elsewhere'" in text
    assert "CREATE SCHEMA" in text
    assert text.endswith("Nothing was changed. Fix this and deploy again")


def test_a_job_of_the_same_name_that_the_deployment_did_not_create_is_never_changed(stage: Stage) -> None:
    other = stage.client().jobs.create(name="vpc-flow-logs-test")
    text = _rejected(stage)
    assert f"taken by job {other.job_id}, which does not belong to this deployment" in text
    stage.destroy(stage.spec())
    assert list(stage.server.state.jobs) == [other.job_id]


def test_a_job_of_an_environment_of_the_same_name_in_another_account_is_not_changed(stage: Stage) -> None:
    elsewhere = [("111122223333", "999988887777")]
    text = stage.spec().to_json()
    for old, new in elsewhere:
        text = text.replace(old, new)
    stage.deploy(type(stage.spec()).from_json(text))
    assert "belongs to another AWS account: rename this environment's file" in _rejected(stage)


def test_a_deployment_without_admin_permissions_fails_at_the_first_write_and_asks_for_an_admin(stage: Stage) -> None:
    token = add_service_principal(stage.server.state, "somebody").token
    before = snapshot(stage.server.state)
    with pytest.raises(DeploymentError, match=r"Registering the instance profile.*Only admins.*workspace admin"):
        stage.deploy(stage.spec(GROUP), client=stage.client(token=token))
    after = snapshot(stage.server.state)
    assert {key: after[key] for key in ("profiles", "roles", "jobs")} == {
        key: before[key] for key in ("profiles", "roles", "jobs")
    }


def test_permissions_revoked_during_a_deploy_are_reported_and_the_next_deploy_finishes(stage: Stage) -> None:
    spec = stage.spec(GROUP, READERS)
    stage.server.faults.on("PATCH", "/api/2.0/preview/scim/*", Fault.DENIED)
    with pytest.raises(DeploymentError, match=r"group network-engineers.*workspace admin.*deploy again"):
        stage.deploy(spec)
    assert stage.deploy(spec).job_id


def test_a_catalog_that_cannot_be_seen_is_reported_with_the_missing_privileges(stage: Stage) -> None:
    stage.server.clear_log()
    stage.server.faults.on("GET", "/api/2.1/unity-catalog/catalogs/*", Fault.DENIED)
    with pytest.raises(DeploymentError, match="cannot see it: create it, or grant USE CATALOG and CREATE SCHEMA on it"):
        stage.deploy(stage.spec())
    assert stage.writing() == []


@pytest.mark.parametrize("kind", ["schema", "volume"])
def test_a_missing_unity_catalog_privilege_is_reported_by_name(stage: Stage, kind: str) -> None:
    stage.server.faults.on("POST", f"/api/2.1/unity-catalog/{kind}s", Fault.DENIED)
    with pytest.raises(
        DeploymentError, match=rf"is not allowed to create the {kind} network\.flow_logs.*CREATE VOLUME"
    ):
        stage.deploy(stage.spec())
    stage.deploy(stage.spec())
    assert list(stage.server.state.volumes) == ["network.flow_logs.checkpoints"]


def test_a_wrong_token_is_reported_and_never_shown(stage: Stage) -> None:
    token = f"dapi{'0' * 32}"
    with pytest.raises(DeploymentError, match="rejected the credentials") as failure:
        stage.deploy(stage.spec(), client=stage.client(token=token))
    assert token not in str(failure.value)


def test_a_wrong_oauth_secret_is_reported_and_never_shown(stage: Stage) -> None:
    wrong = f"dose{'1' * 32}"
    secret = {"client_id": stage.deployer.client_id, "client_secret": wrong}
    with pytest.raises(DeploymentError, match="rejected the credentials") as failure:
        stage.deploy(stage.spec(), client=connect(stage.server.host, secret=secret, clock=Hurried()))
    assert wrong not in str(failure.value)


def test_an_oauth_secret_signs_in(stage: Stage) -> None:
    secret = {"client_id": stage.deployer.client_id, "client_secret": stage.deployer.client_secret}
    stage.deploy(stage.spec(), client=connect(stage.server.host, secret=secret, clock=Hurried()))
    assert len(stage.server.state.jobs) == 2


def test_a_host_without_a_server_is_reported_as_unreachable(stage: Stage) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        host = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with pytest.raises(DeploymentError, match=r"Cannot reach http://127.*workspace\.host"):
        stage.deploy(stage.spec(), client=connect(host, secret={"token": "x"}, clock=Hurried()))


class _Website(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>Welcome</html>")

    do_POST = do_GET

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.mark.parametrize("secret", [{"token": "x"}, {"client_id": "x", "client_secret": "y"}])
def test_a_server_that_is_not_a_workspace_is_reported(stage: Stage, secret: dict[str, str]) -> None:
    website = HTTPServer(("127.0.0.1", 0), _Website)
    Thread(target=website.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        host = f"http://127.0.0.1:{website.server_port}"
        with pytest.raises(DeploymentError, match=r"not a Databricks workspace.*workspace\.host"):
            stage.deploy(stage.spec(), client=connect(host, secret=secret, clock=Hurried()))
    finally:
        website.shutdown()
        website.server_close()


def test_an_invalid_memory_file_is_reported_with_the_advice_to_delete_it(stage: Stage) -> None:
    stage.deploy(stage.spec())
    stage.server.state.objects["/vpc-flow-logs/test/deployment.json"].content = b"{}"
    with pytest.raises(DeploymentError, match=r"deployment\.json.*Delete it and deploy again"):
        stage.deploy(stage.spec())


@pytest.mark.parametrize("text", ["", "hunter2", "[]", '{"client_id": "x"}', '{"token": ""}', '{"token": 1}'])
def test_a_secret_without_credentials_is_reported_and_never_shown(text: str) -> None:
    with pytest.raises(DeploymentError, match="client_id and client_secret") as failure:
        secret_of(text)
    assert "hunter2" not in str(failure.value)


@pytest.mark.parametrize("name", ["token", "client_secret"])
@pytest.mark.parametrize("value", ["bad\nhidden", "bad hidden", "badhidden\r\n"])
def test_credentials_that_contain_white_space_are_rejected_and_never_shown(
    stage: Stage, name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"DATABRICKS_{name.upper()}", value)
    with pytest.raises(DeploymentError, match="copied incompletely") as failure:
        connect(stage.server.host)
    assert f"({name})" in str(failure.value)
    assert "hidden" not in str(failure.value)


def test_two_kinds_of_credentials_are_reported_with_the_variables_to_unset(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TOKEN", "CLIENT_ID", "CLIENT_SECRET"):
        monkeypatch.setenv(f"DATABRICKS_{name}", "hidden")
    with pytest.raises(DeploymentError, match=r"two kinds of credentials.*DATABRICKS_TOKEN or .*unset") as failure:
        connect(stage.server.host)
    assert "hidden" not in str(failure.value)


def test_a_token_that_contains_a_line_break_is_rejected_and_never_shown(stage: Stage) -> None:
    with pytest.raises(DeploymentError, match="token") as failure:
        connect(stage.server.host, secret={"token": "dapi\nverysecret"})
    assert "verysecret" not in str(failure.value)


def test_a_missing_wheel_is_reported(tmp_path: Path) -> None:
    with pytest.raises(DeploymentError, match="wheel is missing"):
        wheel_in(tmp_path)
    with pytest.raises(DeploymentError, match="wheel is missing"):
        read_wheel(tmp_path / "vpc_flow_logs-0.1.0-py3-none-any.whl")


def test_a_file_that_is_not_a_wheel_is_rejected(tmp_path: Path) -> None:
    file = tmp_path / "vpc_flow_logs-0.1.0-py3-none-any.whl"
    file.write_bytes(b"PK?")
    with pytest.raises(DeploymentError, match="cannot be read as a wheel"):
        read_wheel(file)


def test_two_builds_of_the_same_source_give_the_same_wheel_and_label(tmp_path: Path) -> None:
    wheel, second_wheel = read_wheel(build_wheel(tmp_path / "a")), read_wheel(build_wheel(tmp_path / "b"))
    assert wheel == second_wheel
    assert wheel.name.startswith("vpc_flow_logs-")
    assert wheel.label.startswith(f"{wheel.name.split('-')[1]}-")


def test_the_message_of_an_event_is_one_line_without_secrets() -> None:
    text = sentence(f"a\nb my-secret dapi{'0' * 32} " + "x" * 2000, secrets=["my-secret", ""])
    assert "\n" not in text
    assert "my-secret" not in text
    assert "dapi0" not in text
    assert len(text) == 900


def test_destroy_without_admin_permissions_fails_and_keeps_the_jobs(stage: Stage) -> None:
    spec = stage.spec(GROUP)
    stage.deploy(spec)
    token = add_service_principal(stage.server.state, "somebody").token
    with pytest.raises(DeploymentError):
        destroy(stage.client(token=token), spec, aws=stage.bucket.clients, pace=stage.pace())
    assert len(stage.server.state.jobs) == 2
