"""Ctrl-C ends every command with one line and status 130."""

from __future__ import annotations

import ast
import signal
from pathlib import Path

import pytest

from infra import command_line
from infra.interruption import INTERRUPTED, interruptible

ROOT = Path(__file__).resolve().parents[2]

OWN = {
    "infra/probe/__main__.py": "command_line.run",
    "infra/smoke/__main__.py": "command_line.run",
    "infra/workspace/__main__.py": "infra.by_hand, with command_line.run",
    "local/demo/__main__.py": "prints what is left, and returns 130",
    "local/stage/__main__.py": "runs until Ctrl-C, which is its usual end",
    "local/workspace/__main__.py": "runs until Ctrl-C, which is its usual end",
    "local/aws/inside/__main__.py": "a child process, which its parent ends",
    "local/runs/driver.py": "a child process, which its parent ends",
}
"""Programs with their own handling of Ctrl-C."""

PROGRAMS = sorted(
    str(path.relative_to(ROOT))
    for path in [ROOT / "app.py", *(ROOT / "infra").rglob("*.py"), *(ROOT / "local").rglob("*.py")]
    if '\nif __name__ == "__main__":' in path.read_text()
)


def interrupted() -> int:
    raise KeyboardInterrupt


def test_ctrl_c_prints_one_line_and_ends_with_status_130(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended, interruptible("Interrupted. Nothing was changed."):
        interrupted()
    assert ended.value.code == INTERRUPTED == 128 + signal.SIGINT
    assert capsys.readouterr().err == "Interrupted. Nothing was changed.\n"


def test_ctrl_c_in_a_command_that_calls_a_workspace_ends_with_status_130(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.run(interrupted, stopped="Stopped. Nothing changed") == INTERRUPTED
    assert capsys.readouterr().err == "\nStopped. Nothing changed\n"


@pytest.mark.parametrize("program", [program for program in PROGRAMS if program not in OWN])
def test_every_program_handles_ctrl_c(program: str) -> None:
    last = ast.parse((ROOT / program).read_text()).body[-1]
    assert isinstance(last, ast.If)
    assert len(last.body) == 1
    assert isinstance(last.body[0], ast.With)
    assert "interruptible()" in [ast.unparse(item.context_expr) for item in last.body[0].items]


def test_the_programs_with_their_own_handling_exist() -> None:
    assert set(OWN) <= set(PROGRAMS)
