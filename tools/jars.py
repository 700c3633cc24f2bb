"""Setup's jars of Delta Lake and Hadoop's S3 client, downloaded by Spark's resolver and stored in the venv."""

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
"""Delta's version. Not read from the installed package, because some releases of delta-spark on PyPI have no jars."""

HADOOP = "3.5.0"
"""The Hadoop version in pyspark 4.2."""

AWS_SDK = "2.35.4"
"""The AWS SDK version that this Hadoop was built with."""

# Dependencies of delta-spark that Spark already has, mostly in newer versions: 22 of 33 jars, and 74 of 87 MB.
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


# The same for Hadoop's S3 client. It depends on the AWS SDK as one jar of 600 MB with every service, so that jar is
# excluded and the modules in use are listed. Spark has newer versions of Netty, the HTTP client and others.
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
    """A set of jars to download.

    Attributes:
        name: The name in messages.
        size: The size of the download in MB.
        packages: The Maven coordinates.
        excluded: The excluded dependencies, as artifacts by group.
    """

    name: str
    size: int
    packages: tuple[str, ...]
    excluded: Mapping[str, Sequence[str]]

    @property
    def file(self) -> str:
        """Return the file name of the first package's jar. The set is complete if this file exists."""
        return self.packages[0].replace(":", "_", 1).replace(":", "-") + ".jar"


def provide_jars(root: Path, java_home: Path | None) -> Path:
    """Download the Delta jars for the venv's Spark if they are not there, and return their folder."""
    spark = ".".join(pyspark.__version__.split(".")[:2])
    package = f"io.delta:delta-spark_{spark}_2.13:{DELTA}"
    return _provide(_Jars("Delta Lake jars", 13, (package,), _IN_SPARK), jar_folder(), root, java_home)


def provide_s3_jars(root: Path, java_home: Path | None) -> Path:
    """Download the jars of Hadoop's S3 client if they are not there, and return their folder."""
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
    say(f"{jars.name}: downloading {jars.packages[0]}, {jars.size} MB")
    with tempfile.TemporaryDirectory(prefix="jars-", dir=sys.prefix) as scratch:
        fetched = _resolve(jars, root, Path(scratch), java_home, log=f"{folder.name}.log")
        if not (fetched / jars.file).exists():
            raise SetupError(f"Spark's resolver succeeded but did not download {jars.file}. Please report this.")
        shutil.rmtree(folder, ignore_errors=True)
        shutil.move(str(fetched), folder)
    return folder


def _resolve(jars: _Jars, root: Path, scratch: Path, java_home: Path | None, *, log: str) -> Path:
    excludes = ",".join(f"{group}:{artifact}" for group, artifacts in jars.excluded.items() for artifact in artifacts)
    program = scratch / "empty.py"
    program.touch()
    command = [
        str(Path(pyspark.__file__).parent / "bin" / "spark-submit"),
        *("--conf", f"spark.jars.ivy={scratch / 'ivy'}"),
        *("--conf", f"spark.jars.packages={','.join(jars.packages)}"),
        *("--conf", f"spark.jars.excludes={excludes}"),
        str(program),  # spark-submit runs the resolver only if it starts a program
    ]
    env = {**os.environ, "PYSPARK_PYTHON": sys.executable, "SPARK_HOME": str(Path(pyspark.__file__).parent)}
    if java_home is not None:
        env["JAVA_HOME"] = str(java_home)
    problem = (
        f"Spark's resolver could not download the {jars.name} ({jars.packages[0]}).\n"
        "  It downloads from Maven Central. For a mirror, set DEFAULT_ARTIFACT_REPOSITORY to the mirror's URL. For a\n"
        "  proxy, set JAVA_TOOL_OPTIONS='-Dhttps.proxyHost=HOST -Dhttps.proxyPort=PORT', and make sure that Java\n"
        "  trusts the proxy's certificate. Then run the same make target again."
    )
    run(command, cwd=root, env=env, log=Path(sys.prefix) / "log" / log, problem=problem)
    return scratch / "ivy" / "jars"
