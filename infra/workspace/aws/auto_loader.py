"""Recognize the bucket notifications that Auto Loader streams of this deployment created.

Auto Loader documents the name prefix and four tags, which it sets "on a best-effort basis". Tag values do not allow
every character of a path (AWS allows letters, digits, spaces and ``_ . : / = + - @``), and S3 compares a notification's
prefix with the percent-encoded key. The functions here therefore rely neither on a single tag nor on one spelling.
Sources: https://docs.databricks.com/aws/en/ingestion/cloud-object-storage/auto-loader/options,
https://docs.databricks.com/aws/en/ingestion/cloud-object-storage/auto-loader/file-notification-mode,
https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from infra.workspace.aws.arn import Arn
from infra.workspace.spec import Logs

PREFIX = "databricks-auto-ingest-"
"""Prefix of the name of every topic and queue that Auto Loader creates."""

_LONGEST_TAG = 256
_NOT_IN_TAGS = re.compile(r"[^\w\s.:/=+@-]")


def has_auto_loader_name(arn: str) -> bool:
    """Return whether the name of a topic or queue has Auto Loader's prefix."""
    return Arn.parse(arn).resource.startswith(PREFIX)


def was_created_by(entry: Mapping[str, Any], tags: Mapping[str, str], streams: Sequence[Logs]) -> bool:
    """Return whether one of the streams created a notification.

    The topic's tags decide if they contain a path or a checkpoint; otherwise the filter decides.

    Args:
        entry: a topic configuration of the bucket, as boto3 returns it.
        tags: the topic's tags; empty if there are none or the topic does not exist.
        streams: streams of this deployment, all on this bucket.
    """
    checkpoint, path = tags.get("checkpointLocation", ""), tags.get("path", "")
    if checkpoint and any(_is_checkpoint(checkpoint, stream.checkpoint) for stream in streams):
        return True
    if path:
        return any(_same(path, stream.path) for stream in streams)
    return not checkpoint and any(filter_prefix(entry) == literal_prefix(stream) for stream in streams)


def covers_files_of(entry: Mapping[str, Any], streams: Sequence[Logs]) -> bool:
    """Return whether a notification covers files that one of the streams reads."""
    prefix = filter_prefix(entry)
    return any(prefix.startswith(own) or own.startswith(prefix) for own in map(literal_prefix, streams))


def described(entry: Mapping[str, Any], tags: Mapping[str, str]) -> str:
    """Describe a notification by its prefix and by the tags of its topic that identify a stream."""
    stream_tags = [f"{name} {tags[name]}" for name in ("path", "checkpointLocation", "streamId") if tags.get(name)]
    return f"prefix {filter_prefix(entry)!r}, " + (f"tags: {', '.join(stream_tags)}" if stream_tags else "no tags")


def literal_prefix(stream: Logs) -> str:
    """Return the key prefix before the first wildcard of a stream's path, without a trailing slash."""
    key = _bare(stream.path).partition("/")[2]
    return re.split(r"[*?\[{]", key, maxsplit=1)[0].rstrip("/")


def filter_prefix(entry: Mapping[str, Any]) -> str:
    """Return the decoded key prefix of a notification's filter, without a trailing slash."""
    rules = entry.get("Filter", {}).get("Key", {}).get("FilterRules", [])
    return unquote(next((str(rule["Value"]) for rule in rules if rule["Name"].lower() == "prefix"), "")).rstrip("/")


def _is_checkpoint(tag: str, checkpoint: str) -> bool:
    # Spark keeps the state of each source in a folder below the checkpoint.
    own, tagged = _folded(checkpoint), _folded(tag)
    return bool(own) and (_same(tag, checkpoint) or tagged.startswith(f"{own}/"))


def _same(tag: str, path: str) -> bool:
    own, tagged = _folded(path), _folded(tag)
    return own == tagged or (len(tag) >= _LONGEST_TAG and own.startswith(tagged))


def _folded(path: str) -> str:
    """Normalize a path: no scheme, ``_`` for characters that tags do not allow, no trailing wildcard."""
    return _bare(_NOT_IN_TAGS.sub("_", _bare(path)))


def _bare(path: str) -> str:
    """Remove the scheme, leading and trailing slashes, and a trailing wildcard (``*``, or ``_`` in a tag)."""
    return re.sub(r"/[*_]$", "", re.sub(r"^[a-z0-9]+:/*", "", path).strip("/")).rstrip("/")
