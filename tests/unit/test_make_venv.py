"""Setup shows its progress, and ends with one message if a step fails."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from tools import make_venv

SLOW = """
import time
print("Collecting pyspark==4.2.0 (from -r requirements.txt (line 7))", flush=True)
time.sleep(1)
print("Installing collected packages: pyspark", flush=True)
time.sleep(1)
"""


@pytest.fixture
def progress(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Return a function that runs a script as a step, and returns the output of setup."""
    monkeypatch.setattr(make_venv, "EVERY", 0.2)

    def output(script: str) -> str:
        make_venv.run([sys.executable, "-c", script], "not reached")
        return capsys.readouterr().out

    return output


def test_a_long_step_reports_its_progress_every_few_seconds(progress: Callable[[str], str]) -> None:
    output = progress(SLOW)
    assert " s: Collecting pyspark==4.2.0\n" in output
    assert " s: Installing collected packages: pyspark\n" in output


REPLACING = """
import time
print("Installing collected packages: setuptools, numpy, pyspark", flush=True)
print("  Attempting uninstall: setuptools", flush=True)
print("    Found existing installation: setuptools 65.5.0", flush=True)
print("    Uninstalling setuptools-65.5.0:", flush=True)
print("      Successfully uninstalled setuptools-65.5.0", flush=True)
time.sleep(1)
"""


def test_the_progress_of_an_installation_is_not_the_removal_of_an_old_package(progress: Callable[[str], str]) -> None:
    output = progress(REPLACING)
    assert " s: installing 3 packages\n" in output
    assert "ninstall" not in output.replace("installing", "")


def test_a_short_step_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    make_venv.run([sys.executable, "-c", "print('done')"], "not reached")
    assert capsys.readouterr().out == ""


def test_a_failed_step_shows_its_error_and_the_next_step(capfd: pytest.CaptureFixture[str]) -> None:
    failing = "import sys; print('Collecting x'); print('ERROR: no such package', file=sys.stderr); sys.exit(1)"
    with pytest.raises(SystemExit, match=r"pip could not install it\n  Nothing is broken\. .*same make target"):
        make_venv.run([sys.executable, "-c", failing], "pip could not install it")
    assert capfd.readouterr().err == "ERROR: no such package\n  | Collecting x\n"
