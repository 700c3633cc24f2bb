"""Other programs as steps of the demo: their output passed on, and none of them left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence

_PATIENCE_SECONDS = 20.0


def run(command: Sequence[str], *, environment: Mapping[str, str] | None = None) -> int:
    """Run a command, print its output indented, and return its exit status.

    It has a session of its own, so that Ctrl-C reaches it once: from here, when this process is interrupted. What it
    says from then on is not printed. Nothing that it started is left when this returns or raises.
    """
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="backslashreplace",
        env={**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8", **(environment or {})},
        start_new_session=True,
    )
    assert child.stdout is not None
    try:
        for line in child.stdout:
            print(f"    {line}" if line.strip() else "", end="" if line.strip() else "\n", flush=True)
        status = child.wait()
    except BaseException:
        _stop(child)
        raise
    finally:
        child.stdout.close()
    return status


def _stop(child: subprocess.Popen[str]) -> None:
    """Ask the process to end, wait, and end what is left of it and of those that it started."""
    try:
        child.send_signal(signal.SIGINT)
        # Not with wait() alone: a process whose pipe is full never ends.
        child.communicate(timeout=_PATIENCE_SECONDS)
        until = time.monotonic() + _PATIENCE_SECONDS
        while _is_there(child.pid) and time.monotonic() < until:
            time.sleep(0.1)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        pass
    finally:
        if _is_there(child.pid):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def _is_there(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
