"""A thread that follows the tables while other steps run, and reports the progress."""

from __future__ import annotations

import threading
import time
from statistics import median

from local.demo.live import Live
from local.demo.loading import Loading
from local.demo.text import in_seconds
from local.demo.traffic import Traffic, lines
from vpc_flow_logs.progress import counted

_EVERY = 0.4
_RECENT = 10
_PATIENCE = 5.0


class Watch(threading.Thread):
    """Follows the tables until the block ends. :meth:`check` raises the error that ended the thread.

    Attributes:
        loading: the contents of the tables.
        activity: the current activity, in a few words; empty if there is none.
    """

    def __init__(self, live: Live, traffic: Traffic, loading: Loading) -> None:
        super().__init__(name="watch", daemon=True)
        self.loading = loading
        self.activity = ""
        self._live, self._traffic = live, traffic
        self._stopping = threading.Event()
        self._failure: Exception | None = None

    def run(self) -> None:
        try:
            while not self._stopping.wait(_EVERY):
                self.loading.update()
                self._live.now(self.status())
        except Exception as error:  # noqa: BLE001 - `check` raises it where rows are awaited
            self._failure = error

    def status(self) -> str:
        """Describe the progress in one line."""
        files = self._traffic.files()
        delivered = lines(files, self._traffic.damaged_deliveries)
        loaded = sum(put.file.key.rpartition("/")[2] in self.loading.readable for put in files)
        parts = [
            f"delivered {counted(len(files), 'file')} ({counted(delivered, 'line')})",
            f"loaded {loaded:,} ({self.loading.lines:,})",
        ]
        waits = [wait.seconds for wait in self.loading.waits(files)[-_RECENT:]]
        pause = self.loading.pause(files, now=time.time())
        if waits and pause > max(waits) + _PATIENCE:
            # The lag would stay the same as long as no file is loaded, such as during a restart of the job.
            parts.append(f"no new rows for {in_seconds(pause)}")
        elif waits:
            parts.append(f"lag {in_seconds(median(waits))}")
        return "; ".join([*parts, self.activity] if self.activity else parts)

    def check(self) -> None:
        """Raise the error that ended the thread, if there is one."""
        if self._failure is not None:
            raise self._failure

    def wait_for(self, count: int, *, patience: float) -> bool:
        """Wait until the tables hold a number of lines; return False after ``patience`` seconds without a new one."""
        last, since = -1, time.monotonic()
        while self.loading.lines < count:
            self.check()
            if self.loading.lines != last:
                last, since = self.loading.lines, time.monotonic()
            if time.monotonic() - since > patience:
                return False
            time.sleep(_EVERY / 2)
        return True

    def stop(self) -> None:
        """Stop following the tables."""
        self._stopping.set()
        self.join()

    def __enter__(self) -> Watch:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()
