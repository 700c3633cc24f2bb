"""What a table's history says of the job's own commits.

Each commit of a micro-batch carries a mark in Delta's ``userMetadata``: the stream, the batch, and the attempt.
Source: https://docs.databricks.com/aws/en/delta/custom-metadata
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from pyspark.sql import SparkSession

from vpc_flow_logs.sql import quoted

_LAST_COMMITS = 20
_LOOK_BACK = 200


@dataclass(frozen=True)
class Mark:
    """A commit of a micro-batch, as the history shows it."""

    stream_id: str
    batch_id: int


@dataclass(frozen=True)
class Commit:
    """A commit in the history of a table."""

    version: int
    timestamp: datetime
    operation: str
    parameters: Mapping[str, str | None]
    user_metadata: str | None


@dataclass(frozen=True)
class StreamHistory:
    """What the history of a table, as far as it is kept, says of a stream.

    Attributes:
        last_batch: Number of its newest batch, also when a RESTORE undid it: Delta goes on to skip that number.
        lost: Numbers of the batches that a RESTORE undid and that no later batch followed.
        restored_at: Version of that RESTORE.
    """

    last_batch: int | None = None
    lost: tuple[int, ...] = ()
    restored_at: int | None = None


def marker(*, stream_id: str, batch_id: int) -> str:
    """Return the mark of one attempt to commit a micro-batch."""
    return json.dumps({"stream_id": stream_id, "batch_id": batch_id, "attempt": uuid4().hex}, sort_keys=True)


def rows_of(spark: SparkSession, table_name: str, mark: str) -> int | None:
    """Return how many rows a commit that was just tried has; None where Delta skipped it, as it does without a word."""
    recent = spark.sql(f"DESCRIBE HISTORY {quoted(table_name)} LIMIT {_LAST_COMMITS}")
    for commit in recent.select("userMetadata", "operationMetrics").collect():
        if commit.userMetadata == mark:
            return int((commit.operationMetrics or {}).get("numOutputRows", 0))
    return None


def of_stream(spark: SparkSession, table: str, stream_id: str) -> StreamHistory:
    """Return what the commits that are kept say of a stream.

    Args:
        spark: The session.
        table: A table for SQL, quoted.
        stream_id: The stream's ID.
    """
    commits = spark.sql(f"DESCRIBE HISTORY {table} LIMIT {_LOOK_BACK}")
    columns = ("version", "timestamp", "operation", "operationParameters", "userMetadata")
    return read_stream([Commit(*row) for row in commits.select(*columns).collect()], stream_id)


def read_stream(commits: Sequence[Commit], stream_id: str) -> StreamHistory:
    """Return what commits, the newest first, say of a stream."""
    kept: list[int] = []
    lost: list[int] = []
    restore: Commit | None = None
    undone: Callable[[Commit], bool] = lambda commit: False  # noqa: E731
    for commit in commits:
        if undone(commit):
            bucket = lost
        elif commit.operation == "RESTORE":
            restore, undone = restore or commit, _undone_by(commit)
            continue
        else:
            bucket = kept
        mark = read(commit.user_metadata)
        if mark is not None and mark.stream_id == stream_id:
            bucket.append(mark.batch_id)
    missing = [batch for batch in lost if batch > max(kept, default=-1)]
    return StreamHistory(
        last_batch=max([*kept, *lost], default=None),
        lost=tuple(sorted(missing)),
        restored_at=restore.version if restore and missing else None,
    )


def _undone_by(restore: Commit) -> Callable[[Commit], bool]:
    version, time = (restore.parameters.get(name) for name in ("version", "timestamp"))
    if version is not None:
        return lambda commit: commit.version > int(version)
    return lambda commit: str(commit.timestamp) > str(time)


def read(text: str | None) -> Mark | None:
    """Return the mark in a commit's ``userMetadata``; None for other texts, which are somebody else's.

    >>> read('{"attempt": "0", "batch_id": 7, "stream_id": "a"}')
    Mark(stream_id='a', batch_id=7)
    >>> read("a note")
    """
    try:
        values = json.loads(text or "null")
        return Mark(stream_id=str(values["stream_id"]), batch_id=int(values["batch_id"]))
    except (ValueError, TypeError, KeyError):
        return None
