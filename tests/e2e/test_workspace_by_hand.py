"""The local workspace started by hand: its output and its end."""

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
CALLER_PREFIXES = ("DATABRICKS_",)


@contextmanager
def started(*options: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """Start the process; yield it with the variables that it prints for export."""
    process = subprocess.Popen([*COMMAND, *options], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    exports: dict[str, str] = {}
    try:
        for line in process.stdout:
            if match := re.match(r"\s+export (DATABRICKS_\w+)=(\S+)", line):
                exports[match[1]] = match[2]
            if line.startswith("Every request"):
                break
        yield process, exports
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture(autouse=True)
def _no_settings_of_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(CALLER_PREFIXES):
            monkeypatch.delenv(name)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_printed_variables_sign_the_sdk_in_until_the_process_is_stopped(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    with started("--group", "analysts") as (process, exports):
        for name in ("DATABRICKS_HOST", "DATABRICKS_TOKEN"):
            monkeypatch.setenv(name, exports[name])
        assert "analysts" in [group.display_name for group in WorkspaceClient().groups.list()]
        monkeypatch.delenv("DATABRICKS_TOKEN")
        for name in ("DATABRICKS_CLIENT_ID", "DATABRICKS_CLIENT_SECRET"):
            monkeypatch.setenv(name, exports[name])
        assert WorkspaceClient().current_user.me().user_name == exports["DATABRICKS_CLIENT_ID"]
        process.send_signal(number)
        assert process.stdout is not None
        remaining = process.stdout.read()
        assert process.wait(10) == 0
    assert "200  GET /api/2.0/preview/scim/v2/Groups" in remaining
    assert remaining.endswith("stopped; the workspace is gone\n")
    assert exports["DATABRICKS_TOKEN"] not in remaining


def test_the_token_can_be_chosen() -> None:
    with started("--admin-token", "mine") as (_, exports):
        client = WorkspaceClient(host=exports["DATABRICKS_HOST"], token="mine")
        assert client.current_user.me().display_name == "deployer"


def test_a_port_in_use_is_one_sentence_and_status_1() -> None:
    with started() as (_, exports):
        port = exports["DATABRICKS_HOST"].rpartition(":")[2]
        second = subprocess.run([*COMMAND, "--port", port], cwd=ROOT, capture_output=True, text=True, check=False)
    assert second.returncode == 1
    assert second.stderr == f"cannot use port {port}: Address already in use. Choose another one with --port.\n"


def test_an_invalid_port_is_rejected_with_status_2() -> None:
    result = subprocess.run([*COMMAND, "--port", "99999"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert "'99999' is not a valid port: use a whole number from 0 to 65535" in result.stderr
