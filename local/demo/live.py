"""Steps that are named and timed, and one line that tells how things stand: it stays in place on a terminal."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from local.demo.report import Step
from local.demo.text import in_seconds
from vpc_flow_logs.terminal import printable, printable_lines

_PLAIN_SECONDS = 10.0
"""How often the line is printed where nothing stays in place: in a file, in a log."""


class Live:
    """What the demo prints while it runs. Lines can come from several threads.

    Attributes:
        steps: the steps that are done.
    """

    def __init__(self, out: TextIO | None = None, *, total: int) -> None:
        self._out = out or sys.stdout
        self._terminal = self._out.isatty()
        self._total = total
        self._lock = threading.RLock()
        self._shown = ""
        self._printed_at = self._started = time.monotonic()
        self.steps: list[Step] = []

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """A step, with its number and, at the end, its time."""
        self.say(f"\n{len(self.steps) + 1}/{self._total}  {name}\n")
        self._printed_at = self._started = time.monotonic()
        ended = threading.Event()
        clock = threading.Thread(target=self._tick, args=(ended,), name="clock", daemon=True)
        clock.start()
        try:
            yield
        finally:
            ended.set()
            clock.join()
            self.clear()
        seconds = time.monotonic() - self._started
        self.steps.append(Step(name, seconds))
        self.say(f"     done in {in_seconds(seconds)}")

    def say(self, text: str) -> None:
        """Print something that stays."""
        with self._lock:
            shown = self._shown
            self.clear()
            self._write(f"{printable_lines(text)}\n")
            if shown:
                self._show(shown)

    def now(self, text: str) -> None:
        """Tell how things stand. Where lines cannot be replaced, every few seconds, and only what is new."""
        text = printable(text)
        with self._lock:
            if self._terminal:
                self._show(text)
                return
            now = time.monotonic()
            if text != self._shown and now - self._printed_at >= _PLAIN_SECONDS:
                self._shown, self._printed_at = text, now
                self._write(f"     {text}\n")

    def clear(self) -> None:
        """Take the line away that tells how things stand."""
        with self._lock:
            if self._terminal:
                self._write("\r\x1b[K")
            self._shown = ""

    def _tick(self, ended: threading.Event) -> None:
        """Keep the seconds of the line going."""
        while self._terminal and not ended.wait(1):
            with self._lock:
                self._show(self._shown)

    def _show(self, text: str) -> None:
        self._shown = text
        if self._terminal:
            told = f"{time.monotonic() - self._started:4.0f} s  {text}"
            self._write(f"\r\x1b[K{told[: shutil.get_terminal_size().columns - 1]}")

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()
