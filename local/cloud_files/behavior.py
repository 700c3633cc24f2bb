"""Settings for behavior of Auto Loader that is not documented.

Set them with :func:`local.cloud_files.register`, or in the environment of the process that calls it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from local.cloud_files.error import CloudFilesError

EMPTY_PREFIX = "CLOUD_FILES_EMPTY_PREFIX"
NOTIFICATION_FILTER = "CLOUD_FILES_NOTIFICATION_FILTER"

_ALLOWED = {EMPTY_PREFIX: ("waits", "raises"), NOTIFICATION_FILTER: ("raw", "encoded")}


@dataclass(frozen=True)
class Behavior:
    """The settings.

    Attributes:
        empty_prefix: the behavior of a new stream if a bucket's prefix has no objects: ``waits`` for the first
            object, or ``raises`` until there is one.
        notification_filter: the form of the prefix in the notification's filter. ``raw``, the path as given, is the
            stricter value and the default: S3 compares the percent-encoded key, so with ``=``, ``+`` or ``@`` in the
            prefix, the stream never receives an event. With ``encoded`` it does.
    """

    empty_prefix: str = "waits"
    notification_filter: str = "raw"

    @classmethod
    def chosen(cls, *, empty_prefix: str | None, notification_filter: str | None) -> Behavior:
        """Return the settings; None selects the value of the environment variable, or else the default.

        Raises:
            CloudFilesError: a value is not allowed.
        """
        return cls(
            empty_prefix=_choice(EMPTY_PREFIX, empty_prefix, os.environ),
            notification_filter=_choice(NOTIFICATION_FILTER, notification_filter, os.environ),
        )


def _choice(name: str, given: str | None, environment: Mapping[str, str]) -> str:
    allowed = _ALLOWED[name]
    choice = given or environment.get(name) or allowed[0]
    if choice not in allowed:
        raise CloudFilesError(f"{name} = {choice!r}: must be {' or '.join(allowed)}")
    return choice
