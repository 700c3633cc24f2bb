"""`make stage` as it is typed: what it says, and that nothing is left of it, whatever ends it."""

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
    """A stage that is at work on its first command."""
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
                assert line, "it ended"
            until(lambda: any("node" in command for command in at_work(folder)))
            yield process
        finally:
            process.kill()


def at_work(folder: Path) -> list[str]:
    """The commands of all processes that have the folder in their command line or environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (process / "cmdline").read_text(errors="replace")
            if str(folder) in command + (process / "environ").read_text(errors="replace"):
                found.append(command)
    return found


def test_a_killed_stage_leaves_no_process_and_its_folder_can_be_used_again_until_a_signal_ends_it(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "a stage"
    with started(folder) as process:
        os.kill(process.pid, signal.SIGKILL)
    until(lambda: at_work(folder) == [], seconds=60)
    with started(folder) as process:
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "Stopped. Both clouds and " in said
    assert "Traceback" not in said
    assert at_work(folder) == []
    assert not folder.exists()


def test_an_environment_file_with_problems_is_answered_with_them(tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    file.write_text('[aws]\naccount = "1"\n')
    done = subprocess.run(
        [sys.executable, "-m", "local.stage", "--folder", str(tmp_path / "stage"), "--env", str(file)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "aws.account" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "stage").exists()
