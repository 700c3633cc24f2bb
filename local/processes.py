"""Terminate a session of processes: a command with its children, or a run with its Java and its Python workers."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

_PATIENCE = 10.0


def end_session(leader: int, number: int = signal.SIGKILL, *, but: int | None = None) -> None:
    """Send a signal to every process of a session, even if the session's leader has already ended.

    After ``SIGKILL``, wait until the processes have ended, which can take a while on a busy machine. A process in an
    uninterruptible system call may never end, so the wait has a limit of ten seconds.

    Java and Spark's Python workers leave the process group but not the session. Without ``/proc``, only the group
    receives the signal. Java then ends when its standard input closes, and the workers end when Java does.

    Args:
        leader: the process ID of the session's leader.
        number: the signal.
        but: a process to exclude.
    """
    end = time.monotonic() + _PATIENCE
    # Repeat, because a process may start another one between the listing and the signals.
    while members := [pid for pid in session_members(leader) if pid != but]:
        for pid in members:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        if number != signal.SIGKILL or time.monotonic() > end:
            break
        time.sleep(0.01)
    if not Path("/proc/self").exists():
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, number)


def session_members(leader: int) -> list[int]:
    """Return the processes of a session that have not ended."""
    members = []
    for entry in Path("/proc").glob("[0-9]*"):
        # The command's name, in parentheses, can contain any character.
        with suppress(OSError):
            state, _, _, session, *_ = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(session) == leader and state != "Z":
                members.append(int(entry.name))
    return members
