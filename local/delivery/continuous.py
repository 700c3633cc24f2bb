"""Continuous delivery in a thread."""

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
    """Deliver in a thread during the block: every few seconds, one file for each current flow log.

    A file holds the traffic that ended since the previous file. An error of the thread is raised at the end of the
    block.

    Args:
        stage: the AWS emulator.
        seed: equal seeds give equal traffic.
        every: seconds between deliveries.
        records: records per file.
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
        delivered: the files delivered so far; new files are appended.
        failure: the error that ended the thread, or None.
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
                # A file holds traffic of one interval only.
                begin = min(max(last, (now - 1) // PERIOD_SECONDS * PERIOD_SECONDS), now - 1)
                for delivered in deliver_round(
                    self.stage,
                    flow_logs(self.stage),
                    interval=range(begin, now),
                    seed=self.seed,
                    number=number,
                    records=self.records,
                ):
                    self.delivered.append(delivered)
                number, last, due = number + 1, now, due + self.every
        except Exception as error:  # noqa: BLE001 - raised again in the thread that waits for files
            self.failure = error

    def stop(self) -> None:
        """Finish the current delivery and end the thread."""
        self._stopping.set()
        self.join()
