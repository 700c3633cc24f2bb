"""Delivery that goes on in a thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from local.aws import Emulator
from local.delivery.files import Delivered, deliver_round
from local.delivery.sources import flow_logs
from local.traffic.files import PERIOD_SECONDS


@contextmanager
def delivering(stage: Emulator, *, seed: int, every: float = 5, records: int = 200) -> Iterator[Continuous]:
    """Delivery in a thread as long as the block lasts: every few seconds a file for each flow log that then exists.

    A file holds what ended since the one before it. What fails the thread is raised at the block's end.
    """
    continuous = Continuous(stage, seed=seed, every=every, records=records)
    continuous.start()
    try:
        yield continuous
    finally:
        continuous.stop()
    if continuous.failure:
        raise continuous.failure


class Continuous(threading.Thread):
    """The thread of :func:`delivering`.

    Attributes:
        delivered: what it has delivered so far; it grows at its end.
        failure: what ended it, if it was not :meth:`stop`.
    """

    def __init__(self, stage: Emulator, *, seed: int, every: float, records: int) -> None:
        super().__init__(name="log-delivery", daemon=True)
        self.stage, self.seed, self.every, self.records = stage, seed, every, records
        self.delivered: list[Delivered] = []
        self.failure: Exception | None = None
        self._stopping = threading.Event()

    def run(self) -> None:
        number, last = 0, int(time.time() - self.every)
        due = time.monotonic()
        try:
            while not self._stopping.wait(max(0.0, due - time.monotonic())):
                now = int(time.time())
                # A file holds what ended within one interval.
                begin = min(max(last, (now - 1) // PERIOD_SECONDS * PERIOD_SECONDS), now - 1)
                for one in deliver_round(
                    self.stage,
                    flow_logs(self.stage),
                    interval=range(begin, now),
                    seed=self.seed,
                    number=number,
                    records=self.records,
                ):
                    self.delivered.append(one)
                number, last, due = number + 1, now, due + self.every
        except Exception as error:  # noqa: BLE001 - whatever it is, the one who waits for files has to know
            self.failure = error

    def stop(self) -> None:
        """Deliver what is under way, and no more."""
        self._stopping.set()
        self.join()
