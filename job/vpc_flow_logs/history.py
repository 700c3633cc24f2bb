"""What a table's history says of the job's own commits.

Each commit of a micro-batch carries a mark in Delta's ``userMetadata``: the stream, the batch, and the attempt.
Source: https://docs.databricks.com/aws/en/delta/custom-metadata
"""

from __future__ import annotations

import json
from dataclasses import dataclass
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


def last_batch(spark: SparkSession, table: str, stream_id: str) -> int | None:
    """Return the number of the newest batch of a stream; None when no commit that is kept shows one.

    Args:
        spark: The session.
        table: A table for SQL, quoted.
        stream_id: The stream's ID.
    """
    history = spark.sql(f"DESCRIBE HISTORY {table} LIMIT {_LOOK_BACK}").select("userMetadata").collect()
    marks = (read(commit.userMetadata) for commit in history)
    return next((mark.batch_id for mark in marks if mark and mark.stream_id == stream_id), None)


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
