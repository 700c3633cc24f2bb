"""Spark as a cluster of the workspace has it: its storage, its tables, and S3 with the credentials of this process."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from pyspark.sql import SparkSession

from local.laptop import class_archive, spark
from local.runs import metastore, s3
from local.runs.storage import Storage

# For Java processes that live for minutes, many of them at their beginning: compiled quickly and not twice.
_QUICK = "-XX:TieredStopAtLevel=1"


def session(storage: Storage, *, app_name: str, scratch: Path, cores: int = 2) -> SparkSession:
    """Start Spark, once in a process. Raises as ``local.laptop.spark.session``.

    Args:
        storage: the workspace's.
        app_name: the application's name.
        scratch: a folder for what is of no use afterwards.
        cores: how many tasks run at the same time.
    """
    settings = {**storage.settings(), "spark.local.dir": str(scratch)}
    # Java does not read TMPDIR, and leaves a file in the system's own folder for everybody to see.
    options = [*spark.JAVA_OPTIONS, *class_archive.options(), _QUICK, f"-Djava.io.tmpdir={scratch}", "-XX:-UsePerfData"]
    if "AWS_ENDPOINT_URL" in os.environ:
        settings |= s3.settings(os.environ)
        options += s3.java_options(os.environ, scratch=scratch)
    settings["spark.driver.extraJavaOptions"] = shlex.join(options)
    # A folder that holds no tables: which there are tells the metastore.
    started = spark.session(cores=cores, warehouse=scratch / "none", app_name=app_name, extra=settings)
    metastore.keep(started, storage.metastore)
    return started
