"""The rows of files, as in Spark's ``binaryFile``, in Arrow batches of bounded size."""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from itertools import accumulate
from typing import NamedTuple

import pyarrow as pa

from local.cloud_files.error import CloudFilesError
from local.cloud_files.opened import FileGoneError, Opened, file_gone

BATCH_BYTES = 16 * 1024 * 1024
BATCH_FILES = 256
LONGEST = 2**31 - 1
"""Maximum bytes of a file. A file is one value, and neither Spark nor Arrow accepts a longer one."""

_ARROW = pa.schema(
    [
        ("path", pa.string()),
        ("modificationTime", pa.timestamp("us", tz="UTC")),
        ("length", pa.int64()),
        ("content", pa.binary()),
    ]
)


class _Row(NamedTuple):
    path: str
    modified: int
    content: bytes | bytearray


def shown(path: str) -> str:
    r"""Return a path for rows and messages; bytes that are not UTF-8 become ``\x..``."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def batches(
    paths: Iterable[str], *, region: str | None = None, ignore_missing: bool = False
) -> Iterator[pa.RecordBatch]:
    """Read files in order. A batch has at most 256 files and 16 MiB, or a single larger file.

    Args:
        paths: ``file:/folder/file`` or ``s3://bucket/key``, as returned by discovery.
        region: the bucket's region; None for the region of the environment.
        ignore_missing: skip files that no longer exist.

    Raises:
        CloudFilesError: a file no longer exists, is not readable, or is longer than 2 GiB.
    """
    rows: list[_Row] = []
    size = 0
    for path in paths:
        with ExitStack() as stack:
            try:
                file = stack.enter_context(_opened(path, region))
            except FileGoneError:
                if ignore_missing:
                    continue
                raise
            if file.length > LONGEST:
                raise CloudFilesError(f"{shown(path)}: {file.length} bytes, the maximum is {LONGEST}; split the file")
            if rows and (size + file.length > BATCH_BYTES or len(rows) == BATCH_FILES):
                yield _batch(rows)
                rows, size = [], 0
            rows.append(_Row(shown(path), file.modified, file.read()))
            size += len(rows[-1].content)
    if rows:
        yield _batch(rows)


def _opened(path: str, region: str | None) -> AbstractContextManager[Opened]:
    if path.startswith("file:"):
        return _opened_here(path)
    # Imported here, so that folders can be read without boto3.
    from local.cloud_files.objects import opened  # noqa: PLC0415

    return opened(path, region=region)


@contextmanager
def _opened_here(path: str) -> Iterator[Opened]:
    try:
        file = open(path.removeprefix("file:"), "rb", buffering=0)  # noqa: SIM115 (closed below)
    except FileNotFoundError:
        raise file_gone(shown(path)) from None
    except PermissionError:
        raise CloudFilesError(
            f"{shown(path)}: permission denied; give the current user read permission on the file"
        ) from None
    with file:
        status = os.fstat(file.fileno())
        yield Opened(status.st_size, status.st_mtime_ns // 1_000_000 * 1000, file.readall)


def _batch(rows: list[_Row]) -> pa.RecordBatch:
    # Use the bytes as the column's buffer, because pa.array() would copy a file of 75 MB again.
    content = rows[0].content if len(rows) == 1 else b"".join(row.content for row in rows)
    ends = array("i", accumulate((len(row.content) for row in rows), initial=0))
    contents = pa.Array.from_buffers(pa.binary(), len(rows), [None, pa.py_buffer(ends), pa.py_buffer(content)])
    return pa.RecordBatch.from_arrays(
        [
            pa.array([row.path for row in rows], pa.string()),
            pa.array([row.modified for row in rows], pa.timestamp("us", tz="UTC")),
            pa.array([len(row.content) for row in rows], pa.int64()),
            contents,
        ],
        schema=_ARROW,
    )
