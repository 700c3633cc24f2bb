"""Where the workspace's storage lies on this machine, and how Spark finds it by the paths that Databricks has.

No path of a job is translated: Hadoop itself is told, by its settings, which folders ``dbfs:/``, ``/`` and ``/Volumes``
are. Tables then lie at ``dbfs:/...``, as in a workspace.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

_MOUNTED = "org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme"
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")


@dataclass(frozen=True)
class Storage:
    """The storage of one workspace.

    Attributes:
        folder: all of it is below.
    """

    folder: Path

    @property
    def dbfs(self) -> Path:
        """The DBFS root, which paths without a scheme mean as well."""
        return self.folder / "dbfs"

    @property
    def volumes(self) -> Path:
        """What ``/Volumes`` is."""
        return self.folder / "volumes"

    @property
    def metastore(self) -> Path:
        """What the workspace knows of schemas and tables."""
        return self.folder / "metastore"

    def make(self) -> Storage:
        """Make the folders that are missing."""
        for folder in (self.dbfs, self.volumes, self.metastore):
            folder.mkdir(parents=True, exist_ok=True)
        return self

    def settings(self) -> dict[str, str]:
        """Spark's settings, by which it finds the storage."""
        hadoop = {
            "fs.defaultFS": "dbfs:///",
            "fs.dbfs.impl": _MOUNTED,
            "fs.viewfs.overload.scheme.target.dbfs.impl": "org.apache.hadoop.fs.LocalFileSystem",
            "fs.viewfs.mounttable.default.linkFallback": self.dbfs.absolute().as_uri(),
            "fs.viewfs.mounttable.default.link./Volumes": self.volumes.absolute().as_uri(),
        }
        return {
            **{f"spark.hadoop.{key}": value for key, value in hadoop.items()},
            "spark.sql.warehouse.dir": "dbfs:/user/hive/warehouse",
            # Delta asks by scheme how a commit is made whole or not at all; behind this one are local folders.
            "spark.delta.logStore.dbfs.impl": "io.delta.storage.LocalLogStore",
        }

    def state_of(self, checkpoint: str) -> Path:
        """Where a stream keeps what Auto Loader keeps in its checkpoint; for a checkpoint in a bucket, beside all that.

        >>> Storage(Path("/stage")).state_of("/FlowLogs/checkpoint")
        PosixPath('/stage/dbfs/FlowLogs/checkpoint/cloud_files')
        """
        here = self.local(checkpoint)
        if here is None:
            return self.folder / "streams" / hashlib.sha256(checkpoint.encode()).hexdigest()[:16]
        return here / "cloud_files"

    def local(self, path: str) -> Path | None:
        """The folder or file of this machine that a path means; None for what lies in a bucket."""
        scheme = _SCHEME.match(path)
        if scheme is not None and scheme[1].lower() not in ("dbfs", "file"):
            return None
        names = [name for name in path[scheme.end() if scheme else 0 :].split("/") if name]
        if scheme is not None and scheme[1].lower() == "file":
            return Path("/", *names)
        return self.volumes.joinpath(*names[1:]) if names[:1] == ["Volumes"] else self.dbfs.joinpath(*names)
