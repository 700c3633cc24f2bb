"""The process of a running task: its state, its output, and its cancellation."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from local.processes import end_session
from local.runs.task import Task
from local.workspace import Outcome

PATIENCE = 5.0
"""Seconds until a canceled task is killed if it does not end."""

_SHOWN = 5 * 1024 * 1024


class RunningTask:
    """A task's process and the processes that it starts.

    Attributes:
        pid: the ID of the process, which leads a new session.
        folder: the folder for the task's modules and output.
    """

    def __init__(self, task: Task, *, folder: Path, environment: Mapping[str, str]) -> None:
        """Start the process."""
        self.folder = folder
        self._task = task
        self._cancelled: float | None = None
        self._outcome: Outcome | None = None
        file = folder / "task.json"
        task.write(file)
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "local.runs.driver", str(file)],
                env=dict(environment),
                cwd=folder,
                stdin=subprocess.PIPE,  # closes when this process ends; then the task ends, too
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.pid = self._process.pid

    @property
    def _log(self) -> Path:
        return self.folder / "output.log"

    def poll(self) -> Outcome | None:
        """Return the outcome, or None while the task is running."""
        if self._outcome is None:
            status = self._process.poll()
            if status is not None:
                self._end(status)
            elif self._cancelled is not None and time.monotonic() > self._cancelled + PATIENCE:
                end_session(self.pid)
        return self._outcome

    def cancel(self) -> None:
        """Terminate the task; `poll` kills it if it does not end."""
        if self._cancelled is None:
            self._cancelled = time.monotonic()
            end_session(self.pid, signal.SIGTERM)

    def output(self) -> str:
        """Return the output so far."""
        with self._log.open("rb") as log:
            log.seek(max(0, os.fstat(log.fileno()).st_size - _SHOWN))
            return log.read().decode(errors="replace")

    def log(self) -> str:
        """Return the output so far, which is also the log."""
        return self.output()

    def _end(self, status: int) -> None:
        # Java or a Python worker may still be running.
        end_session(self.pid)
        if self._process.stdin:
            self._process.stdin.close()
        shutil.rmtree(self._task.scratch, ignore_errors=True)
        if self._cancelled is not None:
            self._outcome = Outcome("CANCELED")
        elif status == 0:
            self._outcome = Outcome()
        elif Path(self._task.failure).exists():
            failure = json.loads(Path(self._task.failure).read_text())
            self._outcome = Outcome("FAILED", failure["message"], failure["trace"])
        else:
            self._outcome = Outcome("FAILED", _ended(status))


def _ended(status: int) -> str:
    """Return Databricks' message for a process that ended without a Python exception."""
    if status >= 0:
        return f"The Python process exited with exit code {status}."
    killed = signal.Signals(-status)
    text = f"The Python process exited with exit code {128 - status} ({killed.name}: {signal.strsignal(killed)})."
    return f"{text} This may have been caused by an OOM error." if killed == signal.SIGKILL else text
