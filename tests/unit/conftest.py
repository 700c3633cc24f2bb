"""Fixtures of the unit tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local.workspace import WorkspaceServer


@pytest.fixture
def server() -> Iterator[WorkspaceServer]:
    """Yield an empty local workspace."""
    with WorkspaceServer() as running:
        yield running
