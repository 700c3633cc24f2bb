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
"""Options of Spark's file sources that change the data read, and that the stand-in does not support."""

_S3 = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/.*)?", re.DOTALL)
_QUEUE_URL = re.compile(r"https?://[^/?#]+/[0-9]{12}/[A-Za-z0-9_-]{1,80}")
_QUEUE_REGION = re.compile(r"https?://sqs\.(?P<region>[a-z0-9-]+)\.(?:amazonaws\.|api\.aws)")


@dataclass(frozen=True)
class Options:
    """The options of a stream.

    Attributes:
        path: an absolute local path or glob, or ``s3://bucket/prefix`` with or without wildcards.
        glob_filter: ``pathGlobFilter``, a glob for file names.
        include_existing: whether to read the files that exist at the first start; later starts ignore it.
        max_files: the maximum number of files in a micro-batch.
        max_bytes: the soft maximum of bytes in a micro-batch; the file that exceeds it still belongs to the batch.
        strict_globber: whether ``*`` stops at ``/``.
        notifications: whether new files come from a queue; always false for a local path.
        queue_url: the URL of the queue; None if the stream creates one.
        region: the region of bucket and queue; None for the region that boto3 finds in the environment.
        backfill: seconds between listings for files with a lost event; None for no listings.
        fetch_parallelism: the number of messages to delete in parallel; a single thread receives messages.
        ignore_missing: whether to skip files that no longer exist when they are read.
        tags: tags for the resources that the stream creates in AWS, in addition to Auto Loader's own.
        same_account: whether the stream's topic accepts only events of buckets in its own account.
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
        match = _S3.fullmatch(self.path)
        return match["bucket"] if match else None

    @classmethod
    def parse(cls, given: Mapping[str, str]) -> Options:
        """Check the options of ``spark.readStream.format("cloudFiles")``.

        A local folder is listed even with ``cloudFiles.useNotifications``, because no bucket sends events for its
        files. The stream returns the same rows. ``cloudFiles.region`` and ``cloudFiles.backfillInterval`` then have no
        effect.

        Args:
            given: the options; names are not case-sensitive.

        Raises:
            CloudFilesError: options are invalid; one message lists every problem.

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
            raise CloudFilesError("invalid cloudFiles options: " + "; ".join(values.problems))
        return options


def _path(values: Values) -> str:
    path = values.given.get("path", "")
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):", path)
    if not path:
        values.problems.append("path is missing; pass one to load()")
    elif path.startswith("s3://"):
        if not _S3.fullmatch(path):
            values.problems.append(f"path {path}: not a valid bucket name; must be s3://bucket/prefix")
        return path
    elif scheme and scheme[1].lower() != "file":
        values.problems.append(f"path {path}: must be s3://bucket/prefix, /folder, file:/folder, or a glob of these")
    if scheme and scheme[1].lower() == "file":
        path = "/" + path[len("file:") :].lstrip("/")
    return os.path.abspath(path)


def _queue_url(values: Values, path: str, *, notifications: bool) -> str | None:
    url = values.text("cloudFiles.queueUrl")
    if url is None:
        return None
    if path.startswith("/"):
        values.problems.append(
            f"cloudFiles.queueUrl with the local path {path}: a queue cannot report the files of a local folder;"
            " remove the option to list the folder"
        )
    elif not notifications:
        values.problems.append("cloudFiles.queueUrl requires cloudFiles.useNotifications = true")
    elif not _QUEUE_URL.fullmatch(url):
        values.problems.append(
            f"cloudFiles.queueUrl = {url!r}: must be a queue URL such as"
            " https://sqs.us-east-1.amazonaws.com/123456789012/name, not an ARN"
        )
    return url


def _check_names(values: Values, *, validate: bool) -> None:
    for name, only in _ONLY.items():
        value = values.given.get(name, "" if name == "cloudfiles.format" else only)
        if value.strip().lower() != only.lower():
            values.problems.append(f"{_ALLOWED[name]} = {value!r}: only {only!r} is supported here")
    managed = values.given.get("cloudfiles.usemanagedfileevents", "false").strip().lower()
    if managed == "true":
        values.problems.append(
            "cloudFiles.useManagedFileEvents = true: there is no Unity Catalog here, and therefore no external location"
            " with managed file events; set it to false"
        )
    elif managed not in ("false", "if_available"):
        values.problems.append(f"cloudFiles.useManagedFileEvents = {managed!r}: must be false or if_available")
    refused = [name for name in _REFUSED if name in values.given]
    if refused:
        values.problems.append(f"not supported here: {', '.join(refused)}; remove them")
    unknown = [
        name
        for name in values.given
        if name.startswith("cloudfiles.") and name not in _ALLOWED and not name.startswith(TAG)
    ]
    if validate:
        _check_region(values)
    if unknown and validate:
        values.problems.append(
            f"unknown options: {', '.join(sorted(unknown))}; valid options are {', '.join(_ALLOWED.values())}"
        )


def _check_region(values: Values) -> None:
    given = values.text("cloudFiles.region")
    match = _QUEUE_REGION.match(values.text("cloudFiles.queueUrl") or "")
    if given and match and match["region"] != given:
        values.problems.append(
            f"cloudFiles.region = {given!r} does not match cloudFiles.queueUrl, which is in {match['region']};"
            " remove cloudFiles.region, which is only for resources that Auto Loader creates"
        )
