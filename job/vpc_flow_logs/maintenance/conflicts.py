"""Repeat an operation that conflicts with another writer of the table.

Maintenance loses a conflict against the stream, never the other way around: an append that reads no table does not
conflict with the removal or the rewriting of files.
Source: https://docs.databricks.com/aws/en/optimizations/isolation-level
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from vpc_flow_logs.failures import raced

_PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Seconds between the six attempts."""

_T = TypeVar("_T")


def retried(work: Callable[[], _T], *, say: Callable[[str], None], pause: Callable[[float], None] = time.sleep) -> _T:
    """Return the result of the work. After a conflict, do the work again, at most six times in total.

    Args:
        work: The operation. It must read the table again in each attempt.
        say: Prints a line.
        pause: Waits for a number of seconds.

    Raises:
        Exception: The work failed for another reason, or the last attempt had a conflict.
    """
    for attempt, seconds in enumerate(_PAUSES, start=2):
        try:
            return work()
        except Exception as error:
            if not raced(error):
                raise
            say(f"another run wrote to the table at the same time; attempt {attempt} in {seconds:.0f} s")
        pause(seconds)
    return work()
