"""How S3 writes a key in an event, which is also what it compares with a notification's filter.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html ("URL encoded"),
https://github.com/aws/aws-cdk/pull/28012 (a filter ``schemaVersion=1/`` never matches, ``schemaVersion%3D1/`` does)
"""

from __future__ import annotations

from urllib.parse import quote, unquote


def encoded(key: str) -> str:
    """Encode a key: a space is ``+``, and what is neither a letter, a digit nor safe is ``%`` and hex digits.

    Example:
        >>> encoded("team=net/AWSLogs/a b+c@d.gz")
        'team%3Dnet/AWSLogs/a+b%2Bc%40d.gz'
    """
    return quote(key, safe="/!-_.*'() ").replace(" ", "+")


def decoded(value: str) -> str:
    """Decode a filter's value, which may be encoded or not; a ``+`` stays one, as in a raw value."""
    return unquote(value)
