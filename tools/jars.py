"""Set-up's Delta step: the jars of Delta Lake, fetched by Spark's own resolver and kept in the venv."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

import pyspark

from local.jars import jar_folder
from tools.progress import SetupError, run, say

DELTA = "4.4.0"
"""Not read from the installed package: PyPI has releases of delta-spark whose jars were never published."""

# What delta-spark asks for and Spark has already, mostly newer: 22 of 33 jars, and 74 of 87 MB.
_IN_SPARK = {
    "com.fasterxml.jackson.core": ["jackson-annotations", "jackson-core", "jackson-databind"],
    "com.github.luben": ["zstd-jni"],
    "com.google.code.findbugs": ["jsr305"],
    "commons-pool": ["commons-pool"],
    "io.airlift": ["aircompressor"],
    "org.apache.hadoop": ["hadoop-client-api", "hadoop-client-runtime"],
    "org.apache.logging.log4j": ["log4j-api", "log4j-core", "log4j-slf4j2-impl"],
    "org.apache.parquet": [
        "parquet-column",
        "parquet-common",
        "parquet-encoding",
        "parquet-format-structures",
        "parquet-hadoop",
        "parquet-jackson",
    ],
    "org.locationtech.jts": ["jts-core"],
    "org.roaringbitmap": ["RoaringBitmap"],
    "org.slf4j": ["slf4j-api"],
    "org.xerial.snappy": ["snappy-java"],
}


def provide_jars(root: Path, java_home: Path | None) -> Path:
    """Fill the venv's folder of Delta jars, unless it holds those for its Spark already; return the folder."""
    folder = jar_folder()
    spark = ".".join(pyspark.__version__.split(".")[:2])
    package = f"io.delta:delta-spark_{spark}_2.13:{DELTA}"
    wanted = package.replace(":", "_", 1).replace(":", "-") + ".jar"
    if (folder / wanted).exists():
        say(f"Delta Lake jars: already there ({package})")
        return folder
    say(f"Delta Lake jars: fetching {package}, 13 MB")
    with tempfile.TemporaryDirectory(prefix="delta-jars-", dir=sys.prefix) as scratch:
        fetched = _resolve(package, root, Path(scratch), java_home)
        if not (fetched / wanted).exists():
            raise SetupError(f"Spark's resolver ended well but did not bring {wanted}. Please report this.")
        shutil.rmtree(folder, ignore_errors=True)
        shutil.move(str(fetched), folder)
    return folder


def _resolve(package: str, root: Path, scratch: Path, java_home: Path | None) -> Path:
    excludes = ",".join(f"{group}:{artifact}" for group, artifacts in _IN_SPARK.items() for artifact in artifacts)
    nothing = scratch / "nothing.py"
    nothing.touch()
    command = [
        str(Path(pyspark.__file__).parent / "bin" / "spark-submit"),
        *("--conf", f"spark.jars.ivy={scratch / 'ivy'}"),
        *("--conf", f"spark.jars.packages={package}"),
        *("--conf", f"spark.jars.excludes={excludes}"),
        str(nothing),  # the resolver runs before the program, and there is no other door to it
    ]
    env = {**os.environ, "PYSPARK_PYTHON": sys.executable, "SPARK_HOME": str(Path(pyspark.__file__).parent)}
    if java_home is not None:
        env["JAVA_HOME"] = str(java_home)
    problem = (
        f"Spark's resolver could not fetch the jars of Delta Lake ({package}).\n"
        "  It asks Maven Central. With a mirror, set DEFAULT_ARTIFACT_REPOSITORY to the mirror's address; with a\n"
        "  proxy, set JAVA_TOOL_OPTIONS='-Dhttps.proxyHost=HOST -Dhttps.proxyPort=PORT', and see that Java trusts\n"
        "  the proxy's certificate. Then run the same make target again."
    )
    run(command, cwd=root, env=env, log=Path(sys.prefix) / "log" / "delta-jars.log", problem=problem)
    return scratch / "ivy" / "jars"
