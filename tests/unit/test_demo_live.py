"""What the demo prints while it runs: one line that stays in place on a terminal, few and plain lines elsewhere."""

from __future__ import annotations

import io
import time

import pytest

from local.demo import live
from local.demo.live import Live


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_steps_are_numbered_and_timed() -> None:
    out = io.StringIO()
    told = Live(out, total=2)
    with told.step("first"):
        told.say("     something")
    with told.step("second"):
        pass

    assert [step.name for step in told.steps] == ["first", "second"]
    lines = out.getvalue().split("\n")
    assert lines[1:6] == ["1/2  first", "", "     something", "     done in 0.0 s", ""]
    assert lines[6] == "2/2  second"


def test_a_step_that_fails_is_not_done() -> None:
    out = io.StringIO()
    told = Live(out, total=1)
    with pytest.raises(ValueError, match="no"), told.step("first"):
        raise ValueError("no")

    assert told.steps == []
    assert "done" not in out.getvalue()


def test_elsewhere_the_line_is_plain_and_comes_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    told = Live(out, total=1)
    told.now("too early")
    monkeypatch.setattr(live, "_PLAIN_SECONDS", 0.0)
    told.now("files 1")
    told.now("files 1")
    told.now("files 2")

    assert out.getvalue() == "     files 1\n     files 2\n"


def test_on_a_terminal_the_line_stays_in_place_and_what_is_said_stays_above(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    out = Terminal()
    told = Live(out, total=1)
    told.now("files 1 and much more than fits on a line")
    told.say("kept")
    told.clear()

    line = "   0 s  files 1 and much more"  # a character less than the terminal has
    assert [part for part in out.getvalue().split("\r\x1b[K") if part] == [line, "kept\n", line]
    assert out.getvalue().endswith("\r\x1b[K")


def test_the_clock_goes_on_while_nothing_is_told() -> None:
    out = Terminal()
    told = Live(out, total=1)
    with told.step("first"):
        told.now("waiting")
        time.sleep(1.3)

    assert "   1 s  waiting" in out.getvalue()
