"""Load AWS VPC Flow Logs files into Delta tables."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_ENTRY_POINTS = ("ingest", "verify", "maintain", "probe")


def __getattr__(name: str) -> Any:
    """Return an entry point of the wheel. Databricks calls ``vpc_flow_logs.ingest()`` if it finds no metadata.

    The import happens on demand, because parts of this package are also used without Spark.
    Source: databricks-sdk, `jobs.PythonWheelTask.entry_point`.
    """
    if name in _ENTRY_POINTS:
        return getattr(import_module("vpc_flow_logs.main"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
