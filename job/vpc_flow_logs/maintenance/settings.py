"""Session settings of the maintenance. A setting that the runtime refuses is reported, and is not a failure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from pyspark.sql import SparkSession

from vpc_flow_logs.progress import say


def set_all(spark: SparkSession, settings: Mapping[str, str]) -> None:
    """Apply session settings."""
    for key, value in settings.items():
        _set(spark, key, value)


@contextmanager
def applied(spark: SparkSession, settings: Mapping[str, str]) -> Iterator[None]:
    """Apply session settings for the duration of a ``with`` block, and restore the former values."""
    former = {key: spark.conf.get(key, None) for key in settings}
    changed = [key for key, value in settings.items() if _set(spark, key, value)]
    try:
        yield
    finally:
        for key in changed:
            value = former[key]
            if value is None:
                spark.conf.unset(key)
            else:
                spark.conf.set(key, value)


def _set(spark: SparkSession, key: str, value: str) -> bool:
    try:
        spark.conf.set(key, value)
    except Exception:  # noqa: BLE001 - the class depends on the runtime
        say(f"setting {key} is not available here")
        return False
    return True
