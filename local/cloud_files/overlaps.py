"""S3's rule on a bucket's notifications: no two for the same event whose keys overlap.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from local.encoded_keys import decoded

KINDS = ("TopicConfigurations", "QueueConfigurations", "LambdaFunctionConfigurations")
"""The keys of a bucket's notifications in S3's answer."""

_TARGETS = ("TopicArn", "QueueArn", "LambdaFunctionArn")


def overlapping(one: Mapping[str, Any], others: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the first of the others that S3 does not accept next to the one; None if it accepts all.

    Args:
        one: a notification as boto3 writes it, with ``Events`` and ``Filter``.
        others: those that the bucket has already.
    """
    return next((other for other in others if _overlap(one, other)), None)


def described(notification: Mapping[str, Any]) -> str:
    """Describe a notification: its ID, its target, and its keys."""
    target = next((str(notification[name]) for name in _TARGETS if name in notification), "nothing")
    prefix, suffix = rule(notification, "prefix"), rule(notification, "suffix")
    return f"{notification.get('Id', 'without an id')} to {target} (prefix {prefix!r}, suffix {suffix!r})"


def rule(notification: Mapping[str, Any], name: str) -> str:
    """Return the ``prefix`` or ``suffix`` that a notification filters on; empty for none."""
    rules = notification.get("Filter", {}).get("Key", {}).get("FilterRules", [])
    return next((str(each["Value"]) for each in rules if each["Name"].lower() == name), "")


def _overlap(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    events = any(_same_event(a, b) for a in one["Events"] for b in other["Events"])
    # Filters are percent-encoded, or raw by mistake; either way they are meant for the same keys.
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
