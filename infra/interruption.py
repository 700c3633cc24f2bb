"""Handle Ctrl-C in a command: one line instead of a traceback, and the exit status of shells."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

INTERRUPTED = 128 + signal.SIGINT
"""Exit status of a command that Ctrl-C ended: 130."""


@contextmanager
def interruptible(message: str = "Interrupted.") -> Iterator[None]:
    """Print a message for Ctrl-C.

    Args:
        message: The message, with the state that the command leaves.

    Raises:
        SystemExit: Ctrl-C ended the command; the status is `INTERRUPTED`.
    """
    try:
        yield
    except KeyboardInterrupt:
        print(message, file=sys.stderr)
        raise SystemExit(INTERRUPTED) from None
