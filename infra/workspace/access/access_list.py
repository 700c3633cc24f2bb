"""The entries of an access control list. Those of jobs and of other objects have different classes in the SDK."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

Who = tuple[str, str]
"""The request's key for the kind of a principal, such as ``group_name``, and the principal's name."""

Level_co = TypeVar("Level_co", covariant=True)

_KINDS = ("group_name", "user_name", "service_principal_name")


class Permission(Protocol[Level_co]):
    """A permission of an entry."""

    @property
    def inherited(self) -> bool | None:
        """True if the permission is inherited from a parent object."""

    @property
    def permission_level(self) -> Level_co | None:
        """The level."""


class Entry(Protocol[Level_co]):
    """The permissions of one principal, whose name is in the attribute for its kind."""

    @property
    def all_permissions(self) -> Sequence[Permission[Level_co]] | None:
        """All permissions of the principal."""


def direct(entries: Iterable[Entry[Level_co]]) -> Iterator[tuple[Who, Level_co]]:
    """Yield each permission that is not inherited, with its principal."""
    for entry in entries:
        for permission in entry.all_permissions or ():
            if not permission.inherited and permission.permission_level is not None:
                yield _who(entry), permission.permission_level


def _who(entry: Entry[Level_co]) -> Who:
    names = ((kind, getattr(entry, kind, None)) for kind in _KINDS)
    return next(((kind, name) for kind, name in names if name), ("user_name", ""))
