"""Bucket notifications that overlap, which S3 refuses and MiniStack takes.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

from ministack.services import s3


def add() -> None:
    """Refuse configurations in which one event would be told of twice."""
    validate = s3._validate_notification_configs

    def stricter(configurations: list[dict[str, Any]], *rest: Any, **named: Any) -> Any:
        return validate(configurations, *rest, **named) or _refusal(configurations)

    s3._validate_notification_configs = stricter


def _refusal(configurations: list[dict[str, Any]]) -> Any:
    for one, other in combinations(configurations, 2):
        if _overlap(one, other):
            filtered = one["filter_prefix"] or other["filter_prefix"]
            text = (
                "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes "
                "are overlapping for the same event type."
                if filtered
                else "Configurations overlap. Configurations on the same bucket cannot share a common event type."
            )
            return s3._invalid_notification_config(text)
    return None


def _overlap(one: dict[str, Any], other: dict[str, Any]) -> bool:
    prefixes = sorted((one["filter_prefix"] or "", other["filter_prefix"] or ""), key=len)
    suffixes = sorted((one["filter_suffix"] or "", other["filter_suffix"] or ""), key=len)
    events = any(
        s3._event_matches(event, [pattern]) or s3._event_matches(pattern, [event])
        for event in one["events"]
        for pattern in other["events"]
    )
    return events and prefixes[1].startswith(prefixes[0]) and suffixes[1].endswith(suffixes[0])
