"""Recognize which of a bucket's notifications an Auto Loader stream of this deployment created.

Auto Loader documents the name prefix and four tags, which it sets "on a best-effort basis". A tag value cannot hold
every character of a path (AWS allows letters, digits, spaces and ``_ . : / = + - @``), and S3 compares a notification's
prefix with the percent-encoded key. So nothing here relies on one tag being there or on one way to spell it.
Sources: https://docs.databricks.com/aws/en/ingestion/cloud-object-storage/auto-loader/options,
https://docs.databricks.com/aws/en/ingestion/cloud-object-storage/auto-loader/file-notification-mode,
https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from infra.workspace.spec import Logs

PREFIX = "databricks-auto-ingest-"
"""The prefix of every topic and queue name."""

_LONGEST_TAG = 256
_NOT_IN_TAGS = re.compile(r"[^\w\s.:/=+@-]")


def is_auto_loaders(arn: str) -> bool:
    """Return whether a topic or queue has an Auto Loader name."""
    return arn.rsplit(":", 1)[-1].startswith(PREFIX)


def is_ours(entry: Mapping[str, Any], tags: Mapping[str, str], streams: Sequence[Logs]) -> bool:
    """Return whether one of the streams created a notification.

    The topic's tags decide where they name a path or a checkpoint; without such tags the filter decides.

    Args:
        entry: a topic configuration of the bucket, as boto3 returns it.
        tags: of its topic; empty if they are missing or the topic is gone.
        streams: of this deployment, all on this bucket.
    """
    checkpoint, path = tags.get("checkpointLocation", ""), tags.get("path", "")
    if checkpoint and any(_is_checkpoint(checkpoint, stream.checkpoint) for stream in streams):
        return True
    if path:
        return any(_same(path, stream.path) for stream in streams)
    return not checkpoint and any(filter_prefix(entry) == literal_prefix(stream) for stream in streams)


def may_be_ours(entry: Mapping[str, Any], streams: Sequence[Logs]) -> bool:
    """Return whether a notification covers files that one of the streams reads."""
    keys = filter_prefix(entry)
    return any(keys.startswith(own) or own.startswith(keys) for own in map(literal_prefix, streams))


def described(entry: Mapping[str, Any], tags: Mapping[str, str]) -> str:
    """Describe what a notification and its topic's tags say about their stream."""
    named = [f"{name} {tags[name]}" for name in ("path", "checkpointLocation", "streamId") if tags.get(name)]
    return f"prefix {filter_prefix(entry)!r}, " + (f"tags: {', '.join(named)}" if named else "no tags")


def literal_prefix(stream: Logs) -> str:
    """Return the key prefix before the first wildcard of the stream's path, without a slash at the end."""
    key = _bare(stream.path).partition("/")[2]
    return re.split(r"[*?\[{]", key, maxsplit=1)[0].rstrip("/")


def filter_prefix(entry: Mapping[str, Any]) -> str:
    """Return the key prefix that a notification filters on, decoded, without a slash at the end."""
    rules = entry.get("Filter", {}).get("Key", {}).get("FilterRules", [])
    return unquote(next((str(rule["Value"]) for rule in rules if rule["Name"].lower() == "prefix"), "")).rstrip("/")


def _is_checkpoint(tag: str, checkpoint: str) -> bool:
    # Spark keeps the state of each source in a folder below the checkpoint.
    mine, other = _folded(checkpoint), _folded(tag)
    return bool(mine) and (_same(tag, checkpoint) or other.startswith(f"{mine}/"))


def _same(tag: str, path: str) -> bool:
    mine, other = _folded(path), _folded(tag)
    return mine == other or (len(tag) >= _LONGEST_TAG and mine.startswith(other))


def _folded(path: str) -> str:
    """Fold every spelling of a path to one: no scheme, ``_`` for what tags cannot hold, no wildcard at the end."""
    return _bare(_NOT_IN_TAGS.sub("_", _bare(path)))


def _bare(path: str) -> str:
    """Remove the scheme, slashes at both ends, and a wildcard at the end (``*``, or ``_`` in a tag)."""
    return re.sub(r"/[*_]$", "", re.sub(r"^[a-z0-9]+:/*", "", path).strip("/")).rstrip("/")
