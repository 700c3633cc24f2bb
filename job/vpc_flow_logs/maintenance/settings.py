"""Settings of the session. A setting that the runtime rejects, as serverless compute does, is not a failure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from pyspark.sql import SparkSession

from vpc_flow_logs.progress import say


def set_all(spark: SparkSession, settings: Mapping[str, str]) -> None:
    """Set Spark settings for the rest of the session. Print a line for each one that the runtime rejects."""
    for key, value in settings.items():
        try:
            spark.conf.set(key, value)
        except Exception:  # noqa: BLE001 - the class depends on the runtime
            say(f"setting {key} is not available here")


@contextmanager
def setting(spark: SparkSession, key: str, value: str) -> Iterator[None]:
    """Set a Spark setting, and restore its previous value at the end.

    If the runtime rejects the setting, print a line and continue without it.
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
