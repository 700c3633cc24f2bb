"""Paginated lists with opaque page tokens."""

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
        request: the request, with the optional parameters ``page_token`` and ``size``.
        items: all items of the list.
        size: the name of the parameter with the page size, ``limit`` or ``max_results``.
        default: the page size without this parameter, or if it is 0.
        most: the largest valid page size.

    Raises:
        ApiError: for a page size out of range or an invalid token.
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
