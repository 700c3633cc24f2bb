"""Java's archive of the classes that Spark loads at its start: with it Spark starts in half the time.

``make setup`` makes it, for one Java and one set of jars; sessions use it when it is there.
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
    """Return where the archive for this Java and these jars belongs; it need not exist."""
    java = machine_java()
    jars = sorted(jar.name for folder in (jar_folder(), s3_jar_folder()) for jar in folder.glob("*.jar"))
    known = repr((str(java.home) if java else str(bundled_home()), java and java.version, pyspark.__version__, jars))
    return Path(sys.prefix) / "java-classes" / f"spark-{hashlib.sha256(known.encode()).hexdigest()[:16]}.jsa"


def options() -> list[str]:
    """Return the options by which Java uses the archive; none when there is none."""
    file = archive_file()
    # When Java or a jar was changed after all, it goes on without the archive, and need not tell whoever reads stdout.
    return [f"-XX:SharedArchiveFile={file}", "-Xlog:disable", "-Xlog:all=error:stderr"] if file.exists() else []
