"""The job's commits in the history of a table.

Each commit of a micro-batch carries a mark in Delta's ``userMetadata``: the stream, the batch and the attempt.
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
    """The mark of a micro-batch's commit: its stream and its batch number."""

    stream_id: str
    batch_id: int


@dataclass(frozen=True)
class Commit:
    """One commit in the history of a table; ``parameters`` are those of its operation."""

    version: int
    timestamp: datetime
    operation: str
    parameters: Mapping[str, str | None]
    user_metadata: str | None


@dataclass(frozen=True)
class StreamHistory:
    """The batches of a stream in the retained history of a table.

    Attributes:
        last_batch: Number of the newest batch, even if a RESTORE undid it, because Delta still skips that number.
        lost: Numbers of the batches that a RESTORE undid and that are newer than every remaining batch.
        restored_at: Version of that RESTORE.
    """

    last_batch: int | None = None
    lost: tuple[int, ...] = ()
    restored_at: int | None = None


def marker(*, stream_id: str, batch_id: int) -> str:
    """Return a unique mark for one attempt to commit a micro-batch."""
    return json.dumps({"stream_id": stream_id, "batch_id": batch_id, "attempt": uuid4().hex}, sort_keys=True)


def rows_of(spark: SparkSession, table_name: str, mark: str) -> int | None:
    """Return the number of rows of the most recent commit with the mark; None if Delta silently skipped that commit."""
    recent = spark.sql(f"DESCRIBE HISTORY {quoted(table_name)} LIMIT {_LAST_COMMITS}")
    for commit in recent.select("userMetadata", "operationMetrics").collect():
        if commit.userMetadata == mark:
            return int((commit.operationMetrics or {}).get("numOutputRows", 0))
    return None


def of_stream(spark: SparkSession, table: str, stream_id: str) -> StreamHistory:
    """Return the batches of a stream in the retained history of a table.

    Args:
        spark: The session.
        table: The table, quoted for SQL.
        stream_id: The ID of the stream.
    """
    return read_stream(commits(spark, table, limit=_LOOK_BACK), stream_id)


def commits(spark: SparkSession, table: str, *, limit: int) -> list[Commit]:
    """Return the newest commits of a table, from newest to oldest.

    Args:
        spark: The session.
        table: The table, quoted for SQL.
        limit: Maximum number of commits.
    """
    columns = ("version", "timestamp", "operation", "operationParameters", "userMetadata")
    recent = spark.sql(f"DESCRIBE HISTORY {table} LIMIT {limit}")
    return [Commit(*row) for row in recent.select(*columns).collect()]


def read_stream(commits: Sequence[Commit], stream_id: str) -> StreamHistory:
    """Return the batches of a stream in ``commits``, which are ordered from newest to oldest."""
    remaining: list[int] = []
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
            bucket = remaining
        mark = read(commit.user_metadata)
        if mark is not None and mark.stream_id == stream_id:
            bucket.append(mark.batch_id)
    missing = [batch for batch in lost if batch > max(remaining, default=-1)]
    return StreamHistory(
        last_batch=max([*remaining, *lost], default=None),
        lost=tuple(sorted(missing)),
        restored_at=restore.version if restore and missing else None,
    )


def _undone_by(restore: Commit) -> Callable[[Commit], bool]:
    version, time = (restore.parameters.get(name) for name in ("version", "timestamp"))
    if version is not None:
        return lambda commit: commit.version > int(version)
    return lambda commit: str(commit.timestamp) > str(time)


def read(text: str | None) -> Mark | None:
    """Return the mark in a commit's ``userMetadata``; None for metadata that this job did not write.

    >>> read('{"attempt": "0", "batch_id": 7, "stream_id": "a"}')
    Mark(stream_id='a', batch_id=7)
    >>> read("a note")
    """
    try:
        values = json.loads(text or "null")
        return Mark(stream_id=str(values["stream_id"]), batch_id=int(values["batch_id"]))
    except (ValueError, TypeError, KeyError):
        return None
