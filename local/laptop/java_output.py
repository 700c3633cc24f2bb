"""Filter the stderr output of Spark's Java process: leave out lines that do not help a user."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pyspark import SparkContext

# A Python worker finds a closed socket when its rows are no longer needed, as after `isEmpty`. This is not a failure.
_UNWANTED_ROWS = re.compile(
    rb'Traceback \(most recent call last\):\n  File "[^"\n]*pyspark/daemon\.py", [^\n]* in manager\n'
    rb"(?:  [^\n]*\n)*BrokenPipeError: [^\n]*\n"
)
_TRACEBACK = b"Traceback (most recent call last):\n"
_UNFINISHED = re.compile(rb"Traceback \(most recent call last\):\n(?:  [^\n]*\n)*[^\n]*\Z")

_relays: list[Relay] = []


@contextmanager
def quiet_start() -> Iterator[None]:
    """Hold back Java's output during startup, and print it only if startup fails; pass on later output.

    Java and Spark print several lines before they read their logging settings.
    """
    if SparkContext._gateway is not None:
        yield
        return
    reader, writer = os.pipe()
    stderr = os.dup(2)
    relay = Relay(reader, stderr)
    _relays.append(relay)
    os.dup2(writer, 2)
    os.close(writer)
    try:
        yield
    except Exception:
        relay.release()
        raise
    else:
        relay.open()
    finally:
        os.dup2(stderr, 2)


def hush() -> None:
    """Suppress all further output of Java, because a stopped stream may end with a long stack trace."""
    for relay in _relays:
        relay.hush()


class Relay(threading.Thread):
    """Reader of the Java process's stderr. It reads until the process ends, because a full pipe would block it."""

    def __init__(self, source: int, target: int) -> None:
        super().__init__(name="spark-stderr", daemon=True)
        self._source = source
        self._target = target
        self._held: list[bytes] | None = []
        self._pending = b""
        self._hushed = False
        self._lock = threading.Lock()
        self.start()

    def run(self) -> None:
        while block := os.read(self._source, 65536):
            self._take(block)
        self._take(b"", last=True)

    def _take(self, block: bytes, *, last: bool = False) -> None:
        """Pass on or hold back output, without tracebacks of unneeded rows; keep an incomplete traceback for later."""
        text = _UNWANTED_ROWS.sub(b"", self._pending + block)
        end = len(text) if last else _finished(text)
        block, self._pending = text[:end], text[end:]
        with self._lock:
            if self._hushed:
                return
            if self._held is None:
                os.write(self._target, block)
            else:
                self._held.append(block)

    def open(self) -> None:
        """Drop the held output and pass on later output."""
        with self._lock:
            self._held = None

    def hush(self) -> None:
        """Drop all later output."""
        with self._lock:
            self._hushed = True

    def release(self) -> None:
        """Print the held output and pass on later output."""
        with self._lock:
            os.write(self._target, b"".join(self._held or []))
            self._held = None


def _finished(text: bytes) -> int:
    """Return the start of an incomplete or possible traceback at the end of the text; else the text's length."""
    unfinished = _UNFINISHED.search(text)
    if unfinished:
        return unfinished.start()
    line = text[text.rfind(b"\n") + 1 :]
    return len(text) - len(line) if _TRACEBACK.startswith(line) else len(text)
