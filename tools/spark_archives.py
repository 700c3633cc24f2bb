"""PySpark's second copy of itself, an archive without bytecode, which its workers would import before the first.

Each Python process that Spark starts has ``pyspark.zip`` and ``py4j-….zip`` at the head of its path and compiles from
them what it imports: half a second for each stream and each session. Without the two it takes the modules that pip
installed, which are the same and compiled already.
"""

from __future__ import annotations

from pathlib import Path

import pyspark


def leave_out_archives(package: Path | None = None) -> list[Path]:
    """Remove the archives from the ``pyspark`` package, this venv's by default; return those that were there."""
    found = sorted((package or Path(pyspark.__file__).parent).glob("python/lib/*.zip"))
    for archive in found:
        archive.unlink()
    return found
