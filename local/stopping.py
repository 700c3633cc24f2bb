"""Handle SIGINT and SIGTERM while a job runs on this machine: print one message, and leave no process behind."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from types import FrameType
from typing import TYPE_CHECKING, Any, TextIO, cast

from py4j.protocol import Py4JError  # type: ignore[import-untyped, unused-ignore]
from pyspark.errors import PySparkException

from local.laptop import java_output

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopper:
    """Handler of SIGINT and SIGTERM. A second signal of the same kind ends the process immediately.

    Attributes:
        message: The line to print for a signal.
        received: The number of the signal; 0 if there was none.
    """

    def __init__(self, message: str, *, tidy: Callable[[], None]) -> None:
        """Set the message, and a function that removes empty folders before the process ends."""
        self.message = message
        self._tidy = tidy
        self.received = 0
        self._done = threading.Event()
        self._spark: SparkSession | None = None
        self._stderr = -1

    @contextmanager
    def starting(self) -> Iterator[None]:
        """While Spark starts, end the process on a signal.

        Java ends when its standard input closes, which happens when this process ends.
        """
        before = {number: signal.getsignal(number) for number in _SIGNALS}
        self._stderr = os.dup(2)  # because the start of Java redirects the file descriptor 2
        try:
            for number in _SIGNALS:
                signal.signal(number, self._end)
            yield
        except BaseException:
            for number, handler in before.items():
                signal.signal(number, handler)
            raise

    def watch(self, spark: SparkSession) -> None:
        """From now on, stop the streams on a signal, so that the job returns as if it had finished."""
        self._spark = spark
        for number in _SIGNALS:
            signal.signal(number, self._stop)

    def watch_queries(self) -> None:
        """From now on, end the process on a signal.

        Spark's own handler of SIGINT would wait for the query that it cancels.
        """
        for number in _SIGNALS:
            signal.signal(number, self._end)

    def end(self) -> None:
        """Stop looking for streams to stop. The work is done, so a first signal now ends the process."""
        self._done.set()
        if not self.received:
            for number in _SIGNALS:
                signal.signal(number, signal.SIG_DFL)

    @contextmanager
    def silence(self) -> Iterator[None]:
        """After a signal, drop the output of the main thread: the job's summary, or the error of a stopped stream.

        The lines of the batches come from other threads.
        """
        out, err = (cast("TextIO", _Output(stream, self)) for stream in (sys.stdout, sys.stderr))
        with redirect_stdout(out), redirect_stderr(err):
            yield

    def _end(self, number: int, frame: FrameType | None) -> None:
        self._tidy()
        os.write(self._stderr, f"{self.message}\n".encode())
        os._exit(128 + number)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.received = number
        java_output.hush()
        signal.signal(number, signal.SIG_DFL)
        # A new thread has its own connection to Java. The main thread's connection is in the middle of a call.
        threading.Thread(target=self._stop_streams, daemon=True).start()

    def _stop_streams(self) -> None:
        assert self._spark is not None
        # Keep trying: the signal may arrive before the job has started its stream.
        while not self._done.is_set():
            # A stream that is stopped in the middle of a batch may end with an error, but it does end.
            with suppress(Py4JError, PySparkException, OSError):
                for query in self._spark.streams.active:
                    query.stop()
            self._done.wait(0.1)


class _Output:
    """A stream that drops the text of the main thread after a signal."""

    def __init__(self, stream: TextIO, stopper: Stopper) -> None:
        self._stream = stream
        self._stopper = stopper

    def write(self, text: str) -> int:
        if self._stopper.received and threading.current_thread() is threading.main_thread():
            return len(text)
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
