"""The output of Spark's Java process, without the tracebacks of workers whose rows are no longer needed."""

from __future__ import annotations

import os
from collections.abc import Iterable

import pytest

from local.laptop.java_output import Relay

UNNEEDED = b"""Traceback (most recent call last):
  File "/venv/lib/python3.11/site-packages/pyspark/daemon.py", line 262, in manager
    code = worker(sock, authenticated)
           ^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "/venv/lib/python3.11/site-packages/pyspark/daemon.py", line 95, in worker
    outfile.flush()
BrokenPipeError: [Errno 32] Broken pipe
"""
OTHER = UNNEEDED.replace(b"BrokenPipeError: [Errno 32] Broken pipe", b"MemoryError")
ELSEWHERE = UNNEEDED.replace(b"pyspark/daemon.py", b"project/sink.py")


def relayed(blocks: Iterable[bytes]) -> bytes:
    source, write = os.pipe()
    read, target = os.pipe()
    relay = Relay(source, target)
    relay.open()
    for block in blocks:
        os.write(write, block)
    os.close(write)
    relay.join()
    os.close(target)
    with open(read, "rb") as output:  # noqa: PTH123 - a file descriptor
        return output.read()


@pytest.mark.parametrize("size", [1, 7, 10_000])
@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        (UNNEEDED, b""),
        (b"before\n" + UNNEEDED + UNNEEDED + b"after\n", b"before\nafter\n"),
        (OTHER + b"after\n", OTHER + b"after\n"),
        (ELSEWHERE, ELSEWHERE),
        (UNNEEDED[:-30], UNNEEDED[:-30]),
        (b"no end of line", b"no end of line"),
    ],
    ids=["alone", "between", "another error", "another file", "cut off", "no end of line"],
)
def test_only_the_traceback_of_a_worker_with_unneeded_rows_is_left_out(
    printed: bytes, expected: bytes, size: int
) -> None:
    assert relayed(printed[start : start + size] for start in range(0, len(printed), size)) == expected
