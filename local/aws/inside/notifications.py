"""Bucket notifications as in S3, which rejects overlapping ones, and compares filters with the encoded key.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

from ministack.services import s3

from local.encoded_keys import decoded, encoded


def add() -> None:
    """Reject configurations that send an event twice, and match filters with percent-encoded keys."""
    validate, matches = s3._validate_notification_configs, s3._key_matches_filter

    def stricter(configurations: list[dict[str, Any]], *rest: Any, **named: Any) -> Any:
        return validate(configurations, *rest, **named) or _refusal(configurations)

    def matches_encoded(key: str, prefix: str | None, suffix: str | None) -> bool:
        return bool(matches(encoded(key), prefix, suffix))

    s3._validate_notification_configs = stricter
    s3._key_matches_filter = matches_encoded


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
    # It is not documented whether a raw and an encoded value overlap in S3. On the stage they do, which is stricter.
    prefixes = sorted((decoded(each["filter_prefix"] or "") for each in (one, other)), key=len)
    suffixes = sorted((decoded(each["filter_suffix"] or "") for each in (one, other)), key=len)
    events = any(
        s3._event_matches(event, [pattern]) or s3._event_matches(pattern, [event])
        for event in one["events"]
        for pattern in other["events"]
    )
    return events and prefixes[1].startswith(prefixes[0]) and suffixes[1].endswith(suffixes[0])
