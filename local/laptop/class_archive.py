"""Java's archive of the classes that Spark loads at startup, which halves the startup time.

``make setup`` creates it for one Java and one set of jars. Sessions use it if it exists.
Source: https://docs.oracle.com/en/java/javase/17/vm/class-data-sharing.html
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pyspark

from local.laptop.jars import jar_folder, s3_jar_folder
from local.laptop.java import bundled_home, machine_java


def archive_file() -> Path:
    """Return the path of the archive for this Java and these jars; the file may not exist."""
    java = machine_java()
    jars = sorted(jar.name for folder in (jar_folder(), s3_jar_folder()) for jar in folder.glob("*.jar"))
    known = repr((str(java.home) if java else str(bundled_home()), java and java.version, pyspark.__version__, jars))
    return Path(sys.prefix) / "java-classes" / f"spark-{hashlib.sha256(known.encode()).hexdigest()[:16]}.jsa"


def options() -> list[str]:
    """Return the Java options for the archive; empty if there is no archive."""
    file = archive_file()
    # If Java or a jar has changed, Java runs without the archive. Its warning about this must not go to stdout.
    return [f"-XX:SharedArchiveFile={file}", "-Xlog:disable", "-Xlog:all=error:stderr"] if file.exists() else []
