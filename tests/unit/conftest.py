"""Fixtures of the unit tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from local.workspace import WorkspaceServer


@pytest.fixture
def server() -> Iterator[WorkspaceServer]:
    """Yield an empty local workspace."""
    # The venv of `make test-lts` also reads this file, and has no databricks-sdk.
    from local.workspace import WorkspaceServer

    with WorkspaceServer() as running:
        yield running
