"""Termination of a session of processes, with real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from local.processes import end_session, session_members

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to find processes")


@contextmanager
def session() -> Iterator[subprocess.Popen[bytes]]:
    """Start a shell that leads a session and waits for its child; yield it when both run."""
    command = ["sh", "-c", "sleep 60 & echo started; wait"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as leader:
        assert leader.stdout
        assert leader.stdout.readline() == b"started\n"
        try:
            assert len(session_members(leader.pid)) == 2
            yield leader
        finally:
            with suppress(ProcessLookupError):
                os.killpg(leader.pid, signal.SIGKILL)


def test_a_killed_session_has_no_process_left_even_if_they_end_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine, a killed process can exist until it is scheduled again."""
    kill, late = os.kill, []

    def kill_late(pid: int, number: int) -> None:
        if not late:
            late.append(threading.Timer(0.3, os.killpg, (pid, number)))
            late[0].start()

    with session() as leader:
        monkeypatch.setattr(os, "kill", kill_late)
        end_session(leader.pid)
        assert session_members(leader.pid) == []
        monkeypatch.setattr(os, "kill", kill)
        late[0].join()


def test_a_session_ends_after_its_leader_has_ended() -> None:
    with session() as leader:
        leader.kill()
        leader.wait()
        assert len(session_members(leader.pid)) == 1
        end_session(leader.pid)
        assert session_members(leader.pid) == []


def test_another_signal_is_sent_once_and_an_excluded_process_does_not_receive_it() -> None:
    with session() as leader:
        (child,) = (pid for pid in session_members(leader.pid) if pid != leader.pid)
        end_session(leader.pid, signal.SIGTERM, but=leader.pid)
        # The shell waits for its child and then ends on its own.
        assert leader.wait(60) == 0
        assert child not in session_members(leader.pid)
