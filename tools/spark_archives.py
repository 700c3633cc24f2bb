"""Remove the archives of PySpark, so that its workers import the installed modules, which have bytecode.

Each Python process that Spark starts has ``pyspark.zip`` and ``py4j-….zip`` at the front of its path, and compiles the
modules that it imports from them. This takes half a second per stream and session. Without the archives, it imports the
same modules from pip's installation, already compiled.
"""

from __future__ import annotations

from pathlib import Path

import pyspark


def leave_out_archives(package: Path | None = None) -> list[Path]:
    """Remove the archives from a ``pyspark`` package, by default that of this venv, and return their paths."""
    archives = sorted((package or Path(pyspark.__file__).parent).glob("python/lib/*.zip"))
    for archive in archives:
        archive.unlink()
    return archives
