"""Fixtures for the infrastructure tests."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App
from aws_cdk.assertions import Template

from infra.config import Environment
from infra.stacks import MainStack, build

ROOT = Path(__file__).resolve().parent.parent.parent

Synthesize = Callable[[Environment], Template]


def flags() -> dict[str, Any]:
    """Return the CDK feature flags that `npx cdk` sets; an App without them synthesizes other templates."""
    context: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text())["context"]
    return context


@pytest.fixture
def built(tmp_path: Path) -> Callable[[Environment], MainStack]:
    """Return a function that builds an environment's stacks with the flags of cdk.json and returns the main stack."""
    return lambda environment: build(App(context=flags(), outdir=str(tmp_path / "cdk.out")), environment)


@pytest.fixture
def synthesized(built: Callable[[Environment], MainStack]) -> Synthesize:
    """Return a function that synthesizes the template of an environment's main stack."""
    return lambda environment: Template.from_stack(built(environment))
