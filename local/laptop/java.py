"""Which Java runs Spark: the machine's own when it is new enough, else the one that ``make setup`` put into the venv.

Spark takes the Java of ``JAVA_HOME``, else the first ``java`` on ``PATH``. Set-up and the Spark session follow the same
rule through :func:`java_home`, so that a session never meets a Java that set-up has not seen.
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
"""The oldest Java that Spark 4 runs on."""

NEWEST_BEFORE_SPARK_4_2 = 22
"""From Java 23 on ``Subject.getSubject`` fails, which Hadoop calls in every write before the Hadoop of Spark 4.2."""

SPARKS_MODULE = "jdk.incubator.vector"
"""The module that Spark's launcher adds to every Java it starts."""


class JavaError(RuntimeError):
    """No Java on this machine can run Spark; the message says what to do."""


@dataclass(frozen=True)
class Java:
    """A Java runtime that answered: its home directory and its major version."""

    home: Path
    version: int


def java_home() -> Path | None:
    """Return the directory to set as ``JAVA_HOME`` before Spark starts.

    Returns:
        ``None`` when nothing has to be set: the Java that Spark would take by itself is new enough. Else the home of
        the machine's newer Java (``JAVA_HOME`` names one that will not do, ``PATH`` a good one), or of the venv's.

    Raises:
        JavaError: when no Java will do; the message names the next step.

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
            f"Spark finds no Java it can run on ({OLDEST} or newer), neither in JAVA_HOME nor on PATH nor in {bundled}."
            " Start Python from the venv that `make setup` makes (.venv/bin/python), or set JAVA_HOME"
        )
    return bundled


def machine_java() -> Java | None:
    """Return the machine's own Java, ``JAVA_HOME`` before ``PATH``, when it can run Spark."""
    newest = NEWEST_BEFORE_SPARK_4_2 if _spark() < (4, 2) else sys.maxsize
    for java in (_of_java_home(), _of_path()):
        if java is not None and java.version in range(OLDEST, newest + 1):
            return java
    return None


def bundled_home() -> Path:
    """Return where set-up puts a Java for machines without one; it need not exist."""
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
    """Ask the command ``java`` for its version and home; None when it cannot start as Spark would start it."""
    try:
        # With the module that Spark's launcher asks for: small runtimes lack it and then refuse to start at all.
        # With the settings, for only they tell the home, whatever links and wrappers the command went through.
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
