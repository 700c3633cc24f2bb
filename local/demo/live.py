"""The demo's steps on the screen: named and timed, with a status line that stays in place on a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live as StatusLine
from rich.text import Text

from local.demo.report import Step
from local.demo.text import in_seconds
from vpc_flow_logs.terminal import printable, printable_lines

_PLAIN_SECONDS = 10.0
"""Minimum time between two status lines in a file or a pipe, where lines cannot be replaced."""


class Live:
    """Prints steps, lines that stay, and the current status. Threads can share it.

    Attributes:
        steps: the completed steps.
    """

    def __init__(self, console: Console | None = None, *, total: int) -> None:
        # FORCE_COLOR, which CI systems set, does not make a log a terminal.
        self._console = console or _Console(force_terminal=sys.stdout.isatty())
        self._total = total
        self._status = ""
        self._printed_at = self._started = time.monotonic()
        self.steps: list[Step] = []

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Print the step's number and name, show the status while it runs, and print the time it took."""
        self.say(f"\n{len(self.steps) + 1}/{self._total}  {name}\n")
        self._status = ""
        self._printed_at = self._started = time.monotonic()
        with StatusLine(console=self._console, get_renderable=self._line, transient=True, redirect_stderr=False):
            yield
        seconds = time.monotonic() - self._started
        self.steps.append(Step(name, seconds))
        self.say(f"     done in {in_seconds(seconds)}")

    def say(self, text: str) -> None:
        """Print lines that stay, above the status line."""
        self._console.out(printable_lines(text), highlight=False)

    def now(self, text: str) -> None:
        """Set the status. If the output is not a terminal, print a new status only at intervals."""
        text = printable(text)
        if self._console.is_interactive:
            self._status = text
        elif text != self._status and time.monotonic() - self._printed_at >= _PLAIN_SECONDS:
            self._status, self._printed_at = text, time.monotonic()
            self.say(f"     {text}")

    def _line(self) -> Text:
        seconds = time.monotonic() - self._started
        return Text(f"{seconds:4.0f} s  {self._status}", no_wrap=True, overflow="crop")


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """End the program as `ended_by_its_reader` does; rich would end only the thread that prints."""
        raise BrokenPipeError
