"""The demo's output: a status line that is updated in place on a terminal, a few plain lines elsewhere."""

from __future__ import annotations

import io
import re
import time
from pathlib import Path

import pytest
from rich.console import Console

from local.demo import __main__ as demo
from local.demo import live
from local.demo.live import Live

HOSTILE = "[bold]a[/bold] :smile: \x1b[2J"
WIDTH = 30


def plain() -> Console:
    return Console(file=io.StringIO(), force_terminal=False)


def terminal() -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=WIDTH, _environ={"TERM": "xterm"})


def output(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def wait_for(text: str, console: Console) -> None:
    deadline = time.monotonic() + 30
    while text not in output(console):
        assert time.monotonic() < deadline, output(console)
        time.sleep(0.05)


def screen(written: str) -> list[str]:
    """Return the lines that a terminal shows, down to the last one with text."""
    lines, row = [""], 0
    for token in re.findall(r"\x1b\[[?\d]*[A-Za-z]|\r|\n|[^\x1b\r\n]+", written):
        if token == "\n":
            row += 1
            lines += [""] * (row == len(lines))
        elif token == "\x1b[1A":
            row -= 1
        elif token == "\x1b[2K":
            lines[row] = ""
        elif token.isprintable():
            lines[row] += token
    return "\n".join(lines).rstrip("\n").split("\n")


def test_steps_are_numbered_and_timed() -> None:
    console = plain()
    printer = Live(console, total=2)
    with printer.step("first"):
        printer.say("     something")
    with printer.step("second"):
        pass

    assert [step.name for step in printer.steps] == ["first", "second"]
    lines = output(console).split("\n")
    assert lines[1:6] == ["1/2  first", "", "     something", "     done in 0.0 s", ""]
    assert lines[6] == "2/2  second"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_step_that_fails_is_not_counted_and_restores_the_terminal(error: type[BaseException]) -> None:
    def fail() -> None:
        with printer.step("first"):
            printer.now("waiting")
            raise error

    console = terminal()
    printer = Live(console, total=1)
    with pytest.raises(error):
        fail()

    written = output(console)
    assert printer.steps == []
    assert screen(written) == ["", "1/1  first"]
    assert written.rindex("\x1b[?25h") > written.rindex("\x1b[?25l"), "the cursor is visible again"


def test_without_a_terminal_a_new_status_is_printed_only_at_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    console = plain()
    printer = Live(console, total=1)
    printer.now("too early")
    monkeypatch.setattr(live, "_PLAIN_SECONDS", 0.0)
    printer.now("files 1")
    printer.now("files 1")
    printer.now("files 2")

    assert output(console) == "     files 1\n     files 2\n"


def test_on_a_terminal_the_status_stays_below_the_permanent_lines() -> None:
    console = terminal()
    printer = Live(console, total=1)
    line = "a permanent line is never cut, whatever its length"
    with printer.step("first"):
        printer.now("files 1 and much more than fits on a line")
        wait_for("files 1", console)
        printer.say(line)
        during = screen(output(console))
        printer.now("files 2")
    after = screen(output(console))

    assert during[:-1] == ["", "1/1  first", "", line]
    assert re.fullmatch(r" +\d s  files 1 and much more ", during[-1])
    assert len(during[-1]) == WIDTH
    assert after[:-1] == ["", "1/1  first", "", line]
    assert re.fullmatch(r"     done in \d\.\d s", after[-1])


def test_the_seconds_advance_without_a_new_status() -> None:
    console = terminal()
    printer = Live(console, total=1)
    with printer.step("first"):
        printer.now("waiting")
        wait_for("   1 s  waiting", console)


def test_markup_and_escape_sequences_in_text_are_not_interpreted() -> None:
    console = terminal()
    printer = Live(console, total=1)
    with printer.step("first"):
        printer.say(HOSTILE)
        printer.now(HOSTILE)
        wait_for(" s  [bold]a[/bold]", console)

    assert "[bold]a[/bold] :smile: \\x1b[2J\n" in output(console)
    assert "\x1b[2J" not in output(console)


def test_output_without_a_terminal_is_plain_even_if_colors_are_forced(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    printer = Live(total=1)
    with printer.step("first"):
        printer.now("waiting")
        printer.say("2 files of 10.0.0.1")

    assert "\x1b" not in capsys.readouterr().out


def test_a_closed_pipe_ends_the_demo_without_a_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def closed(text: str) -> int:
        raise BrokenPipeError

    def play(folder: object, printer: Live, **options: object) -> int:
        monkeypatch.setattr("sys.stdout.write", closed)
        with printer.step("first"):
            raise AssertionError("not reached")

    monkeypatch.setattr(demo, "play", play)
    with pytest.raises(BrokenPipeError):
        demo.main(["--folder", str(tmp_path / "demo")])
    monkeypatch.undo()

    assert capsys.readouterr() == ("", "")
