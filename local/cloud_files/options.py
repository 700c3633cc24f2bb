"""Check the options of a stream as Auto Loader does.

Source: https://docs.databricks.com/aws/en/ingestion/cloud-object-storage/auto-loader/options
"""

from __future__ import annotations

import os.path
import re
from collections.abc import Mapping
from dataclasses import dataclass

from local.cloud_files.error import CloudFilesError
from local.cloud_files.values import TAG, Values

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
        "cloudFiles.fetchParallelism",
        "cloudFiles.resourceTag.<key>",
        "cloudFiles.restrictNotificationSetupToSameAWSAccountId",
        "cloudFiles.useManagedFileEvents",
        "cloudFiles.useStrictGlobber",
        "cloudFiles.validateOptions",
    )
}

_ONLY = {"cloudfiles.format": "binaryFile", "cloudfiles.partitioncolumns": ""}
"""Options with one allowed value here; Auto Loader allows more."""

_REFUSED = ("modifiedafter", "modifiedbefore", "ignorecorruptfiles")
"""Options of Spark's file sources that change what is read and that the stand-in lacks."""

_S3 = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/.*)?", re.DOTALL)
_QUEUE_URL = re.compile(r"https?://[^/?#]+/[0-9]{12}/[A-Za-z0-9_-]{1,80}")
_QUEUE_REGION = re.compile(r"https?://sqs\.(?P<region>[a-z0-9-]+)\.(?:amazonaws\.|api\.aws)")


@dataclass(frozen=True)
class Options:
    """The options of a stream.

    Attributes:
        path: an absolute local path or glob, or ``s3://bucket/prefix`` with or without wildcards.
        glob_filter: ``pathGlobFilter``, for the files' own names.
        include_existing: whether to read the files that exist at the first start; later starts ignore it.
        max_files: the most files in a micro-batch.
        max_bytes: the soft maximum of bytes in a micro-batch: the file that passes it still belongs to it.
        strict_globber: whether ``*`` ends at ``/``.
        notifications: whether new files come from a queue; always false for a local path.
        queue_url: that queue; None: the stream creates its own.
        region: of bucket and queue; None: what boto3 finds in the environment.
        backfill: seconds between two listings for files whose event was lost; None: never.
        fetch_parallelism: how many messages are deleted at the same time; one thread receives enough for a machine.
        ignore_missing: whether files that are gone before they are read are left out.
        tags: of what the stream makes in AWS, besides Auto Loader's own.
        same_account: whether the topic that the stream makes takes events of its own account's buckets only.
    """

    path: str
    glob_filter: str | None = None
    include_existing: bool = True
    max_files: int = 1000
    max_bytes: int | None = None
    strict_globber: bool = False
    notifications: bool = False
    queue_url: str | None = None
    region: str | None = None
    backfill: int | None = None
    fetch_parallelism: int = 1
    ignore_missing: bool = False
    tags: tuple[tuple[str, str], ...] = ()
    same_account: bool = False

    @property
    def bucket(self) -> str | None:
        """The bucket of the path; None for a local one."""
        found = _S3.fullmatch(self.path)
        return found["bucket"] if found else None

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
        values = Values(given)
        path = _path(values)
        notifications = values.flag("cloudFiles.useNotifications", default=False)
        options = cls(
            path=path,
            glob_filter=values.given.get("pathglobfilter") or None,
            include_existing=values.flag("cloudFiles.includeExistingFiles", default=True),
            max_files=values.count("cloudFiles.maxFilesPerTrigger") or 1000,
            max_bytes=values.size("cloudFiles.maxBytesPerTrigger"),
            strict_globber=values.flag("cloudFiles.useStrictGlobber", default=False),
            notifications=notifications and not path.startswith("/"),
            queue_url=_queue_url(values, path, notifications=notifications),
            region=values.text("cloudFiles.region"),
            backfill=values.interval("cloudFiles.backfillInterval"),
            fetch_parallelism=values.count("cloudFiles.fetchParallelism") or 1,
            ignore_missing=values.flag("ignoreMissingFiles", default=False),
            tags=values.tags(),
            same_account=values.flag("cloudFiles.restrictNotificationSetupToSameAWSAccountId", default=False),
        )
        _check_names(values, validate=values.flag("cloudFiles.validateOptions", default=True))
        if values.problems:
            raise CloudFilesError("the options of cloudFiles cannot be used: " + "; ".join(values.problems))
        return options


def _path(values: Values) -> str:
    path = values.given.get("path", "")
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):", path)
    if not path:
        values.problems.append("no path; give one to load()")
    elif path.startswith("s3://"):
        if not _S3.fullmatch(path):
            values.problems.append(f"path {path}: no bucket can have this name; allowed is s3://bucket/prefix")
        return path
    elif scheme and scheme[1].lower() != "file":
        values.problems.append(f"path {path}: allowed are s3://bucket/prefix, /folder, file:/folder and globs of them")
    if scheme and scheme[1].lower() == "file":
        path = "/" + path[len("file:") :].lstrip("/")
    return os.path.abspath(path)


def _queue_url(values: Values, path: str, *, notifications: bool) -> str | None:
    url = values.text("cloudFiles.queueUrl")
    if url is None:
        return None
    if path.startswith("/"):
        values.problems.append(
            f"cloudFiles.queueUrl with the local path {path}: no queue knows of a local folder's files;"
            " leave the option out, and the folder is listed"
        )
    elif not notifications:
        values.problems.append("cloudFiles.queueUrl needs cloudFiles.useNotifications = true")
    elif not _QUEUE_URL.fullmatch(url):
        values.problems.append(
            f"cloudFiles.queueUrl = {url!r}: no URL of a queue, such as"
            " https://sqs.us-east-1.amazonaws.com/123456789012/name; an ARN is none"
        )
    return url


def _check_names(values: Values, *, validate: bool) -> None:
    for name, only in _ONLY.items():
        value = values.given.get(name, "" if name == "cloudfiles.format" else only)
        if value.strip().lower() != only.lower():
            values.problems.append(f"{_ALLOWED[name]} = {value!r}: here only {only!r} is allowed")
    managed = values.given.get("cloudfiles.usemanagedfileevents", "false").strip().lower()
    if managed == "true":
        values.problems.append(
            "cloudFiles.useManagedFileEvents = true: there is no Unity Catalog here, and so no external location whose"
            " file events it could manage; set it to false"
        )
    elif managed not in ("false", "if_available"):
        values.problems.append(f"cloudFiles.useManagedFileEvents = {managed!r}: allowed are false and if_available")
    refused = [name for name in _REFUSED if name in values.given]
    if refused:
        values.problems.append(f"not available here: {', '.join(refused)}; leave them out")
    unknown = [
        name
        for name in values.given
        if name.startswith("cloudfiles.") and name not in _ALLOWED and not name.startswith(TAG)
    ]
    if validate:
        _check_region(values)
    if unknown and validate:
        values.problems.append(f"unknown: {', '.join(sorted(unknown))}; allowed are {', '.join(_ALLOWED.values())}")


def _check_region(values: Values) -> None:
    given = values.text("cloudFiles.region")
    found = _QUEUE_REGION.match(values.text("cloudFiles.queueUrl") or "")
    if given and found and found["region"] != given:
        values.problems.append(
            f"cloudFiles.region = {given!r} is inconsistent with cloudFiles.queueUrl, whose region is"
            f" {found['region']}; leave cloudFiles.region out, it is for what Auto Loader sets up"
        )
