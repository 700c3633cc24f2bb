"""The job's wheel, built from `job/` without network; from one source always the same bytes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "job"
"""The wheel's project: `pyproject.toml` and the package."""

# The oldest time that a zip can say, 1980-01-01: the times of a checkout must not change the wheel.
_TIME = "315532800"
# The back end's own hook, without pip: there is nothing to resolve. It prints the file's name last.
_BUILD = "import sys; from setuptools import build_meta; print(build_meta.build_wheel(sys.argv[1]))"


class WheelBuildError(Exception):
    """The wheel cannot be built; the text says what to do."""


def build_wheel(target: Path, *, source: Path = SOURCE) -> Path:
    """Build the wheel into a folder, which is made if it is missing; return the wheel's path.

    Raises:
        WheelBuildError: setuptools is missing, or the build failed; with its last words.
    """
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="wheel-") as folder:
        copied = Path(folder) / "job"
        # A copy: the build leaves files beside its source, and takes up those of an earlier one.
        shutil.copytree(source, copied, ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__"))
        for file in copied.rglob("*"):
            file.chmod(0o755 if file.is_dir() else 0o644)  # the umask of a checkout is no content
        done = subprocess.run(
            [sys.executable, "-c", _BUILD, str(target.resolve())],
            cwd=copied,
            env={**os.environ, "SOURCE_DATE_EPOCH": _TIME},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["it gave no reason"])[-1]
        raise WheelBuildError(
            f"The job's wheel cannot be built from {source.name}/: {last}. Run make setup, then again"
        )
    return target / done.stdout.split()[-1]
