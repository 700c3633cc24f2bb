"""Set-up's jars: those of Delta Lake and of S3, fetched by Spark's own resolver and kept in the venv."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyspark

from local.laptop.jars import jar_folder, s3_jar_folder
from tools.progress import SetupError, run, say

DELTA = "4.4.0"
"""Not read from the installed package: PyPI has releases of delta-spark whose jars were never published."""

HADOOP = "3.5.0"
"""The Hadoop in pyspark 4.2."""

AWS_SDK = "2.35.4"
"""The AWS SDK that this Hadoop was built with."""

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


# The same for Hadoop's S3 client. AWS's SDK it asks for in one jar of 600 MB, which holds every service; the modules
# that it uses are named instead. Netty, the HTTP client and their like are in Spark, newer.
_NOT_FOR_S3 = {
    "commons-codec": ["commons-codec"],
    "commons-logging": ["commons-logging"],
    "io.netty": [
        "netty-buffer",
        "netty-codec",
        "netty-codec-http",
        "netty-codec-http2",
        "netty-common",
        "netty-handler",
        "netty-resolver",
        "netty-transport",
        "netty-transport-classes-epoll",
        "netty-transport-native-unix-common",
    ],
    "org.apache.hadoop": ["hadoop-common"],
    "org.apache.httpcomponents": ["httpclient", "httpcore"],
    "org.slf4j": ["slf4j-api"],
    "org.wildfly.openssl": ["wildfly-openssl"],
    "software.amazon.awssdk": ["bundle"],
}


@dataclass(frozen=True)
class _Jars:
    """What is fetched: its name for people, its size in MB, the packages, and what of theirs is left out."""

    name: str
    size: int
    packages: tuple[str, ...]
    excluded: Mapping[str, Sequence[str]]

    @property
    def file(self) -> str:
        """The jar of the first package, by whose version it is seen whether all are there."""
        return self.packages[0].replace(":", "_", 1).replace(":", "-") + ".jar"


def provide_jars(root: Path, java_home: Path | None) -> Path:
    """Fill the venv's folder of Delta jars, unless it holds those for its Spark already; return the folder."""
    spark = ".".join(pyspark.__version__.split(".")[:2])
    package = f"io.delta:delta-spark_{spark}_2.13:{DELTA}"
    return _provide(_Jars("Delta Lake jars", 13, (package,), _IN_SPARK), jar_folder(), root, java_home)


def provide_s3_jars(root: Path, java_home: Path | None) -> Path:
    """The same for the jars by which Spark reads S3."""
    modules = ("s3", "sts", "s3-transfer-manager", "apache-client", "netty-nio-client")
    packages = (
        f"org.apache.hadoop:hadoop-aws:{HADOOP}",
        *(f"software.amazon.awssdk:{module}:{AWS_SDK}" for module in modules),
    )
    return _provide(_Jars("jars for S3", 13, packages, _NOT_FOR_S3), s3_jar_folder(), root, java_home)


def _provide(jars: _Jars, folder: Path, root: Path, java_home: Path | None) -> Path:
    if (folder / jars.file).exists():
        say(f"{jars.name}: already there ({jars.packages[0]})")
        return folder
    say(f"{jars.name}: fetching {jars.packages[0]}, {jars.size} MB")
    with tempfile.TemporaryDirectory(prefix="jars-", dir=sys.prefix) as scratch:
        fetched = _resolve(jars, root, Path(scratch), java_home, log=f"{folder.name}.log")
        if not (fetched / jars.file).exists():
            raise SetupError(f"Spark's resolver ended well but did not bring {jars.file}. Please report this.")
        shutil.rmtree(folder, ignore_errors=True)
        shutil.move(str(fetched), folder)
    return folder


def _resolve(jars: _Jars, root: Path, scratch: Path, java_home: Path | None, *, log: str) -> Path:
    excludes = ",".join(f"{group}:{artifact}" for group, artifacts in jars.excluded.items() for artifact in artifacts)
    nothing = scratch / "nothing.py"
    nothing.touch()
    command = [
        str(Path(pyspark.__file__).parent / "bin" / "spark-submit"),
        *("--conf", f"spark.jars.ivy={scratch / 'ivy'}"),
        *("--conf", f"spark.jars.packages={','.join(jars.packages)}"),
        *("--conf", f"spark.jars.excludes={excludes}"),
        str(nothing),  # the resolver runs before the program, and there is no other door to it
    ]
    env = {**os.environ, "PYSPARK_PYTHON": sys.executable, "SPARK_HOME": str(Path(pyspark.__file__).parent)}
    if java_home is not None:
        env["JAVA_HOME"] = str(java_home)
    problem = (
        f"Spark's resolver could not fetch the {jars.name} ({jars.packages[0]}).\n"
        "  It asks Maven Central. With a mirror, set DEFAULT_ARTIFACT_REPOSITORY to the mirror's address; with a\n"
        "  proxy, set JAVA_TOOL_OPTIONS='-Dhttps.proxyHost=HOST -Dhttps.proxyPort=PORT', and see that Java trusts\n"
        "  the proxy's certificate. Then run the same make target again."
    )
    run(command, cwd=root, env=env, log=Path(sys.prefix) / "log" / log, problem=problem)
    return scratch / "ivy" / "jars"
