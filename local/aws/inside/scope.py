"""Account and region of an operation. MiniStack stores resources by both, and takes both from the request."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ministack.core import responses


@contextmanager
def scope(*, account: str, region: str) -> Iterator[None]:
    """Run the block in an account and region, like a request from there."""
    before = responses.get_account_id(), responses.get_region()
    responses.set_request_account_id(account)
    responses.set_request_region(region)
    try:
        yield
    finally:
        responses.set_request_account_id(before[0])
        responses.set_request_region(before[1])
