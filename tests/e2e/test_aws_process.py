"""The emulator as a process: it has one port and one folder, can run next to others, and ends with its parent."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from local.aws import NotStarted, running
from tests.support.stages import ROOT, SECONDS, functions_of

pytestmark = pytest.mark.slow

ACCOUNT = "111122223333"


def test_two_emulators_run_at_once_and_both_answer_custom_resources(tmp_path: Path) -> None:
    with running(tmp_path / "first", account=ACCOUNT) as first, running(tmp_path / "second", account=ACCOUNT) as second:
        second.client("s3").create_bucket(Bucket="of-the-second")
        assert first.client("s3").list_buckets()["Buckets"] == []
        assert set(functions_of(first)).isdisjoint(functions_of(second))


_PARENT = """
import sys, time
from pathlib import Path
from local.aws import running
from tests.support.stages import functions_of
with running(Path(sys.argv[1])) as stage:
    print(stage.url, *functions_of(stage), flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_the_emulator_and_its_functions_end_with_the_parent_process(number: signal.Signals, tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", _PARENT, str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert parent.stdout
        url, *functions = parent.stdout.readline().split()
        port = int(url.rpartition(":")[2])
        assert listens(port)
        assert all(map(is_alive, map(int, functions)))
        parent.send_signal(number)
        parent.wait(SECONDS)
    finally:
        parent.kill()
    assert soon(lambda: not listens(port))
    assert soon(lambda: not any(map(is_alive, map(int, functions))))


def listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def is_alive(process: int) -> bool:
    """Return whether a process runs; a zombie does not."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{process}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"


def soon(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 20
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)
    return condition()


def test_an_emulator_that_does_not_start_reports_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The child process searches for modules in its parent's path.
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if not Path(entry, "local", "aws").exists()])
    with pytest.raises(NotStarted, match="No module named"), running(tmp_path / "stage"):
        pass


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="needs /proc/net/tcp to find the listening process")
def test_the_emulator_listens_on_one_port_of_the_loopback_address_only(tmp_path: Path) -> None:
    with running(tmp_path) as stage:
        functions_of(stage)
        port = int(stage.url.rpartition(":")[2])
        assert listeners_of_the_process_at(port) == {f"0100007F:{port:04X}"}


def listeners_of_the_process_at(port: int) -> set[str]:
    """Return all addresses of the process that listens on a port of 127.0.0.1, as /proc spells them."""
    lines = [
        line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]
    ]
    sockets = {f"socket:[{line[9]}]": line[1] for line in lines if line[3] == "0A"}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            addresses = {
                sockets[name]
                for descriptor in (process / "fd").iterdir()
                if (name := str(descriptor.readlink())) in sockets
            }
        except OSError:
            continue
        if f"0100007F:{port:04X}" in addresses:
            return addresses
    return set()


def test_the_emulator_writes_only_to_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setenv("TMPDIR", str(elsewhere))
    monkeypatch.setenv("HOME", str(elsewhere))
    with running(tmp_path / "stage", account=ACCOUNT) as stage:
        functions_of(stage)
        stage.client("s3").create_bucket(Bucket="left")
        stage.client("s3").put_object(Bucket="left", Key="a", Body=b"x")
    assert list(elsewhere.rglob("*")) == []
