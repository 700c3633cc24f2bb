"""The workspace stand-in as a person starts it: what it says, and that it ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from databricks.sdk import WorkspaceClient

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "local.workspace"]
NOT_OURS = ("DATABRICKS_",)


@contextmanager
def started(*options: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """The process, and what it says to export."""
    process = subprocess.Popen([*COMMAND, *options], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said: dict[str, str] = {}
    try:
        for line in process.stdout:
            if found := re.match(r"\s+export (DATABRICKS_\w+)=(\S+)", line):
                said[found[1]] = found[2]
            if line.startswith("Every request"):
                break
        yield process, said
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture(autouse=True)
def _no_settings_of_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(NOT_OURS):
            monkeypatch.delenv(name)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_it_says_to_export_lets_the_sdk_in_until_it_is_stopped(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    with started("--group", "analysts") as (process, said):
        for name in ("DATABRICKS_HOST", "DATABRICKS_TOKEN"):
            monkeypatch.setenv(name, said[name])
        assert "analysts" in [group.display_name for group in WorkspaceClient().groups.list()]
        monkeypatch.delenv("DATABRICKS_TOKEN")
        for name in ("DATABRICKS_CLIENT_ID", "DATABRICKS_CLIENT_SECRET"):
            monkeypatch.setenv(name, said[name])
        assert WorkspaceClient().current_user.me().user_name == said["DATABRICKS_CLIENT_ID"]
        process.send_signal(number)
        assert process.stdout is not None
        rest = process.stdout.read()
        assert process.wait(10) == 0
    assert "200  GET /api/2.0/preview/scim/v2/Groups" in rest
    assert rest.endswith("stopped; the workspace is gone\n")
    assert said["DATABRICKS_TOKEN"] not in rest


def test_the_token_can_be_chosen() -> None:
    with started("--admin-token", "mine") as (_, said):
        client = WorkspaceClient(host=said["DATABRICKS_HOST"], token="mine")
        assert client.current_user.me().display_name == "deployer"


def test_a_port_that_is_taken_is_one_sentence_and_status_1() -> None:
    with started() as (_, said):
        port = said["DATABRICKS_HOST"].rpartition(":")[2]
        second = subprocess.run([*COMMAND, "--port", port], cwd=ROOT, capture_output=True, text=True, check=False)
    assert second.returncode == 1
    assert second.stderr == f"cannot use port {port}: Address already in use. Choose another one with --port.\n"


def test_what_is_no_port_is_refused_with_status_2() -> None:
    refused = subprocess.run([*COMMAND, "--port", "99999"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "'99999' is not a valid port: use a whole number from 0 to 65535" in refused.stderr
