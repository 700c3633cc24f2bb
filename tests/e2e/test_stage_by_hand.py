"""`make stage` as typed: its output, and no leftovers, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.support.workspaces import until

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def started(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a stage and yield it while it runs its first command."""
    with subprocess.Popen(
        [sys.executable, "-m", "local.stage", "--folder", str(folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout
        try:
            while "cdk bootstrap" not in (line := process.stdout.readline()):
                assert line, "the stage ended early"
            until(lambda: any("node" in command for command in commands_of(folder)))
            yield process
        finally:
            process.kill()


def commands_of(folder: Path) -> list[str]:
    """Return the commands of all processes with the folder in their command line or environment."""
    commands = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (process / "cmdline").read_text(errors="replace")
            if str(folder) in command + (process / "environ").read_text(errors="replace"):
                commands.append(command)
    return commands


def test_a_stage_leaves_no_process_after_a_kill_or_a_signal_and_its_folder_can_be_used_again(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "a stage"
    with started(folder) as process:
        os.kill(process.pid, signal.SIGKILL)
    until(lambda: commands_of(folder) == [], seconds=60)
    with started(folder) as process:
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "Stopped. Both clouds and " in output
    assert "Traceback" not in output
    assert commands_of(folder) == []
    assert not folder.exists()


def test_the_problems_of_an_environment_file_are_reported(tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    file.write_text('[aws]\naccount = "1"\n')
    result = subprocess.run(
        [sys.executable, "-m", "local.stage", "--folder", str(tmp_path / "stage"), "--env", str(file)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert "aws.account" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "stage").exists()
