"""Run the commands that call a workspace: turn errors into exit statuses, build the wheel, and wait."""

from __future__ import annotations

import logging
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from infra.assets.wheel import WheelBuildError, build_wheel
from infra.config import EnvironmentFileError
from infra.interruption import INTERRUPTED
from infra.workspace.errors import DeploymentError
from infra.workspace.wheel.wheel_file import WheelFile, read_wheel
from infra.workspace_spec import NoWorkspaceError
from vpc_flow_logs.terminal import printable

_POLL_SECONDS = 5.0
_PRINT_SECONDS = 30.0


def run(command: Callable[[], int], *, stopped: str) -> int:
    """Run a command and print its error; return its exit status: 1 for a failure, 2 for invalid input, 130 for Ctrl-C.

    Args:
        command: Returns the exit status.
        stopped: The message after Ctrl-C.
    """
    # The commands report the conditions that the SDK logs as warnings.
    logging.getLogger("databricks.sdk").setLevel(logging.ERROR)
    try:
        return command()
    except (EnvironmentFileError, NoWorkspaceError) as error:
        print(error, file=sys.stderr)
        return 2
    except (DeploymentError, WheelBuildError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\n{stopped}", file=sys.stderr)
        return INTERRUPTED


def built_wheel() -> WheelFile:
    """Return a wheel built from this repository. The same content gives the same wheel."""
    with tempfile.TemporaryDirectory(prefix="wheel-") as folder:
        return read_wheel(build_wheel(Path(folder)))


class Waiting:
    """Wait between two checks, up to a limit. Print each reason immediately, and then every 30 seconds."""

    def __init__(self, *, limit_seconds: float, too_long: Callable[[str], DeploymentError]) -> None:
        """Start the clock; ``too_long`` returns the error for a reason that outlasts the limit."""
        self._started = time.monotonic()
        self._printed: dict[str, float] = {}
        self._limit_seconds = limit_seconds
        self._too_long = too_long

    def __call__(self, reason: str) -> None:
        now = time.monotonic() - self._started
        if now > self._limit_seconds:
            raise self._too_long(reason)
        if now - self._printed.get(reason, -_PRINT_SECONDS) >= _PRINT_SECONDS:
            self._printed[reason] = now
            print(f"  … {printable(reason)}  {int(now) // 60}:{int(now) % 60:02}", flush=True)
        time.sleep(min(_POLL_SECONDS, 1 + now / 10))
