"""Programs whose output is read only in part, as by ``| head``."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def ended_by_its_reader() -> Iterator[None]:
    """End without a traceback when whoever reads the standard output stops reading, with the status of such an end.

    Source: https://docs.python.org/3/library/signal.html#note-on-sigpipe

    Raises:
        SystemExit: with status 141, as of a program that SIGPIPE ended.
    """
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(128 + signal.SIGPIPE) from None
