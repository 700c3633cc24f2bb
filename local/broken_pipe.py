"""Handle a reader of standard output that stops early, such as ``| head``."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def ended_by_its_reader() -> Iterator[None]:
    """End the program without a traceback when the reader of standard output stops reading.

    Source: https://docs.python.org/3/library/signal.html#note-on-sigpipe

    Raises:
        SystemExit: with status 141, the status of a program that SIGPIPE ended.
    """
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes standard output again when it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(128 + signal.SIGPIPE) from None
