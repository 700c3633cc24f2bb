"""The workspace's storage on this machine, which Spark finds by the same paths as on Databricks.

Paths of a job are not translated. Instead, Hadoop's settings map ``dbfs:/``, ``/`` and ``/Volumes`` to local folders.
Tables then have locations ``dbfs:/...``, as in a workspace.
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
        folder: the folder that contains it.
    """

    folder: Path

    @property
    def dbfs(self) -> Path:
        """The folder of the DBFS root, also for paths without a scheme."""
        return self.folder / "dbfs"

    @property
    def volumes(self) -> Path:
        """The folder of ``/Volumes``."""
        return self.folder / "volumes"

    @property
    def metastore(self) -> Path:
        """The folder of the workspace's schemas and tables."""
        return self.folder / "metastore"

    def make(self) -> Storage:
        """Create missing folders; return the storage."""
        for folder in (self.dbfs, self.volumes, self.metastore):
            folder.mkdir(parents=True, exist_ok=True)
        return self

    def settings(self) -> dict[str, str]:
        """Return Spark's settings for the storage."""
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
            # Delta selects its method of atomic commits by scheme; dbfs:/ maps to local folders here.
            "spark.delta.logStore.dbfs.impl": "io.delta.storage.LocalLogStore",
        }

    def state_of(self, checkpoint: str) -> Path:
        """Return the folder of a stream's state, in its checkpoint; a checkpoint in a bucket has a separate folder.

        >>> Storage(Path("/stage")).state_of("/FlowLogs/checkpoint")
        PosixPath('/stage/dbfs/FlowLogs/checkpoint/cloud_files')
        """
        folder = self.local(checkpoint)
        if folder is None:
            return self.folder / "streams" / hashlib.sha256(checkpoint.encode()).hexdigest()[:16]
        return folder / "cloud_files"

    def local(self, path: str) -> Path | None:
        """Return the local folder or file of a path; None for a path in a bucket."""
        scheme = _SCHEME.match(path)
        if scheme is not None and scheme[1].lower() not in ("dbfs", "file"):
            return None
        names = [name for name in path[scheme.end() if scheme else 0 :].split("/") if name]
        if scheme is not None and scheme[1].lower() == "file":
            return Path("/", *names)
        return self.volumes.joinpath(*names[1:]) if names[:1] == ["Volumes"] else self.dbfs.joinpath(*names)
