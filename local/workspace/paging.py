"""Lists answered page by page, with tokens that mean nothing to the caller."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TypeVar

from local.workspace.errors import invalid
from local.workspace.exchange import Request

T = TypeVar("T")


def page_of(
    request: Request, items: Sequence[T], *, size: str, default: int, most: int
) -> tuple[list[T], dict[str, str]]:
    """Return the requested page, and ``next_page_token`` unless it is the last one.

    Args:
        request: with ``page_token``, and with how many are wanted.
        items: all of them.
        size: the name of the parameter that says how many, ``limit`` or ``max_results``.
        default: how many there are when it does not say; also for 0.
        most: how many it may ask for.

    Raises:
        ApiError: for a number out of range, or a token that is none of ours.
    """
    count = request.number(size, default) or default
    if not 0 < count <= most:
        raise invalid(f"Invalid {size}: {count}. It must be between 1 and {most}")
    start = _start(request.query.get("page_token", ""))
    end = start + count
    return list(items[start:end]), {"next_page_token": _token(end)} if end < len(items) else {}


def _token(start: int) -> str:
    return base64.urlsafe_b64encode(f"from {start}".encode()).decode()


def _start(token: str) -> int:
    if not token:
        return 0
    try:
        return int(base64.urlsafe_b64decode(token).decode().removeprefix("from "))
    except ValueError:
        raise invalid(f"Invalid page token: {token}") from None
