"""Run Spark to load the Java classes that runs on the stage need: ``.venv/bin/python -m tools.load_classes ARCHIVE``.

Java writes the archive when it exits.
"""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from py4j.protocol import Py4JError  # type: ignore[import-untyped, unused-ignore]
from pyspark.errors import PySparkException

from local.cloud_files import register
from local.laptop import spark as local_spark
from local.runs import s3
from local.runs.storage import Storage
from vpc_flow_logs.main import run_ingest, run_verify

_FILE = b"version srcaddr dstaddr action start\n2 10.0.0.1 10.0.0.2 ACCEPT 1700000000\n"
# No server listens there. By the time the connection fails, most classes are loaded.
_NOWHERE = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_REGION": "us-east-1"}


def main(archive: Path) -> None:
    """Run the job once, in the same way as the stage."""
    os.environ.update({"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "nothing"})
    with tempfile.TemporaryDirectory(prefix="load-classes-") as scratch:
        folder = Path(scratch)
        (folder / "logs").mkdir()
        (folder / "logs" / "a.log").write_bytes(_FILE)
        storage = Storage(folder / "storage").make()
        options = [*local_spark.JAVA_OPTIONS, f"-XX:ArchiveClassesAtExit={archive}"]
        settings = {
            **storage.settings(),
            **s3.settings(_NOWHERE),
            "spark.hadoop.fs.s3a.attempts.maximum": "1",
            "spark.hadoop.fs.s3a.retry.limit": "0",
            "spark.driver.extraJavaOptions": shlex.join(options),
        }
        spark = local_spark.session(warehouse=folder / "none", extra=settings)
        with suppress(Py4JError, PySparkException):
            spark.read.text("s3://nowhere/nothing").collect()
        register(spark, state=storage.state_of("/checkpoint"))
        arguments = [
            f"--vpc-logs-path=file:{folder}/logs",
            "--delta-output-path=",
            "--checkpoint-path=/checkpoint",
            "--table-name=flow_logs",
            "--region-name=us-east-1",
            "--headers=version,srcaddr,dstaddr,action,start",
            "--notifications=off",
        ]
        run_verify(arguments, session=lambda: spark)
        run_ingest(arguments, session=lambda: spark)
        spark.sql("SELECT action, count(*) AS records FROM flow_logs GROUP BY ALL ORDER BY records").toJSON().collect()
        local_spark.stop(spark)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
