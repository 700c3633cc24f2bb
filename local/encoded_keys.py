"""URL encoding of S3 keys, as S3 uses it in events and when it compares a key with a notification's filter.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html ("URL encoded"),
https://github.com/aws/aws-cdk/pull/28012 (a filter ``schemaVersion=1/`` never matches, ``schemaVersion%3D1/`` does)
"""

from __future__ import annotations

from urllib.parse import quote, unquote


def encoded(key: str) -> str:
    """Encode a key: a space becomes ``+``; letters, digits and safe characters stay; all others become ``%XX``.

    Example:
        >>> encoded("team=net/AWSLogs/a b+c@d.gz")
        'team%3Dnet/AWSLogs/a+b%2Bc%40d.gz'
    """
    return quote(key, safe="/!-_.*'() ").replace(" ", "+")


def decoded(value: str) -> str:
    """Decode a filter's value, which may be encoded or raw; ``+`` stays ``+``, as in a raw value."""
    return unquote(value)
