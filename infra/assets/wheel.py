"""The job's wheel, built from `job/` without a network. The same sources always give the same bytes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "job"
"""The wheel's project folder, with `pyproject.toml` and the package."""

# 1980-01-01, the earliest time that a zip can hold: the modification times of a checkout must not change the wheel.
_TIME = "315532800"
# The build back end's own hook, without pip: there is nothing to resolve. The last line of output is the file's name.
_BUILD = "import sys; from setuptools import build_meta; print(build_meta.build_wheel(sys.argv[1]))"


class WheelBuildError(Exception):
    """The wheel cannot be built. The message names the next step."""


def build_wheel(target: Path, *, source: Path = SOURCE) -> Path:
    """Build the wheel into a folder, which is created if it is missing, and return the wheel's path.

    Raises:
        WheelBuildError: setuptools is missing, or the build failed. The message has the last line of its output.
    """
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="wheel-") as folder:
        copy = Path(folder) / "job"
        # Build from a copy: a build leaves files next to its source, and includes those of an earlier build.
        shutil.copytree(source, copy, ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__"))
        for file in copy.rglob("*"):
            file.chmod(0o755 if file.is_dir() else 0o644)  # The umask of a checkout must not change the wheel.
        build = subprocess.run(
            [sys.executable, "-c", _BUILD, str(target.resolve())],
            cwd=copy,
            env={**os.environ, "SOURCE_DATE_EPOCH": _TIME},
            capture_output=True,
            text=True,
            check=False,
        )
    if build.returncode != 0:
        reason = (build.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise WheelBuildError(
            f"The job's wheel cannot be built from {source.name}/: {reason}. Run make setup and try again"
        )
    return target / build.stdout.split()[-1]
