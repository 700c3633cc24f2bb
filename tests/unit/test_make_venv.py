"""Set-up shows that it goes on, and ends with one message when a step fails."""

from __future__ import annotations

import sys

import pytest

from tools import make_venv

SLOW = """
import time
print("Collecting pyspark==4.2.0 (from -r requirements.txt (line 7))", flush=True)
time.sleep(1)
print("Installing collected packages: pyspark", flush=True)
time.sleep(1)
"""


def test_a_long_step_says_every_few_seconds_what_it_does(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(make_venv, "EVERY", 0.2)
    make_venv.run([sys.executable, "-c", SLOW], "not reached")
    said = capsys.readouterr().out
    assert " s: Collecting pyspark==4.2.0\n" in said
    assert " s: Installing collected packages: pyspark\n" in said


def test_a_short_step_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    make_venv.run([sys.executable, "-c", "print('done')"], "not reached")
    assert capsys.readouterr().out == ""


def test_a_step_that_fails_shows_its_error_and_ends_with_what_to_do(capfd: pytest.CaptureFixture[str]) -> None:
    failing = "import sys; print('Collecting x'); print('ERROR: no such package', file=sys.stderr); sys.exit(1)"
    with pytest.raises(SystemExit, match=r"pip could not install it\n  Nothing is broken\. .*same make target"):
        make_venv.run([sys.executable, "-c", failing], "pip could not install it")
    assert capfd.readouterr().err == "ERROR: no such package\n  | Collecting x\n"
