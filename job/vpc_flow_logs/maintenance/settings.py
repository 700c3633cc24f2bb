"""Settings of the session for the duration of a statement."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pyspark.sql import SparkSession

from vpc_flow_logs.progress import say


@contextmanager
def setting(spark: SparkSession, key: str, value: str) -> Iterator[None]:
    """Set a Spark setting, and restore its former value at the end.

    If the runtime refuses the setting, as serverless compute does, print a line and continue without it.
    """
    try:
        former = spark.conf.get(key, None)
        spark.conf.set(key, value)
    except Exception:  # noqa: BLE001 - the class depends on the runtime
        say(f"setting {key} is not available here")
        yield
        return
    try:
        yield
    finally:
        if former is None:
            spark.conf.unset(key)
        else:
            spark.conf.set(key, former)
