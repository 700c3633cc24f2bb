"""The versions of the software that the demo uses."""

from __future__ import annotations

import json
import platform
from importlib import metadata
from pathlib import Path

_PACKAGES = {
    "Spark": "pyspark",
    "Delta Lake": "delta-spark",
    "CDK": "aws-cdk-lib",
    "Databricks SDK": "databricks-sdk",
    "MiniStack": "ministack",
}
_COMMAND_LINE = Path(__file__).resolve().parents[2] / "node_modules" / "aws-cdk" / "package.json"


def versions() -> dict[str, str]:
    """Return the versions by name, without packages that are not installed."""
    installed = {"Python": platform.python_version()}
    for name, package in _PACKAGES.items():
        try:
            installed[name] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    if _COMMAND_LINE.is_file():
        installed["CDK command line"] = str(json.loads(_COMMAND_LINE.read_text(encoding="utf-8"))["version"])
    return installed
