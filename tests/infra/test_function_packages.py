"""The setup step for the registration function: packages are downloaded once per lock, completely or not at all."""

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
    """Return a venv without the packages, and keep pip from reaching any index."""
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    return tmp_path


def test_packages_of_the_same_lock_are_not_downloaded_again(capsys: pytest.CaptureFixture[str]) -> None:
    packages_file().parent.mkdir()
    packages_file().write_bytes(b"there")
    assert provide_function_packages(ROOT).read_bytes() == b"there"
    assert "already there (infra/workspace/requirements.txt)" in capsys.readouterr().out


def test_a_failed_download_reports_the_pip_error_and_keeps_older_packages(venv: Path) -> None:
    older = venv / "lambda" / "packages-0123456789abcdef.zip"
    older.parent.mkdir()
    older.write_bytes(b"older")
    with pytest.raises(SetupError) as error:
        provide_function_packages(ROOT)
    assert "pip could not download the packages of infra/workspace/requirements.txt" in str(error.value)
    assert "No matching distribution found" in str(error.value)
    assert list((venv / "lambda").iterdir()) == [older]
