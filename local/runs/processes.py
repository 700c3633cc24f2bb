"""A session of processes, ended altogether: a run's Python, its Java, and the Python workers of Java's."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path


def end_session(leader: int, number: int = signal.SIGKILL, *, but: int | None = None) -> None:
    """Send a signal to every process of the session that a process leads or has led.

    Spark's Python workers leave the process group but not the session. Where there is no ``/proc`` only the group is
    told; those workers then end by themselves when their Java is gone.

    Args:
        leader: the process id of the session's leader.
        number: the signal.
        but: a process to leave alone.
    """
    # Once more: between a look and its signals a process may have started another.
    for _ in range(3):
        members = [pid for pid in session_members(leader) if pid != but]
        for pid in members:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        if number != signal.SIGKILL or not members:
            break
    if not Path("/proc/self").exists():
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, number)


def session_members(leader: int) -> list[int]:
    """Return the processes of a session that have not ended."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        # The command's name, in brackets, may hold anything.
        with suppress(OSError):
            state, _, _, session, *_ = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(session) == leader and state != "Z":
                found.append(int(entry.name))
    return found
