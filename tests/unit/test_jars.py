"""The class path of local sessions: the jars that setup stores in the venv, and the errors when they are missing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from local.ingest import run
from local.laptop.jars import JarsError, class_path, s3_class_path


@pytest.fixture
def venv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    (tmp_path / "delta-jars").mkdir()
    (tmp_path / "delta-jars" / "delta.jar").touch()
    return tmp_path


def test_without_the_jars_for_s3_the_class_path_has_only_delta_lake(venv: Path) -> None:
    assert class_path() == f"{venv}/delta-jars/*"


def test_with_the_jars_for_s3_every_session_has_both_on_its_class_path(venv: Path) -> None:
    (venv / "s3-jars").mkdir()
    (venv / "s3-jars" / "hadoop-aws.jar").touch()
    assert class_path() == f"{venv}/delta-jars/*:{venv}/s3-jars/*"


def test_a_session_that_needs_the_missing_jars_for_s3_advises_to_run_setup(venv: Path) -> None:
    with pytest.raises(JarsError, match=r"There are no jars for S3 in .*make setup"):
        s3_class_path()


def test_a_run_without_delta_lake_jars_reports_it_without_a_traceback(
    venv: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (venv / "delta-jars" / "delta.jar").unlink()

    def job(arguments: list[str], *, session: object) -> None:
        class_path()

    with pytest.raises(SystemExit) as error:
        run([], job=job)
    assert error.value.code == 1
    assert capsys.readouterr().err.startswith(f"There are no Delta Lake jars in {venv}/delta-jars. ")
