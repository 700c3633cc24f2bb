"""Set-up's step for the registration function: done once for a lock, and whole or not at all."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from infra.assets.function_zip import packages_file
from tests.infra.conftest import ROOT
from tools.function_packages import provide_function_packages
from tools.progress import SetupError


@pytest.fixture(autouse=True)
def venv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A venv without the packages, and a pip that reaches nothing."""
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    return tmp_path


def test_what_is_there_for_this_lock_is_not_fetched_again(capsys: pytest.CaptureFixture[str]) -> None:
    packages_file().parent.mkdir()
    packages_file().write_bytes(b"there")
    assert provide_function_packages(ROOT).read_bytes() == b"there"
    assert "already there (infra/workspace/requirements.txt)" in capsys.readouterr().out


def test_a_failure_says_what_pip_said_and_leaves_what_was_there(venv: Path) -> None:
    older = venv / "lambda" / "packages-0123456789abcdef.zip"
    older.parent.mkdir()
    older.write_bytes(b"older")
    with pytest.raises(SetupError) as error:
        provide_function_packages(ROOT)
    assert "pip could not download the packages of infra/workspace/requirements.txt" in str(error.value)
    assert "No matching distribution found" in str(error.value)
    assert list((venv / "lambda").iterdir()) == [older]
