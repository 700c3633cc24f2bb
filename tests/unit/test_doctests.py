"""Examples in docstrings show what the code returns."""

from __future__ import annotations

import doctest
import importlib
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("job/vpc_flow_logs", "infra", "local", "tools", "bench", "tests/support")


def modules_with_examples() -> list[str]:
    """Return the names of the modules that have an example in a docstring."""
    listed = subprocess.run(
        ["git", "grep", "-l", "--untracked", "-F", ">>> ", "--", *(f"{folder}/*.py" for folder in FOLDERS)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    names = [name.removeprefix("job/").removesuffix(".py").replace("/", ".") for name in listed.stdout.splitlines()]
    return sorted(name.removesuffix(".__init__") for name in names)


def test_there_are_examples() -> None:
    assert len(modules_with_examples()) > 20


@pytest.mark.parametrize("name", modules_with_examples())
def test_the_examples_of_a_module_are_correct(name: str) -> None:
    results = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert results.failed == 0
