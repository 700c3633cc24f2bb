"""The stage as a process: several at once, on one port each, in a folder of its own, and gone with its parent."""

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


def test_two_stages_run_at_once_and_custom_resources_of_both_are_answered(tmp_path: Path) -> None:
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


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_it_ends_with_its_parent_and_so_do_its_functions(how: signal.Signals, tmp_path: Path) -> None:
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
        parent.send_signal(how)
        parent.wait(SECONDS)
    finally:
        parent.kill()
    assert soon(lambda: not listens(port))
    assert soon(lambda: not any(map(is_alive, map(int, functions))))


def listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def is_alive(process: int) -> bool:
    """Whether a process runs; one that has ended and that nobody has asked for does not."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{process}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"


def soon(what: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 20
    while not what() and time.monotonic() < deadline:
        time.sleep(0.1)
    return what()


def test_a_stage_that_does_not_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The child looks for modules where its parent does.
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if not Path(entry, "local", "aws").exists()])
    with pytest.raises(NotStarted, match="No module named"), running(tmp_path / "stage"):
        pass


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="only Linux tells who listens where")
def test_it_listens_on_one_port_of_this_machine_alone(tmp_path: Path) -> None:
    with running(tmp_path) as stage:
        functions_of(stage)
        port = int(stage.url.rpartition(":")[2])
        assert listeners_beside(port) == {f"0100007F:{port:04X}"}


def listeners_beside(port: int) -> set[str]:
    """Where the process that listens on a port of 127.0.0.1 listens, in /proc's spelling."""
    lines = [
        line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]
    ]
    sockets = {f"socket:[{line[9]}]": line[1] for line in lines if line[3] == "0A"}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            own = {sockets[name] for each in (process / "fd").iterdir() if (name := str(each.readlink())) in sockets}
        except OSError:
            continue
        if f"0100007F:{port:04X}" in own:
            return own
    return set()


def test_all_that_it_leaves_is_in_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setenv("TMPDIR", str(elsewhere))
    monkeypatch.setenv("HOME", str(elsewhere))
    with running(tmp_path / "stage", account=ACCOUNT) as stage:
        functions_of(stage)
        stage.client("s3").create_bucket(Bucket="left")
        stage.client("s3").put_object(Bucket="left", Key="a", Body=b"x")
    assert list(elsewhere.rglob("*")) == []
