"""Select the Java that runs Spark: the machine's if its version is supported, or else the one in the venv.

``make setup`` puts a Java into the venv if needed. Spark uses the Java of ``JAVA_HOME``, or else the first ``java`` on
``PATH``. Setup and the Spark session use the same rule (:func:`java_home`), so a session never uses a Java that setup
has not checked.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

OLDEST = 17
"""The oldest Java version that Spark 4 supports."""

NEWEST_BEFORE_SPARK_4_2 = 22
"""From Java 23, ``Subject.getSubject`` fails. Before Spark 4.2, Hadoop calls it in every write."""

SPARKS_MODULE = "jdk.incubator.vector"
"""The module that Spark's launcher adds when it starts Java."""


class JavaError(RuntimeError):
    """No Java on this machine can run Spark; the message has the next step."""


@dataclass(frozen=True)
class Java:
    """A working Java runtime: its home directory and its major version."""

    home: Path
    version: int


def java_home() -> Path | None:
    """Return the directory to set as ``JAVA_HOME`` before Spark starts.

    Returns:
        ``None`` if Spark already selects a supported Java. Otherwise, the home of the Java on ``PATH`` if ``JAVA_HOME``
        has an unsupported one, or else of the venv's Java.

    Raises:
        JavaError: no supported Java is available.

    Example:
        >>> home = java_home()
        >>> if home is not None:
        ...     os.environ["JAVA_HOME"] = str(home)
    """
    machines = machine_java()
    if machines is not None:
        return machines.home if os.environ.get("JAVA_HOME") and machines != _of_java_home() else None
    bundled = bundled_home()
    if ask(str(bundled / "bin" / "java")) is None:
        raise JavaError(
            f"There is no Java that can run Spark (version {OLDEST} or later) in JAVA_HOME, on PATH, or in {bundled}."
            " Use the Python of the venv that `make setup` creates (.venv/bin/python), or set JAVA_HOME"
        )
    return bundled


def machine_java() -> Java | None:
    """Return the machine's Java if it can run Spark; ``JAVA_HOME`` takes precedence over ``PATH``."""
    newest = NEWEST_BEFORE_SPARK_4_2 if _spark() < (4, 2) else sys.maxsize
    for java in (_of_java_home(), _of_path()):
        if java is not None and java.version in range(OLDEST, newest + 1):
            return java
    return None


def bundled_home() -> Path:
    """Return the folder where setup puts a Java on machines without one; it may not exist."""
    return Path(sys.prefix) / "java"


def _spark() -> tuple[int, int]:
    major, minor, *_ = version("pyspark").split(".")
    return int(major), int(minor)


def _of_java_home() -> Java | None:
    home = os.environ.get("JAVA_HOME")
    return ask(str(Path(home) / "bin" / "java")) if home else None


def _of_path() -> Java | None:
    java = shutil.which("java")
    return ask(java) if java else None


@cache
def ask(java: str) -> Java | None:
    """Return the version and home of the command ``java``; None if it does not start with Spark's options."""
    try:
        # With the module that Spark's launcher adds, because small runtimes lack it and then do not start.
        # With the settings, because they contain the real home, even behind links and wrapper scripts.
        answer = subprocess.run(
            [java, f"--add-modules={SPARKS_MODULE}", "-XshowSettings:properties", "-version"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    settings = dict(re.findall(r"^\s+(java\.\S+) = (.*)$", answer.stderr, flags=re.MULTILINE))
    major = settings.get("java.specification.version", "")
    if answer.returncode != 0 or not major.isdigit() or "java.home" not in settings:
        return None
    return Java(home=Path(settings["java.home"]), version=int(major))
