"""Whose resources are looked at: MiniStack keeps them by account and region, and takes both from the request."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ministack.core import responses


@contextmanager
def scope(*, account: str, region: str) -> Iterator[None]:
    """Work in an account and region, as a request that came from there would."""
    before = responses.get_account_id(), responses.get_region()
    responses.set_request_account_id(account)
    responses.set_request_region(region)
    try:
        yield
    finally:
        responses.set_request_account_id(before[0])
        responses.set_request_region(before[1])
