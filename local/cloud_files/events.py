"""What a message of the queue says: the events of S3, as SNS wraps them.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import unquote_plus


class Created(NamedTuple):
    """An object that was put, copied or uploaded in parts.

    Attributes:
        bucket: its bucket.
        key: its key, decoded.
        time: milliseconds since 1970, UTC.
        size: bytes.
    """

    bucket: str
    key: str
    time: int
    size: int


class NoEventError(ValueError):
    """The message is not one that S3 sends through SNS; it says why."""


def created(body: str) -> list[Created]:
    """Return the objects that a message tells of; none for ``s3:TestEvent`` and for events of other kinds.

    Args:
        body: the message's body, a notification of SNS that is not raw.

    Raises:
        NoEventError: for anything else.
    """
    envelope = _object(body, "the message")
    if envelope.get("Type") != "Notification" or not isinstance(envelope.get("Message"), str):
        raise NoEventError("no notification of SNS (a subscription with raw message delivery, or none at all)")
    message = _object(envelope["Message"], "the notification")
    if message.get("Event") == "s3:TestEvent":
        return []
    try:
        return [
            _created(record)
            for record in message["Records"]
            if record["eventSource"] == "aws:s3" and record["eventName"].startswith("ObjectCreated:")
        ]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NoEventError(f"no event of S3 ({type(error).__name__}: {error})") from None


def _created(record: dict[str, Any]) -> Created:
    time = datetime.fromisoformat(record["eventTime"].replace("Z", "+00:00"))
    one = record["s3"]["object"]
    # An object of no bytes may come without its size.
    key, size = unquote_plus(one["key"]), int(one.get("size", 0))
    return Created(record["s3"]["bucket"]["name"], key, int(time.timestamp() * 1000), size)


def _object(text: str, what: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        raise NoEventError(f"{what} is no JSON") from None
    if not isinstance(found, dict):
        raise NoEventError(f"{what} is no JSON object")
    return found
