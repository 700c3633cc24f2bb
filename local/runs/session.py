"""Spark as on a cluster of the workspace: with its storage, its tables, and S3 with this process's credentials."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from pyspark.sql import SparkSession

from local.laptop import class_archive, spark
from local.runs import metastore, s3
from local.runs.storage import Storage


def session(storage: Storage, *, app_name: str, scratch: Path, cores: int = 2) -> SparkSession:
    """Start Spark, once per process. Raises the errors of ``local.laptop.spark.session``.

    Args:
        storage: the workspace's storage.
        app_name: the application's name.
        scratch: a folder for temporary files.
        cores: the number of tasks that run in parallel.
    """
    settings = {**storage.settings(), "spark.local.dir": str(scratch)}
    # Java ignores TMPDIR, and by default writes a performance file into the system's temporary folder.
    options = [
        *spark.JAVA_OPTIONS,
        *class_archive.options(),
        *spark.QUICK_START,
        f"-Djava.io.tmpdir={scratch}",
        "-XX:-UsePerfData",
    ]
    if "AWS_ENDPOINT_URL" in os.environ:
        settings |= s3.settings(os.environ)
        options += s3.java_options(os.environ, scratch=scratch)
    settings["spark.driver.extraJavaOptions"] = shlex.join(options)
    # The warehouse is a folder without tables, because the metastore lists the tables.
    started = spark.session(cores=cores, warehouse=scratch / "none", app_name=app_name, extra=settings)
    metastore.keep(started, storage.metastore)
    return started
