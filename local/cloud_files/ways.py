"""What Auto Loader does in one of two ways, where no public source says in which.

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
class Ways:
    """The choices.

    Attributes:
        empty_prefix: what a new stream does on a prefix of a bucket without any object: ``waits`` for the first one,
            or ``raises`` until there is one.
        notification_filter: how the stream writes the prefix that its notification filters on. ``raw``, as the path
            has it, is the stricter one and the default: S3 compares the percent-encoded key, so with a ``=``, ``+`` or
            ``@`` in the prefix no event ever comes. ``encoded``: events come.
    """

    empty_prefix: str = "waits"
    notification_filter: str = "raw"

    @classmethod
    def chosen(cls, *, empty_prefix: str | None, notification_filter: str | None) -> Ways:
        """Return the choices of a caller; None takes the environment's, and that the default.

        Raises:
            CloudFilesError: a choice is not one of those allowed.
        """
        return cls(
            empty_prefix=_choice(EMPTY_PREFIX, empty_prefix, os.environ),
            notification_filter=_choice(NOTIFICATION_FILTER, notification_filter, os.environ),
        )


def _choice(name: str, given: str | None, environment: Mapping[str, str]) -> str:
    allowed = _ALLOWED[name]
    choice = given or environment.get(name) or allowed[0]
    if choice not in allowed:
        raise CloudFilesError(f"{name} = {choice!r}: allowed are {' and '.join(allowed)}")
    return choice
