"""Test the job's access to its checkpoint folder and to the schema of its table, and leave nothing behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from vpc_flow_logs import folders
from vpc_flow_logs.failures import headline
from vpc_flow_logs.folders import Folders, NotAFolder
from vpc_flow_logs.paths import parts, scheme_of
from vpc_flow_logs.sql import quoted
from vpc_flow_logs.trial import Trial

_WRITE = "write and delete"
# Signs that the storage denied access. Any other error may come from the test itself.
_REFUSALS = (
    "AccessDenied", "Access Denied", "Access is denied", "Permission denied", "PERMISSION_DENIED", "Forbidden",
    "INSUFFICIENT_PERMISSIONS", "INSUFFICIENT_PRIVILEGES", "does not have", "not authorized", "Not a directory",
    "Read-only file system", "No space left", "quota exceeded", "NoSuchBucket", "does not exist", "No such file",
    "NOT_FOUND", "DBFS_DISABLED", "DBFS root is disabled",
)  # fmt: skip
_ON_CHECKPOINT = "Allow the job to write to its checkpoint folder, or change job.checkpoint_path to another folder"


def checkpoint(spark: SparkSession, path: str) -> Trial:
    """Write a small file below the Checkpoint Path, then delete it and the folders that were created for it."""
    files = folders.of(spark)
    try:
        with scratch(files, path) as folder:
            files.write(f"{folder}/trial", "written by verify, and deleted immediately\n")
    except NotAFolder:
        return Trial("missing", _WRITE, path, "it is a file", _ON_CHECKPOINT)
    except Exception as error:  # noqa: BLE001 - each storage has its own errors
        reason = headline(error)
        if any(sign.lower() in reason.lower() for sign in _REFUSALS):
            return Trial("missing", _WRITE, path, reason, _ON_CHECKPOINT)
        return Trial("untried", _WRITE, path, f"cannot be tested here: {reason}")
    return Trial("ok", _WRITE, path)


@contextmanager
def scratch(files: Folders, path: str) -> Iterator[str]:
    """Yield the path of a new folder below ``path``. Afterward, remove it and its parents that did not exist before."""
    absent, folder = _absent(files, path), f"{path}/.trial-{uuid4().hex[:12]}"
    try:
        yield folder
    finally:
        if files.names(folder) is not None:
            files.remove(folder)
        for above in absent:
            if files.names(above) == []:  # another run may have started there in the meantime
                files.remove(above)


def _absent(files: Folders, path: str) -> list[str]:
    """Return the folders of a path that do not exist, the deepest first. S3 has no folders."""
    absent: list[str] = []
    while scheme_of(path) != "s3" and len(parts(path)) > 0 and files.names(path) is None:
        absent.append(path)
        path = path.rpartition("/")[0]
    return absent


def schema(spark: SparkSession, table_name: str) -> list[Trial]:
    """Test whether the table's schema can be used. The session must already have the table's catalog."""
    *outer, _ = table_name.split(".")
    where = ".".join(outer)
    try:
        if not outer:
            current = spark.sql("SELECT current_catalog() AS c, current_schema() AS s").first()
            where = f"{current.c}.{current.s}" if current is not None else where
        spark.sql(f"DESCRIBE SCHEMA {quoted(where)}").collect()
    except PySparkException as error:
        return [Trial("missing", "USE SCHEMA", where or "the current schema", headline(error), _grants(where))]
    return [
        Trial("ok", "USE SCHEMA", where),
        Trial("untried", "CREATE TABLE", where, "a test would create a table"),
    ]


def _grants(where: str) -> str:
    catalog, dot, _ = where.partition(".")
    first = f"GRANT USE CATALOG ON CATALOG {quoted(catalog)} and " if dot else ""
    return (
        f"{first}GRANT USE SCHEMA, CREATE TABLE ON SCHEMA {quoted(where)} TO the principal that the job runs as, or "
        "create the schema"
    )
