"""S3's rule on bucket notifications: two notifications for the same event must not have overlapping keys.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from local.encoded_keys import decoded

KINDS = ("TopicConfigurations", "QueueConfigurations", "LambdaFunctionConfigurations")
"""The keys of a bucket's notifications in the API response of S3."""

_TARGETS = ("TopicArn", "QueueArn", "LambdaFunctionArn")


def overlapping(one: Mapping[str, Any], others: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the first existing notification that S3 rejects in combination with a new one; None if it accepts all.

    Args:
        one: the new notification in boto3's form, with ``Events`` and ``Filter``.
        others: the bucket's existing notifications.
    """
    return next((other for other in others if _overlap(one, other)), None)


def described(notification: Mapping[str, Any]) -> str:
    """Describe a notification: its ID, its target, and its keys."""
    target = next((str(notification[name]) for name in _TARGETS if name in notification), "no target")
    prefix, suffix = rule(notification, "prefix"), rule(notification, "suffix")
    return f"{notification.get('Id', 'without an ID')} to {target} (prefix {prefix!r}, suffix {suffix!r})"


def rule(notification: Mapping[str, Any], name: str) -> str:
    """Return the ``prefix`` or ``suffix`` that a notification filters on; empty for none."""
    rules = notification.get("Filter", {}).get("Key", {}).get("FilterRules", [])
    return next((str(each["Value"]) for each in rules if each["Name"].lower() == name), "")


def _overlap(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    events = any(_same_event(a, b) for a in one["Events"] for b in other["Events"])
    # A filter is percent-encoded, or raw by mistake; both spellings are intended for the same keys.
    prefixes = decoded(rule(one, "prefix")), decoded(rule(other, "prefix"))
    suffixes = decoded(rule(one, "suffix")), decoded(rule(other, "suffix"))
    return (
        events
        and (prefixes[0].startswith(prefixes[1]) or prefixes[1].startswith(prefixes[0]))
        and (suffixes[0].endswith(suffixes[1]) or suffixes[1].endswith(suffixes[0]))
    )


def _same_event(one: str, other: str) -> bool:
    return (
        one.removesuffix("*").startswith(other.removesuffix("*"))
        if other.endswith("*")
        else (other.startswith(one.removesuffix("*")) if one.endswith("*") else one == other)
    )
