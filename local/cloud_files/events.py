"""S3 events in the messages of a queue, as SNS wraps them.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import unquote_plus


class CreatedObject(NamedTuple):
    """An object that was put, copied or uploaded in parts.

    Attributes:
        bucket: the name of its bucket.
        key: its key, decoded.
        time: the time of the event, in milliseconds since 1970, UTC.
        size: bytes.
    """

    bucket: str
    key: str
    time: int
    size: int


class NoEventError(ValueError):
    """The message is not an S3 event sent through SNS; the text has the reason."""


def created_objects(body: str) -> list[CreatedObject]:
    """Return the objects that a message reports; none for ``s3:TestEvent`` and for other kinds of events.

    Args:
        body: the message's body, an SNS notification that is not raw.

    Raises:
        NoEventError: the body is anything else.
    """
    envelope = _object(body, "the message")
    if envelope.get("Type") != "Notification" or not isinstance(envelope.get("Message"), str):
        raise NoEventError("not an SNS notification (raw message delivery is enabled, or SNS did not send it)")
    message = _object(envelope["Message"], "the notification")
    if message.get("Event") == "s3:TestEvent":
        return []
    try:
        return [
            _created_object(record)
            for record in message["Records"]
            if record["eventSource"] == "aws:s3" and record["eventName"].startswith("ObjectCreated:")
        ]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NoEventError(f"not an S3 event ({type(error).__name__}: {error})") from None


def _created_object(record: dict[str, Any]) -> CreatedObject:
    time = datetime.fromisoformat(record["eventTime"].replace("Z", "+00:00"))
    s3_object = record["s3"]["object"]
    # The event of an empty object may omit the size.
    key, size = unquote_plus(s3_object["key"]), int(s3_object.get("size", 0))
    return CreatedObject(record["s3"]["bucket"]["name"], key, int(time.timestamp() * 1000), size)


def _object(text: str, what: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        raise NoEventError(f"{what} is not valid JSON") from None
    if not isinstance(value, dict):
        raise NoEventError(f"{what} is not a JSON object")
    return value
