"""The options of a stream, checked as Auto Loader checks them.

Source: https://docs.databricks.com/aws/en/ingestion/cloud-object-storage/auto-loader/options
"""

from __future__ import annotations

import os.path
import re
from collections.abc import Mapping
from dataclasses import dataclass

from local.cloud_files.error import CloudFilesError

_ALLOWED = {
    name.lower(): name
    for name in (
        "cloudFiles.format",
        "cloudFiles.includeExistingFiles",
        "cloudFiles.maxFilesPerTrigger",
        "cloudFiles.maxBytesPerTrigger",
        "cloudFiles.partitionColumns",
        "cloudFiles.useNotifications",
        "cloudFiles.region",
        "cloudFiles.queueUrl",
        "cloudFiles.backfillInterval",
        "cloudFiles.useManagedFileEvents",
        "cloudFiles.useStrictGlobber",
        "cloudFiles.validateOptions",
    )
}

_ONLY = {
    "cloudfiles.format": "binaryFile",
    "cloudfiles.partitioncolumns": "",
    "cloudfiles.usemanagedfileevents": "false",
}
"""Options of which Auto Loader takes more values than its stand-in."""

_REFUSED = ("modifiedafter", "modifiedbefore", "ignorecorruptfiles", "ignoremissingfiles")
"""Options of Spark's file sources that change what is read, and that the stand-in does not have."""

_UNITS = {"": 0, "k": 10, "m": 20, "g": 30, "t": 40}


@dataclass(frozen=True)
class Options:
    """What a stream was asked for.

    Attributes:
        path: absolute local path or glob.
        glob_filter: ``pathGlobFilter``, for the files' own names.
        include_existing: whether files that are there at the first start are read; later starts do not ask again.
        max_files: files in a micro-batch at most.
        max_bytes: bytes in a micro-batch; the file that passes the limit still belongs to it.
        strict_globber: whether ``*`` ends at ``/``.
    """

    path: str
    glob_filter: str | None = None
    include_existing: bool = True
    max_files: int = 1000
    max_bytes: int | None = None
    strict_globber: bool = False

    @classmethod
    def parse(cls, given: Mapping[str, str]) -> Options:
        """Check the options of ``spark.readStream.format("cloudFiles")``.

        With ``cloudFiles.useNotifications`` a local folder is listed all the same: there is no bucket that could
        announce its files, and what the stream delivers is no different. ``cloudFiles.region`` and
        ``cloudFiles.backfillInterval`` then mean nothing.

        Args:
            given: the options; upper and lower case of a name make no difference.

        Raises:
            CloudFilesError: with every problem in one message.

        Example:
            >>> Options.parse({"cloudFiles.format": "binaryFile", "path": "/data/AWSLogs"}).max_files
            1000
        """
        reader = _Reader(given)
        options = cls(
            path=reader.path(),
            glob_filter=reader.values.get("pathglobfilter") or None,
            include_existing=reader.flag("cloudFiles.includeExistingFiles", default=True),
            max_files=reader.count("cloudFiles.maxFilesPerTrigger") or 1000,
            max_bytes=reader.size("cloudFiles.maxBytesPerTrigger"),
            strict_globber=reader.flag("cloudFiles.useStrictGlobber", default=False),
        )
        reader.flag("cloudFiles.useNotifications", default=False)
        reader.names(validate=reader.flag("cloudFiles.validateOptions", default=True))
        if reader.problems:
            raise CloudFilesError("the options of cloudFiles cannot be used: " + "; ".join(reader.problems))
        return options


class _Reader:
    """Takes options apart and collects what is wrong with them."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self.values = {name.lower(): value for name, value in given.items()}
        self.problems: list[str] = []

    def path(self) -> str:
        path = self.values.get("path", "")
        scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):", path)
        if not path:
            self.problems.append("no path; give one to load()")
        elif scheme and scheme[1].lower() in ("s3", "s3a", "s3n"):
            self.problems.append(f"path {path}: buckets come with the embedded stage; here give a local folder or glob")
        elif scheme and scheme[1].lower() != "file":
            self.problems.append(
                f"path {path}: not a local folder; allowed are /folder, file:/folder and globs of them"
            )
        elif self.values.get("cloudfiles.queueurl"):
            self.problems.append(
                f"cloudFiles.queueUrl with the local path {path}: no queue knows of a local folder's files;"
                " leave the option out, and the folder is listed"
            )
        if scheme and scheme[1].lower() == "file":
            path = "/" + path[len("file:") :].lstrip("/")
        return os.path.abspath(path)

    def flag(self, name: str, *, default: bool) -> bool:
        value = self.values.get(name.lower(), str(default)).strip().lower()
        if value not in ("true", "false"):
            self.problems.append(f"{name} = {value!r}: allowed are true and false")
        return value == "true"

    def count(self, name: str) -> int | None:
        value = self.values.get(name.lower())
        if value is None:
            return None
        if not re.fullmatch(r"0*[1-9][0-9]{0,17}", value.strip(), re.ASCII):
            self.problems.append(f"{name} = {value!r}: allowed are whole numbers from 1")
            return None
        return int(value)

    def size(self, name: str) -> int | None:
        value = self.values.get(name.lower())
        if value is None:
            return None
        size = re.fullmatch(r"0*([1-9][0-9]{0,14})([kmgt]?)b?", value.strip().lower(), re.ASCII)
        if size is None:
            self.problems.append(f"{name} = {value!r}: allowed are bytes from 1, also as in 10k, 10m, 10g")
            return None
        return int(size[1]) << _UNITS[size[2]]

    def names(self, *, validate: bool) -> None:
        for name, only in _ONLY.items():
            value = self.values.get(name, "" if name == "cloudfiles.format" else only)
            if value.strip().lower() != only.lower():
                self.problems.append(f"{_ALLOWED[name]} = {value!r}: here only {only!r} is allowed")
        refused = [name for name in _REFUSED if name in self.values]
        if refused:
            self.problems.append(f"not available here: {', '.join(refused)}; leave them out")
        unknown = [name for name in self.values if name.startswith("cloudfiles.") and name not in _ALLOWED]
        if unknown and validate:
            self.problems.append(f"unknown: {', '.join(sorted(unknown))}; allowed are {', '.join(_ALLOWED.values())}")
